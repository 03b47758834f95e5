"""Five detectors, one verdict."""

from collections.abc import Sequence

from slipway.drift.calibration import Baseline
from slipway.drift.findings import Anchors, Drift, Holdout, Probe, Remedy, Settings, TwoSample, Window


def detect(
    baseline: Baseline,
    history: Sequence[Window],
    *,
    probes: Sequence[Probe] = (),
    holdout: Holdout | None = None,
    joint: TwoSample | None = None,
    anchors: Anchors | None = None,
    now: float,
    settings: Settings | None = None,
) -> Drift:
    """history: one variant's windows, oldest first, labelled where labels are mature; the newest 32 suffice for the
    features, older ones for labels that come late. probes: any variants', the newest of each counts."""
    since, until = (history[-1].since, history[-1].until) if history else (now, now)
    return Drift(now, since, until, Remedy.NOTHING, False, (), ())
