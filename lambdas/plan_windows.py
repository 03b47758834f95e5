"""Plan the work on an endpoint's traffic: windows to count, windows whose labels have come, variants to look at."""

from typing import Any

from lambdas.aws import baselines, clock, counted, holdout_jobs, model_monitor, turns
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, names, windows
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`: the endpoint's settings, from its schedule; `execution`: the workflow's ARN. Answers lists for it to
    go through. While an earlier execution still counts, this one only looks."""
    monitor, now = codec.decode(Monitor, event["monitor"]), clock.now()
    serving = baselines.serving(monitor.endpoint)
    work: dict[str, list[dict[str, Any]]] = {"count": [], "label": [], "look": [one._asdict() for one in serving]}
    work["compare"] = []
    if turns.take(monitor.endpoint, event["execution"]):
        waiting = {one.variant for one in serving if not baselines.made(monitor.endpoint, one.version)}
        for variant in names.ROLES:
            work["count"] += to_count(monitor, variant, now) if variant not in waiting else []
            work["label"] += to_label(monitor, variant, now)
        for one in serving:
            work["compare"] += holdout_jobs.due(monitor, one, now) if one.variant == names.BASELINE else []
    logger.info("planned", endpoint=monitor.endpoint, work={name: len(items) for name, items in work.items()})
    return {"monitor": codec.encode(monitor), **work}


def to_count(monitor: Monitor, variant: str, now: float) -> list[dict[str, Any]]:
    kept = counted.starts(monitor.endpoint, names.PROFILES, variant, monitor.start(now - windows.KEEP))
    of = {at: counted.objects(monitor.endpoint, variant, at) if at >= monitor.recent(now) else 0 for at in kept}
    until = monitor.newest_closed(now) + monitor.seconds
    source = model_monitor if monitor.kind == names.MODEL_MONITOR else counted
    captured = source.by_window(monitor, variant, windows.look_from(monitor, of, now), until)
    due = windows.due(monitor, captured, of, now, steady=variant == names.BASELINE)
    return [{"variant": variant, "since": at} for at in due]


def to_label(monitor: Monitor, variant: str, now: float) -> list[dict[str, Any]]:
    since = monitor.start(now - windows.KEEP - 3600 * monitor.label_hours)
    kept = counted.starts(monitor.endpoint, names.PROFILES, variant, since)
    labelled = counted.starts(monitor.endpoint, names.LABELLED, variant, since)
    return [{"variant": variant, "since": start} for start in windows.matured(monitor, kept, set(labelled), now)]
