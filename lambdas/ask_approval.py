"""Ask people to approve a challenger; `answer` takes what they say, within the state's time-out."""

from typing import Any

from lambdas.aws import clock, run_record, runs
from lambdas.aws.telemetry import logger, tracer
from slipway.retraining.run import State, move


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """Asked again, after an error or a redrive, the newest token is the one that counts."""
    now = clock.now()
    known = runs.going(event["run_id"], event["execution"], State.REGISTERING, now)
    waits = f"{known.package} waits {event['approval_seconds'] / 3600:g} hours for an answer"
    run_record.record(move(known, State.AWAITING, now, says=waits), event["token"])
