"""Take labels of an endpoint's answers, from people or systems, as one object of ground truth."""

from typing import Any

from lambdas.aws import bucket, clock, counted
from lambdas.aws.settings import setting
from lambdas.aws.telemetry import logger, tracer
from slipway import feedback, names


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"endpoint", "labels": [{"id", "label"}], "collected_at"?}`, all or none; the rest: `slipway.feedback`."""
    now = clock.now()
    request = feedback.parse(event, tuple(setting("ENDPOINTS").split(",")), now)
    text = feedback.lines(request)
    when = counted.when(now if request.collected_at is None else request.collected_at)
    hour, minute = when[:-3], "" if request.collected_at is None else f"{when[-2:]}-00-"
    key = f"{names.GROUND_TRUTH}/{request.endpoint}/{hour}/{minute}{feedback.name(text)}.jsonl"
    new = bucket.put_new(key, text.encode())
    return {"labels": len(request.labels), "key": key, "new": new}
