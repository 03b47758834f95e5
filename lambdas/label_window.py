"""Join the labels that have come with a window's requests, once they are due, or say which job is to do it."""

from typing import Any

from lambdas.aws import baselines, counted, label_jobs, profiling, turns
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names
from slipway.windows import Engine, Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, the planned `window`, and the workflow's `execution`. Labels that come later still do not count."""
    monitor, window = codec.decode(Monitor, event["monitor"]), event["window"]
    endpoint, variant, since = monitor.endpoint, window["variant"], float(window["since"])
    kept = counted.window(endpoint, names.PROFILES, variant, since)
    reference = baselines.by_id(endpoint, kept.reference) if kept else None
    if kept is None or reference is None:
        logger.warning("not labelled: the window's baseline is gone", **window)
        return {**window, "engine": Engine.FUNCTION, "labelled": 0}
    given = profiling.given(monitor, variant, since)
    engine = monitor.engine(given.size)
    if not (given.captured and given.truths):
        joined = kept  # there is nothing to join, and however much was captured, it is counted
    elif engine is Engine.FUNCTION:
        joined = profiling.labelled(given, reference)
    else:
        turns.leave(endpoint, event["execution"])  # jobs take long
        job = label_jobs.place(monitor, variant, since, given, reference)
        logger.info("too much for a function", **window, bytes=given.size, job=job)
        return {**window, "engine": engine if job else "under way", "job": job}
    counted.keep(endpoint, names.LABELLED, variant, since, joined, counted.objects(endpoint, variant, since))
    return {**window, "engine": Engine.FUNCTION, "labelled": joined.labelled.n, "rows": joined.rows}
