"""Another unit: numbers ten times as large, or as small, as in any window of the baseline.

By rule: however much the baseline's windows differ in shape, their root mean squares bound what is usual. A few
outliers can carry a root mean square, so many rows must show it as well.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from slipway.drift import naming
from slipway.drift.calibration import Baseline, columns
from slipway.drift.findings import Cause, Detector, Finding, Window
from slipway.drift.profile import Column
from slipway.drift.reference import Feature

# Beyond the range of the baseline's windows. Healthy ones of real streams (card transactions, bank contacts) stay
# within 4.2 times; most units that are mixed up, such as cents, percent or milliseconds, differ by 100 or more.
FACTOR = 10.0
MOST = 1e12  # a larger factor says no more
ROWS = 200  # the newest windows that have so many together
MANY = 0.05  # of the rows
LEAST_WINDOWS = 5  # of the baseline, for their range to mean something


def changed(baseline: Baseline, i: int, history: Sequence[Window]) -> Finding | None:
    """Of one feature. effect and floor: orders of magnitude."""
    if baseline.is_score(i) or baseline.windows < LEAST_WINDOWS:
        return None
    least, greatest = baseline.magnitudes[i]
    newest = _newest([columns(window.profile)[i] for window in history])
    factor = _factor([column.magnitude for column in newest], least, greatest)
    now, then = sum(newest[1:], newest[0]), columns(baseline.whole)[i]
    if factor is None or now.moments.n < ROWS or not _many(baseline.features[i], now, then, grown=factor > 1):
        return None
    says = (
        f"values are {factor:.3g} times as large as in any window of the baseline (root mean square "
        f"{now.magnitude:.4g}, there {least:.4g} to {greatest:.4g}): another unit?; {naming.windows(len(newest))}"
    )
    effect, floor, name = abs(math.log10(factor)), math.log10(FACTOR), naming.subject(baseline, i)
    return Finding(Detector.FEATURE, Cause.UNITS, name, len(newest), effect, floor, None, 0.0, True, says)


def sound(baseline: Baseline, history: Sequence[Window]) -> list[Window]:
    """Without the windows of another unit that is over: what it did to scores and residuals says nothing of today."""
    if not history or _other(baseline, history[-1]):
        return list(history)
    return [window for window in history if not _other(baseline, window)]


def _other(baseline: Baseline, window: Window) -> bool:
    return any(changed(baseline, i, [window]) for i in range(len(baseline.reference.features)))


def _newest(history: Sequence[Column]) -> list[Column]:
    found: list[Column] = []
    for column in reversed(history):
        found.append(column)
        if sum(part.moments.n for part in found) >= ROWS:
            break
    return found


def _factor(sizes: Sequence[float], least: float, greatest: float) -> float | None:
    """By which every window misses the baseline's range. Zeros have no size: all of them are no other unit."""
    if greatest and min(sizes) >= FACTOR * greatest:
        return min(min(sizes) / greatest, MOST)
    if min(sizes) and max(sizes) * FACTOR <= least:
        return max(max(sizes) / least, 1 / MOST)
    return None


def _many(feature: Feature, now: Column, then: Column, *, grown: bool) -> bool:
    """Whether the largest value moved too, and many rows with it: by their cells, or, where most values share a cell,
    because no few rows, be they as large as the largest, have so large a sum of squares."""
    largest, usual = now.farthest, then.farthest
    if largest <= usual if grown else largest * FACTOR > usual:
        return False
    larger = now if grown else then
    alone = larger.moments.squares / larger.farthest / larger.farthest
    # A row or two beyond 1e154 overflow.
    if math.isfinite(larger.moments.squares) and alone >= MANY * larger.moments.n:
        return True
    # At most one row in nine lies beyond three root mean squares.
    bounds = _ends(feature) if grown else (-3 * now.magnitude, 3 * now.magnitude)
    return abs(_beyond(feature, now, *bounds) - _beyond(feature, then, *bounds)) >= MANY


def _ends(feature: Feature) -> tuple[float, float]:
    """Where the outermost cells begin, on either side of zero."""
    below = min(feature.edges, default=0.0)
    above = max(feature.edges, default=0.0)
    return below if below < 0 else -math.inf, above if above > 0 else math.inf


def _beyond(feature: Feature, column: Column, below: float, above: float) -> float:
    """Share of the numbers in cells that lie beyond the bounds as a whole."""
    cells = zip(pairwise((-math.inf, *feature.edges, math.inf)), column.cells, strict=True)
    return sum(count for (low, high), count in cells if low >= above or high <= below) / sum(column.cells)
