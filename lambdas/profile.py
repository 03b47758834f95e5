"""Profile a captured object as it arrives in the bucket: a few KB of counts, and its unreadable lines put aside."""

from typing import Any

from lambdas.aws import capture, clock, profiling
from lambdas.aws.telemetry import logger, tracer


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:
    """EventBridge's `Object Created`; the same event again, late or in another order, changes nothing."""
    source = capture.source(event["detail"]["object"]["key"])
    if source is None or not source.role:
        return
    reference = profiling.reference(source.endpoint, source.role, clock.now())
    if reference is None:
        logger.warning("not profiled: its variant is gone or has no baseline", key=source.key)
    else:
        profiling.profile(source, reference)
