"""Answer a run's question for approval: a person's word, or what was decided about its package in the registry."""

from typing import Any

from lambdas.aws import executions, runs
from lambdas.aws.telemetry import logger, tracer
from slipway import names
from slipway.retraining import request


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """`{"run_id" or "endpoint", "answer": approve|reject, "by": who, "reason": why}`, or the registry's event."""
    said = request.answer(event)
    found = runs.under_way(said.endpoint or names.retrained_endpoint(said.run_id))
    known, token = found or (None, "")
    meant = known and said.run_id in ("", known.id) and said.package in ("", known.package)
    if not (known and meant and token):
        if said.package:  # most versions in the registry come from no run that asks
            return None
        raise request.NothingAsked(f"{said.run_id or said.endpoint} waits for no answer; nothing was changed")
    executions.answer(token, {"answer": said.answer, "by": said.by, "reason": said.reason})
    return {"run_id": known.id, "answer": said.answer, "package": known.package}
