"""Five detectors, one verdict.

The chance of a false alarm, of all detectors and scales together, is at most `Settings.alpha` a window: each detector
has a part of it, and splits it over what it looks at. A window after the remedy starts anew: windows that another
reference counted, or from before the baseline's model served, are left out.
"""

from collections.abc import Sequence

from slipway.drift import infrastructure, intake, units
from slipway.drift.calibration import Baseline
from slipway.drift.concept import concept
from slipway.drift.eval import evaluation
from slipway.drift.feature import features, joint
from slipway.drift.findings import (
    Anchors,
    Cause,
    Detector,
    Drift,
    Finding,
    Holdout,
    Probe,
    Settings,
    TwoSample,
    Window,
)
from slipway.drift.label import label, told_apart
from slipway.drift.labelled import labelled, lasting
from slipway.drift.power import limits, power
from slipway.drift.verdict import remedy

# Parts of alpha. Infrastructure leaves nothing to chance.
FEATURE, INTAKE, CONCEPT, LABEL, EVAL = 0.5, 0.05, 0.25, 0.15, 0.05


def detect(
    baseline: Baseline,
    history: Sequence[Window],
    *,
    probes: Sequence[Probe] = (),
    holdout: Holdout | None = None,
    joint_test: TwoSample | None = None,
    anchors: Anchors | None = None,
    now: float,
    settings: Settings | None = None,
) -> Drift:
    """history: one variant's windows, oldest first, labelled where labels are mature; the newest 32 suffice for the
    features, older ones for labels that come late. probes: any variants', the newest of each counts, and those before
    it tell which windows a fault spoilt. joint_test: of the baseline's rows against recent ones."""
    rules = settings or Settings()
    own = [w for w in history if w.profile.reference == baseline.reference.id and w.since >= baseline.since]
    findings = [*_foreign(baseline, history), *intake.arrivals(own)]
    findings += intake.late(own, baseline.whole.labelled, now, rules)
    findings += intake.records(baseline, own, rules, rules.alpha * INTAKE)
    findings += joint(joint_test, rules.alpha * FEATURE)
    sound = infrastructure.sound(units.sound(baseline, own), probes, rules)
    with_rows = [window for window in sound if window.profile.rows][-max(rules.scales) :]
    if with_rows and own[-1].profile.rows:
        findings += features(baseline, with_rows, rules, rules.alpha * FEATURE)
    told, doubts = _labels(baseline, sound, anchors, rules)
    findings += told
    findings += infrastructure.infrastructure(probes, baseline.reference.threshold, rules)
    findings += evaluation(holdout, rules, rules.alpha * EVAL)
    kind, blocks, reasons = remedy(findings, baseline.reference, rules)
    since, until = (own[-1].since, own[-1].until) if own else (now, now)
    seen = power(baseline, own[-max(rules.scales) :], rules, rules.alpha * FEATURE)
    doubts = (*limits(baseline, own, rules), *doubts, *infrastructure.limits(probes, now))
    ordered = tuple(sorted(findings, key=_rank))
    return Drift(now, since, until, kind, blocks, reasons, ordered, seen, doubts)


def _labels(
    baseline: Baseline, history: Sequence[Window], anchors: Anchors | None, settings: Settings
) -> tuple[list[Finding], tuple[str, ...]]:
    if not history:
        return [], ()
    matured = labelled(history)[-max(settings.scales) :]
    least, baseline = baseline.least(history[-1], settings.scales), baseline.of_labels(history[-1])

    def look(scales: Sequence[int]) -> tuple[list[Finding], list[Finding]]:
        moved = concept(baseline, matured, settings, settings.alpha * CONCEPT, scales)
        return moved, label(baseline, matured, anchors, settings, settings.alpha * LABEL, scales)

    scales = [scale for scale in settings.scales if least <= scale <= len(matured)]
    moved, given = look(scales)
    if any(finding.alarming for finding in (*moved, *given)):
        moved, given = look(lasting(baseline, matured, scales, settings.alpha * (CONCEPT + LABEL)))
    return told_apart(baseline, matured, moved, given, anchors)


def _foreign(baseline: Baseline, history: Sequence[Window]) -> list[Finding]:
    """The newest window was counted for another model: nothing of it can be compared."""
    if not history or history[-1].profile.reference == baseline.reference.id:
        return []
    says = (
        f"the newest window was counted by {history[-1].profile.reference}, the baseline of "
        f"{baseline.reference.package} is {baseline.reference.id}: make the window's profile anew"
    )
    return [Finding(Detector.FEATURE, Cause.OTHER_REFERENCE, "", 1, 0.0, 0.0, None, 0.0, False, says)]


def _rank(finding: Finding) -> tuple[bool, float, float]:
    evidence = 0.0 if finding.p_value is None else finding.p_value / (finding.bar or 1.0)
    return (not finding.alarming, evidence, -finding.effect)
