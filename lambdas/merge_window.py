"""Sum a window of traffic from the profiles of its captured objects, made as they arrived or only now."""

from typing import Any

from lambdas.aws import clock, counted, model_monitor, profiling
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names, windows
from slipway.drift.profile import Profile, empty
from slipway.drift.reference import Reference
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, and the planned `window`."""
    monitor, window = codec.decode(Monitor, event["monitor"]), event["window"]
    variant, since = window["variant"], float(window["since"])
    reference = profiling.reference(monitor.endpoint, variant, clock.now())
    summed, objects = total(monitor, variant, since, reference)
    if summed is None and reference is not None:
        summed = empty(reference)
    if summed is None:
        logger.warning("not counted: the variant is gone or has no baseline", **window)
        return {**window, "counted": False}
    counted.keep(monitor.endpoint, names.PROFILES, variant, since, summed, objects)
    return {**window, "counted": True, "objects": objects, "rows": summed.rows}


def total(monitor: Monitor, variant: str, since: float, reference: Reference | None) -> tuple[Profile | None, int]:
    """The window's profile, and of how many objects."""
    if monitor.kind == names.MODEL_MONITOR:
        found = model_monitor.statistics(monitor, since)
        return (profiling.described(found, reference), 1) if found and reference else (None, 0)
    captured = [*counted.captured(monitor.endpoint, variant, since, since + monitor.seconds)]
    profiles = (profiling.profile(source, reference) for source in captured)  # one at a time: there may be thousands
    return windows.total(profile for profile in profiles if profile is not None), len(captured)
