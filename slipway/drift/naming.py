"""A moved distribution by its name: drift, or a fault of the data such as another unit or swapped columns."""

import math
from collections.abc import Sequence
from dataclasses import replace

from slipway.drift import faults
from slipway.drift.calibration import Baseline, columns
from slipway.drift.contrasts import Look
from slipway.drift.findings import Cause, Finding, Window
from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind, Reference

RENAMED = 0.5  # more unseen values than usual from which levels are taken to be renamed
SWAPPED = 0.25  # least distance of columns that may be swapped

_CAUSES = {
    Look.NULLS: Cause.NULLS,
    Look.TYPE_ERRORS: Cause.SCHEMA,
    Look.INFINITE: Cause.SCHEMA,
    Look.FRACTIONAL: Cause.SCHEMA,
    Look.UNSEEN: Cause.UNSEEN,
    Look.ABSENT: Cause.SCHEMA,
}
_WORDS = {
    Look.NULLS: "are empty",
    Look.TYPE_ERRORS: "are text where a number is due",
    Look.INFINITE: "are infinite",
    Look.FRACTIONAL: "are no whole number",
    Look.UNSEEN: "are levels that training did not have",
    Look.ABSENT: "lack the column",
}


def subject(baseline: Baseline, i: int) -> str:
    return score(baseline.reference) if baseline.is_score(i) else baseline.features[i].name


def score(reference: Reference) -> str:
    """What the model's score is called among the features."""
    return "score" if all(feature.name != "score" for feature in reference.features) else "the model's score"


def windows(scale: int) -> str:
    return "newest window" if scale == 1 else f"newest {scale} windows"


def fault(look: Look, share: float, usual: float) -> tuple[Cause, str]:
    """share, usual: of the rows, now and in the baseline."""
    renamed = look is Look.UNSEEN and share - usual >= RENAMED
    says = f"{share:.1%} of the rows {_WORDS[look]}, {usual:.1%} in the baseline"
    return (Cause.SCHEMA, f"{says}: were levels renamed?") if renamed else (_CAUSES[look], says)


def moved(
    feature: Feature, now: Column, then: Column, distance: float, level: int | None, *, faulty: bool
) -> tuple[Cause, str]:
    """faulty: whether it may be a fault of the data."""
    if feature.kind is Kind.CATEGORY:
        if level is None:
            return Cause.DISTRIBUTION, f"shares of levels differ by up to {distance:.3f}"
        a, b = now.cells[level] / now.rows, then.cells[level] / then.rows
        return Cause.DISTRIBUTION, f"level {feature.levels[level]}: {a:.1%} of the rows, {b:.1%} in the baseline"
    says = f"distribution moved by {distance:.3f} (mean {_mean(now)}, {_mean(then)} in the baseline)"
    fault = faults.told(feature, now, then) if faulty else None
    return (fault[0], f"{says}: {fault[1]}") if fault else (Cause.DISTRIBUTION, says)


def swapped(baseline: Baseline, history: Sequence[Window], findings: list[Finding]) -> list[Finding]:
    """Two columns that moved far, each to where the other was, are a fault of the schema."""
    names = {feature.name: i for i, feature in enumerate(baseline.reference.features)}
    far = [f for f in findings if f.alarming and f.effect >= SWAPPED and f.subject in names and f.cause in _SHIFTS]
    others = {}
    for finding in far:
        for other in far:
            if finding is not other and _like(baseline, history, names[finding.subject], names[other.subject]):
                others[id(finding)] = other.subject
    return [_swap(finding, others.get(id(finding))) for finding in findings]


_SHIFTS = (Cause.DISTRIBUTION, Cause.UNITS)


def _swap(finding: Finding, other: str | None) -> Finding:
    if other is None:
        return finding
    return replace(finding, cause=Cause.SCHEMA, says=f"{finding.says}: it looks like {other}: are columns swapped?")


def _like(baseline: Baseline, history: Sequence[Window], i: int, j: int) -> bool:
    """Whether column i now is like column j was, and the other way round."""
    now, then = columns(history[-1].profile), columns(baseline.whole)
    return _close(now[i], then[j]) and _close(now[j], then[i]) and not _close(now[i], then[i])


def _close(now: Column, then: Column) -> bool:
    if now.moments.n < 2 or then.moments.n < 2 or then.moments.variance == 0:
        return False
    sd = math.sqrt(then.moments.variance)
    ratio = math.sqrt(now.moments.variance) / sd
    return abs(now.moments.mean - then.moments.mean) <= 0.3 * sd and 2 / 3 <= ratio <= 3 / 2


def _mean(column: Column) -> str:
    return f"{column.moments.mean:.4g}" if column.moments.n else "none"
