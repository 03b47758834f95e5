"""Sum a window of traffic from the profiles of its captured objects, made as they arrived or only now."""

from typing import Any

from lambdas.aws import clock, counted, profiling
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names, windows
from slipway.drift.profile import empty
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, and the planned `window`."""
    monitor, window = codec.decode(Monitor, event["monitor"]), event["window"]
    variant, since = window["variant"], float(window["since"])
    sources = [source for source, _ in counted.captured(monitor.endpoint, variant, since, since + monitor.seconds)]
    reference = profiling.reference(monitor.endpoint, variant, clock.now())
    profiles = (profiling.profile(source, reference) for source in sources)
    summed = windows.total(profile for profile in profiles if profile is not None)
    if summed is None and reference is not None:
        summed = empty(reference)
    if summed is None:
        logger.warning("not counted: the variant is gone or has no baseline", **window)
        return {**window, "counted": False}
    counted.keep(monitor.endpoint, names.PROFILES, variant, since, summed, len(sources))
    return {**window, "counted": True, "objects": len(sources), "rows": summed.rows}
