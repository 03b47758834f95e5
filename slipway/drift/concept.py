"""Concept: do the features still say about the label what they said in training?

Residuals, label - score, have a mean of 0 (or the baseline's) wherever rows are alike, as long as they do. They are
looked at along each feature, in each bin of each feature, and all together as log-loss; a change that leaves the
features' distributions alone shows here and nowhere else.
"""

import math
from collections.abc import Sequence

from slipway.drift.calibration import Baseline
from slipway.drift.candidate import Candidate, strongest, test
from slipway.drift.deviation import Deviation
from slipway.drift.findings import Cause, Detector, Finding, Settings
from slipway.drift.labelled import Track
from slipway.drift.naming import windows
from slipway.drift.profile import BINS, Labelled
from slipway.drift.reference import Feature, Kind
from slipway.drift.residuals import Look, Sight, sights
from slipway.stats.means import NOTHING

SHARES = {Look.TREND: 0.4, Look.BIN: 0.4}  # of the detector's alpha; log-loss gets the rest
LOSS = 0.2


def concept(
    baseline: Baseline, history: Sequence[Labelled], settings: Settings, alpha: float, scales: Sequence[int]
) -> list[Finding]:
    """history: of the windows with labels, oldest first. One finding a feature, and one on log-loss."""
    alpha /= len(settings.scales)
    seen = sights(baseline.whole.labelled)
    counts = {look: sum(sight.look is look for sight in seen) for look in SHARES}
    by_feature: dict[int, list[tuple[Sight, Candidate]]] = {}
    for sight, spread in zip(seen, baseline.residuals, strict=True):
        if sight.look in SHARES:
            track = Track.of(baseline, sight, spread, history)
            bar = alpha * SHARES[sight.look] / counts[sight.look]
            found = test(track.newest, scales, settings.residual_floor, bar)
            by_feature.setdefault(sight.feature, []).extend((sight, candidate) for candidate in found)
    best = [max(found, key=lambda pair: pair[1].strength) for found in by_feature.values() if found]
    return [*(_finding(baseline, *pair) for pair in best), *_loss(baseline, history, scales, settings, alpha * LOSS)]


def _finding(baseline: Baseline, sight: Sight, c: Candidate) -> Finding:
    feature = baseline.reference.features[sight.feature]
    if sight.look is Look.TREND:
        subject, where = feature.name, f"labels {'rise' if c.value > 0 else 'fall'} along {feature.name}"
    else:
        subject = f"{feature.name} {bin_name(feature, sight.bin)}"
        where = f"labels are {'more' if c.value > 0 else 'less'} often positive where {subject}"
    says = f"{where}, by {c.effect:.2f} standard deviations against what the scores say; {windows(c.scale)}"
    return finding(Detector.CONCEPT, Cause.CONCEPT, subject, c, says)


def finding(detector: Detector, cause: Cause, subject: str, c: Candidate, says: str) -> Finding:
    says += " with labels" + ("; it has ended" if c.over else "")
    return Finding(detector, cause, subject, c.scale, c.effect, c.floor, c.p_value, c.bar, c.alarming, says)


def bin_name(feature: Feature, j: int) -> str:
    """What lies in bin j of `slipway.drift.profile.bin_of`."""
    kept = min(BINS, feature.cells)
    if j >= kept:
        return "is missing or unseen"
    if feature.kind is Kind.CATEGORY:
        shared = j == kept - 1 and feature.cells > kept
        return f"is {feature.levels[j]}" + (" or a later level" if shared else "")
    cells = [cell for cell in range(feature.cells) if cell * kept // feature.cells == j]
    low = f"{feature.edges[cells[0] - 1]:.4g}" if cells[0] else "-inf"
    high = f"{feature.edges[cells[-1]]:.4g}" if cells[-1] < len(feature.edges) else "inf"
    return f"in [{low}, {high})"


def _loss(
    baseline: Baseline, history: Sequence[Labelled], scales: Sequence[int], settings: Settings, bar: float
) -> list[Finding]:
    """Excess log-loss: what the labels cost beyond what the scores themselves expect."""

    def newest(windows: int, less: int) -> Deviation | None:
        return _excess(baseline, history[-windows : len(history) - less])

    c = strongest(test(newest, scales, settings.residual_floor, bar))
    if c is None:
        return []
    if c.value < 0:
        c = Candidate(c.scale, 0.0, c.floor, 1.0, c.bar)  # better than expected is no alarm
    says = f"log-loss is {c.effect:.2f} standard deviations over what the scores say; {windows(c.scale)}"
    return [finding(Detector.CONCEPT, Cause.CONCEPT, "log-loss", c, says)]


def _excess(baseline: Baseline, history: Sequence[Labelled]) -> Deviation | None:
    now = sum((labelled.excess for labelled in history), NOTHING)
    usual, rate = baseline.whole.labelled.excess, sum(labelled.positives for labelled in history)
    if now.n < 2 or now.variance == 0:
        return None
    known = usual.n > 1 and usual.variance > 0
    row = max(now.variance, usual.variance) if known else now.variance
    effective = now.n**2 / sum(labelled.excess.n**2 for labelled in history)
    spread = baseline.excess
    between = spread.over(effective) + (spread.over(baseline.labelled_windows) if known else 0.0)
    value = now.mean - (usual.mean if known else 0.0)
    # A few rare labels carry most of it: as skewed as their number.
    p = (min(rate, now.n - rate) + 1) / (now.n + 2)
    third = (1 - 2 * p) / math.sqrt(p * (1 - p)) / now.n**2
    return Deviation(
        value / math.sqrt(row),
        1 / now.n + (1 / usual.n if known else 0.0),
        between,
        spread.degrees_over(effective),
        third,
    )
