"""Some of the newest windows together, against what the baseline makes expect of just those."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from slipway.drift.calibration import Baseline, Season, columns, unit
from slipway.drift.contrasts import Contrast
from slipway.drift.deviation import Deviation, Spread, kolmogorov
from slipway.drift.findings import Window
from slipway.drift.profile import Column


@dataclass(frozen=True)
class Part:
    """Rows of one window and the rows they are compared with."""

    n: int
    mean: float
    season: Season
    others: int
    expected: float


@dataclass(frozen=True)
class Weighed:
    """How a block's rows lie: n; inverse: 1/n of what they are compared with; between: variance between windows, known
    with `degrees`."""

    n: int
    inverse: float
    between: float
    degrees: float

    @classmethod
    def of(cls, baseline: Baseline, spread: Spread, rows: Sequence[tuple[int, Season, int]], worth: float) -> "Weighed":
        """rows: (rows, season, rows of the season) by window. Windows of one season lie apart: they count as
        uncorrelated. worth: what part of one of the baseline's windows each is."""
        n = sum(count for count, _, _ in rows)
        in_season: dict[int, int] = {}
        for count, season, _ in rows:
            in_season[season.key] = in_season.get(season.key, 0) + count
        found = {season.key: (season, others) for _, season, others in rows}
        windows = worth * n * n / sum(count * count for count, _, _ in rows)
        inverse, between = 0.0, spread.over(windows)
        for key, (season, others) in found.items():
            weight = (in_season[key] / n) ** 2
            inverse += weight / others
            alone = len(baseline.seasons) == 1
            between += weight * (spread.over(season.windows) if alone else spread.between / season.windows)
        return cls(n, inverse, between, spread.degrees_over(windows))


@dataclass(frozen=True)
class Track:
    """One contrast of one column over the history, oldest first; windows without rows for it are left out."""

    baseline: Baseline
    contrast: Contrast
    spread: Spread
    unit: float
    parts: tuple[Part | None, ...]
    worth: float

    @classmethod
    def of(cls, baseline: Baseline, i: int, contrast: Contrast, spread: Spread, history: Sequence[Window]) -> "Track":
        parts = tuple(_part(baseline, i, contrast, window) for window in history)
        worth = baseline.worth(history[-1]) if history else 1.0
        return cls(baseline, contrast, spread, unit(contrast, columns(baseline.whole)[i]), parts, worth)

    def newest(self, windows: int, less: int = 0) -> Deviation | None:
        """Of that many windows together, but for so many newest of them; None without rows."""
        parts = [part for part in self.parts[-windows : len(self.parts) - less] if part]
        if not parts:
            return None
        rows = Weighed.of(self.baseline, self.spread, [(p.n, p.season, p.others) for p in parts], self.worth)
        observed = math.fsum(part.n * part.mean for part in parts) / rows.n
        expected = math.fsum(part.n * part.expected for part in parts) / rows.n
        variance, third = self._row(observed, expected, rows)
        return Deviation(
            observed - expected,
            variance * (1 / rows.n + rows.inverse),
            self.unit * rows.between,
            rows.degrees,
            third * (1 / rows.n**2 - rows.inverse**2),
        )

    def _row(self, observed: float, expected: float, rows: Weighed) -> tuple[float, float]:
        """Variance and third central moment of one row. A share's are those of both sides pooled, as if alike."""
        if self.contrast.weights:
            return 1.0, self.contrast.third
        m = 1 / rows.inverse
        share = (rows.n * observed + m * expected + 0.5) / (rows.n + m + 1)
        return share * (1 - share), share * (1 - share) * (1 - 2 * share)


@dataclass(frozen=True)
class Shape:
    """The distribution function of one column over the newest windows. distance: the largest, of a category that of
    a level's share; at: the cell where it is."""

    distance: float
    at: int
    variance: float
    between: float
    degrees: float
    rows: int

    @cached_property
    def p_value(self) -> float:
        return kolmogorov(self.distance, self.variance, self.between, self.degrees)

    @property
    def chance(self) -> float:
        """P of such a distance from the rows alone, were windows all alike."""
        return kolmogorov(self.distance, self.variance, 0.0, self.degrees)

    @property
    def error(self) -> float:
        """Standard deviation in the middle of the distribution."""
        return math.sqrt(self.variance + self.between) / 2


def shape(baseline: Baseline, i: int, history: Sequence[Window], *, levels: bool) -> Shape | None:
    """Of all these windows. levels: cells are a category's, without an order. None without rows."""
    seen: list[tuple[Column, Season]] = []
    for window in history:
        column = columns(window.profile)[i]
        if sum(column.cells):
            seen.append((column, _season(baseline, i, window)))
    if not seen or not sum(columns(baseline.whole)[i].cells):
        return None
    rows = [(sum(column.cells), season, sum(columns(season.profile)[i].cells)) for column, season in seen]
    spread = baseline.shapes[i]
    weighed = Weighed.of(baseline, spread, rows, baseline.worth(history[-1]))
    observed = [0.0] * len(seen[0][0].cells)
    for (column, season), (n, _, others) in zip(seen, rows, strict=True):
        theirs = columns(season.profile)[i].cells
        factor = n / others
        observed = [o + a - factor * b for o, a, b in zip(observed, column.cells, theirs, strict=True)]
    gaps = [abs(gap) / weighed.n for gap in (observed if levels else accumulate(observed))]
    at = max(range(len(gaps)), key=gaps.__getitem__)
    return Shape(gaps[at], at, 1 / weighed.n + weighed.inverse, weighed.between, weighed.degrees, weighed.n)


def _part(baseline: Baseline, i: int, contrast: Contrast, window: Window) -> Part | None:
    n, mean = contrast.mean(columns(window.profile)[i])
    season = _season(baseline, i, window)
    others, expected = contrast.mean(columns(season.profile)[i])
    return Part(n, mean, season, others, expected) if n and others else None


def _season(baseline: Baseline, i: int, window: Window) -> Season:
    """A season without rows of this column says nothing about it."""
    season = baseline.season((window.since + window.until) / 2)
    return season if columns(season.profile)[i].in_cells else Season(season.key, baseline.windows, baseline.whole)
