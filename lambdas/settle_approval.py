"""Settle an approval: the registry says what was decided, and the run ends. An approval there starts the promotion."""

from typing import Any

from lambdas.aws import clock, registry, run_record, runs
from lambdas.aws.telemetry import logger, tracer
from slipway.retraining import legs, request
from slipway.retraining.run import State, move, refuse


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The registry first: a repeated call finds it decided there, and goes on with the ledger."""
    state, now = event["state"], clock.now()
    end, says = request.decided(state)
    known = runs.going(state["run_id"], event["execution"], State.REGISTERING, now)
    if known.ended:
        return legs.decided(known)
    if "silence" not in state:
        registry.decide(known.package, end.value.title(), f"run {known.id}, {says}")
    done = move(known, end, now, says=says) if end is State.APPROVED else refuse(known, end, now, (says,))
    return legs.decided(run_record.record(done))
