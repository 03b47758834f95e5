"""Shift traffic: bring the endpoint to what the release wants, and verify that it is there."""

from dataclasses import asdict
from typing import Any

from lambdas.aws import clock, ledger, serving
from lambdas.aws.reconcile import WAIT_SECONDS, reconcile
from lambdas.aws.record import record
from lambdas.aws.telemetry import logger, tracer
from slipway import loop, phases, release


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    known = ledger.release(event["release_id"])
    if known.phase is phases.Phase.CREATED:
        begun = release.advance(known, clock.now(), known.reason)
        known = record(begun, release.entered(begun, "admission"))
    if known.phase not in phases.JUDGED:
        return asdict(loop.turn(known, event))
    known, wanted, work = reconcile(known)
    if not work.in_place:
        return asdict(loop.turn(known, event, "shift", WAIT_SECONDS))
    if known.in_place_at is None:
        serving.probe(known.endpoint, [v.name for v in wanted.variants if not v.shadow], known.probe)
        known = ledger.write(release.in_place(known, clock.now()))
    return asdict(loop.turn(known, event, "judge", known.plan.soak_seconds))
