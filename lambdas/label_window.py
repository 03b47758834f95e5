"""Join the labels that have come with a window's requests, once they are due."""

from typing import Any

from lambdas.aws import baselines, counted, profiling
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, and the planned `window`. Labels that come later still do not count."""
    monitor, window = codec.decode(Monitor, event["monitor"]), event["window"]
    endpoint, variant, since = monitor.endpoint, window["variant"], float(window["since"])
    kept = counted.window(endpoint, names.PROFILES, variant, since)
    reference = baselines.by_id(endpoint, kept.reference) if kept else None
    if reference is None:
        logger.warning("not labelled: the window's baseline is gone", **window)
        return {**window, "labelled": 0}
    labelled = profiling.labelled(monitor, variant, since, reference)
    counted.keep(endpoint, names.LABELLED, variant, since, labelled, counted.objects(endpoint, variant, since))
    return {**window, "labelled": labelled.labelled.n, "rows": labelled.rows}
