"""Detect drift of a variant: its windows, baseline and probes in; one verdict out, kept, measured and told."""

from typing import Any

from lambdas.aws import baselines, clock, history, interchange, ledger, verdicts
from lambdas.aws.telemetry import logger, tracer
from slipway import codec, windows
from slipway.drift.calibration import Baseline, learn
from slipway.drift.detect import detect
from slipway.drift.findings import Anchors, Drift, Holdout, Settings, TwoSample, Window
from slipway.drift.report.page import render
from slipway.windows import Monitor


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`monitor`, and at which variant, package version and release to `look`. A repeated look tells nobody anew."""
    monitor, look, now = codec.decode(Monitor, event["monitor"]), event["look"], clock.now()
    endpoint, variant, version = monitor.endpoint, look["variant"], look["version"]
    seen, since = history.windows(monitor, variant, now), ledger.served_since(look["release"], variant)
    try:
        reference = baselines.reference(endpoint, version)
        baseline = learn(reference, baselines.windows(endpoint, version), since=since)
    except baselines.NoBaseline as missing:
        verdicts.unwatched(endpoint, version, str(missing))
        return {**look, "remedy": None}
    drift = judge(monitor, look, baseline, seen, now)
    before = verdicts.newest(endpoint, variant, now - windows.KEEP)
    told = verdicts.tell(endpoint, variant, version, drift, before)
    newest = next((w.profile for w in reversed(seen) if w.since == drift.since), None)
    described = interchange.files(newest, baseline.whole, reference) if newest else {}
    verdicts.keep(endpoint, variant, drift, described)
    verdicts.measure(endpoint, variant, reference, drift, windows.coverage(seen))
    # For people alone: should it fail, the verdict is kept.
    page = render(baseline, seen, drift, now, of=f"{endpoint} {variant}, package version {version}")
    verdicts.show(endpoint, variant, drift, page)
    logger.info("verdict", endpoint=endpoint, variant=variant, remedy=drift.remedy, told=told)
    return {**look, "remedy": drift.remedy.value, "blocks_retraining": drift.blocks_retraining}


def judge(monitor: Monitor, look: dict[str, str], baseline: Baseline, seen: list[Window], now: float) -> Drift:
    endpoint, version = monitor.endpoint, look["version"]
    # Windows are labelled after `label_hours`, however soon labels come; an endpoint that never had any awaits none.
    labelled = any(window.profile.labelled.n for window in seen)
    return detect(
        baseline,
        seen,
        probes=history.probes(monitor, look["variant"], now),
        holdout=baselines.finding(Holdout, endpoint, version, baselines.HOLDOUT),
        joint_test=baselines.finding(TwoSample, endpoint, version, baselines.JOINT),
        anchors=baselines.finding(Anchors, endpoint, version, baselines.ANCHORS),
        now=now,
        settings=Settings(
            false_page_every=monitor.false_alarms,
            floor=monitor.effect_floor,
            labels_due=3600.0 * monitor.label_hours if labelled else None,
        ),
    )
