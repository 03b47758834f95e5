"""From findings to one remedy. What makes later evidence doubtful comes first.

Retraining on faulty data, on labels that changed their meaning, or for the sake of a broken platform makes things
worse, so these block it. And a shape that moved is no reason by itself: a feature the model hardly uses, or one that
moved without the scores, costs nothing.
"""

from collections.abc import Sequence

from slipway.drift import naming
from slipway.drift.findings import DATA_FAULTS, Cause, Detector, Finding, Remedy, Settings
from slipway.drift.reference import Reference

BLOCKING = (Remedy.ROLL_BACK, Remedy.REPAIR_DATA, Remedy.RELABEL)


def remedy(
    findings: Sequence[Finding], reference: Reference, settings: Settings
) -> tuple[Remedy, bool, tuple[str, ...]]:
    """The remedy, whether it blocks retraining, and the reasons: of the remedy first, then of others that wait."""
    alarming = [finding for finding in findings if finding.alarming]
    called: dict[Remedy, list[str]] = {kind: [] for kind in Remedy}
    for finding in alarming:
        called[_called_for(finding, alarming, reference, settings)].append(finding.named)
    first = next((kind for kind in Remedy if called[kind]), Remedy.NOTHING)
    reasons = [*called[first], *(f"{kind} waits: {says}" for kind in Remedy if kind != first for says in called[kind])]
    if first is Remedy.NOTHING:
        reasons = [f"{says}: neither important nor with the scores" for says in called[first]]
    return first, any(called[kind] for kind in BLOCKING), tuple(reasons)


def _called_for(finding: Finding, alarming: Sequence[Finding], reference: Reference, settings: Settings) -> Remedy:
    if finding.detector is Detector.INFRASTRUCTURE:
        return Remedy.ROLL_BACK
    if finding.cause in (*DATA_FAULTS, Cause.LABELS_LATE):
        return Remedy.REPAIR_DATA
    if finding.detector is Detector.LABEL:
        return Remedy.RELABEL
    if finding.detector is Detector.EVAL:
        return Remedy.REFRESH_HOLDOUT
    if finding.detector is Detector.CONCEPT or _matters(finding, alarming, reference, settings):
        return Remedy.RETRAIN
    return Remedy.NOTHING


def _matters(finding: Finding, alarming: Sequence[Finding], reference: Reference, settings: Settings) -> bool:
    """An important feature moved, or scores or quality moved too. Unknown importances are all 0."""
    importance = {feature.name: feature.importance for feature in reference.features}
    score = naming.score(reference)
    moved = any(f.detector is Detector.CONCEPT or f.subject == score for f in alarming)
    return moved or importance.get(finding.subject, 0.0) >= settings.important
