"""Judge the candidate on the minutes since the last look and on its captured answers; act on the verdict."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from lambdas.aws import clock, ledger, pairs, telemetry
from lambdas.aws import metrics as cloudwatch
from lambdas.aws.record import record
from lambdas.aws.telemetry import logger, tracer
from slipway import evidence, judge, loop, phases


@tracer.capture_lambda_handler
@logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    known = ledger.release(event["release_id"])
    if known.phase not in phases.JUDGED or known.in_place_at is None:
        return asdict(loop.turn(known, event))
    now = clock.now()
    since, until = evidence.window(known.evidence, now)
    minutes = cloudwatch.minutes(known.endpoint, since, until, known.evidence.latency.threshold)
    reported = pairs.reported(known.id, known.step) if known.plan.outcomes else judge.NO_REPORTS
    outcome = judge.look(known, minutes, pairs.by_step(known.id), now, reported)
    written = record(outcome.release, outcome.line, outcome.tell)
    telemetry.metrics.add_dimension(name="EndpointName", value=known.endpoint)
    telemetry.metrics.add_metric(name="CandidateWeight", unit=MetricUnit.Percent, value=written.weight)
    logger.info("verdict", release_id=known.id, decision=outcome.line.verdict and outcome.line.verdict.decision)
    moved = written.step != known.step
    return asdict(loop.turn(written, event, "shift" if moved else "judge", 0 if moved else known.plan.soak_seconds))
