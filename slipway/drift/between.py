"""How much the baseline's own windows differ, beyond chance among their rows: each against the others of its season."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from slipway.drift.contrasts import Contrast
from slipway.drift.deviation import Spread
from slipway.drift.profile import Column, Labelled
from slipway.drift.residuals import Sight

LEAST_WINDOWS = 20
POOLED = 10.0  # windows that the other features' spread is worth
# Until enough windows have shown better: 1,000 rows of one window are worth 500.
UNCALIBRATED = Spread(1e-3, 0.5, 8.0)
MOST_CORRELATED = 0.95
LAGS = (2, 4, 8, 16)  # windows apart
CLEARLY = 2.5  # standard errors of a correlation or kurtosis, were the features all alike
STEPS = 8  # to a variance that no longer changes


@dataclass(frozen=True)
class Pair:
    """A column of a window and of its season, the window included; windows: of the season."""

    own: Column
    season: Column
    windows: int


@dataclass(frozen=True)
class Miss:
    """By how much a window misses what the others make expect, in standard deviations of a row. sampling: its variance
    from rows; factor: variance between windows counts this often, for the window and for its expectation."""

    value: float
    sampling: float
    factor: float


def misses(contrast: Contrast, variance: float, pairs: Sequence[Pair]) -> list[Miss]:
    """variance: of one row. Windows or seasons without rows are left out."""
    found = []
    for pair in pairs:
        (n, mean), (m, expected) = contrast.mean(pair.own), contrast.mean(pair.season)
        if n and m > n:
            rest = (m * expected - n * mean) / (m - n)
            found.append(_miss((mean - rest) / math.sqrt(variance), n, m - n, pair.windows))
    return found


def shape_misses(pairs: Sequence[Pair]) -> list[Miss]:
    """The same for the distribution function: root mean square over its cells, in its own standard deviations."""
    found = []
    for pair in pairs:
        n, m = sum(pair.own.cells), sum(pair.season.cells)
        if not n or m <= n:
            continue
        all_ = list(accumulate(pair.season.cells))
        chance = math.fsum(a / m * (1 - a / m) for a in all_)
        square = math.fsum(gap * gap for gap in _gaps(pair, n, m))
        if chance:
            found.append(_miss(math.sqrt(square / chance), n, m - n, pair.windows))
    return found


def farthest(pairs: Sequence[Pair], *, levels: bool) -> float:
    """The largest distance of any window to the others: of the distribution functions, or of a level's share."""
    found = 0.0
    for pair in pairs:
        n, m = sum(pair.own.cells), sum(pair.season.cells)
        if n and m > n:
            gaps = _gaps(pair, n, m)
            steps = (b - a for a, b in pairwise([0.0, *gaps])) if levels else gaps
            found = max(found, max(map(abs, steps)))
    return found


def magnitudes(own: Sequence[Column]) -> tuple[float, float]:
    """Least and greatest of any window with numbers."""
    found = [column.magnitude for column in own if column.moments.n]
    return min(found, default=0.0), max(found, default=0.0)


def _gaps(pair: Pair, n: int, m: int) -> list[float]:
    """Of a window's distribution function and that of the others."""
    both = zip(accumulate(pair.own.cells), accumulate(pair.season.cells), strict=True)
    return [a / n - (b - a) / (m - n) for a, b in both]


def residual_misses(sight: Sight, windows: Sequence[Labelled], whole: Labelled) -> list[Miss]:
    all_, found = sight.of(whole), []
    for window in windows:
        part = sight.of(window)
        others = all_.n - part.n
        if part.n and others and all_.variance > 0:
            miss = part.total / part.n - (all_.total - part.total) / others
            found.append(_miss(miss / math.sqrt(all_.variance / all_.n), part.n, others, len(windows)))
    return found


def excess_misses(windows: Sequence[Labelled], whole: Labelled) -> list[Miss]:
    all_, found = whole.excess, []
    for window in windows:
        n, others = window.excess.n, all_.n - window.excess.n
        if n and others > 1 and all_.variance > 0:
            miss = window.excess.mean - (all_.total - window.excess.total) / others
            found.append(_miss(miss / math.sqrt(all_.variance), n, others, len(windows)))
    return found


def _miss(value: float, n: int, others: int, windows: int) -> Miss:
    return Miss(value, 1 / n + 1 / others, 1 + 1 / max(windows - 1, 1))


def pool(series: Sequence[list[Miss]], correlation: float | None = None) -> Callable[[list[Miss]], Spread]:
    """A feature's spread, drawn towards the middle of all features', never below its own."""
    full = [misses for misses in series if len(misses) >= LEAST_WINDOWS]
    neighbours = correlation_of(full) if correlation is None else correlation
    owns = [_between(misses, neighbours)[0] for misses in full]
    middle_ = max(0.0, statistics.median(owns)) if owns else 0.0
    # Neighbours that are alike show less: so many independent windows would show a variance as well.
    independent = (1 - neighbours**2) / (1 + neighbours**2)
    heavy = _kurtosis(full, owns)

    def spread(misses: list[Miss]) -> Spread:
        if len(misses) < LEAST_WINDOWS:
            return _uncalibrated(misses)
        own, n = _between(misses, neighbours)
        degrees = max(1.0, (n - 1) * independent)
        drawn = (n * own + POOLED * middle_) / (n + POOLED)
        return (
            Spread(own, neighbours, degrees, heavy)
            if own > drawn
            else Spread(max(0.0, drawn), neighbours, degrees + POOLED, heavy)
        )

    return spread


def _uncalibrated(misses: Sequence[Miss]) -> Spread:
    """A few windows that differ by more than is supposed show that much, if not exactly."""
    if len(misses) < 3:
        return UNCALIBRATED
    own, n = _between(misses, UNCALIBRATED.correlation)
    if own <= UNCALIBRATED.between:
        return UNCALIBRATED
    return Spread(own, UNCALIBRATED.correlation, min(UNCALIBRATED.degrees, max(1.0, n - 1)))


def _between(misses: Sequence[Miss], correlation: float) -> tuple[float, float]:
    """Of one feature, unbiased for windows as correlated as these; and how many windows of one size that is worth.

    A window of few rows says little, so it weighs little: as the inverse variance of its square, which the result
    itself is a part of (Paule & Mandel 1982 find it so, by steps).
    """
    found, weights = 0.0, [1.0] * len(misses)
    for _ in range(STEPS):
        weights = [(miss.sampling + max(0.0, found) * miss.factor) ** -2 for miss in misses]
        squares = (w * (miss.value**2 - miss.sampling) / miss.factor for w, miss in zip(weights, misses, strict=True))
        found = math.fsum(squares) / math.fsum(weights)
    n = math.fsum(weights) ** 2 / math.fsum(weight**2 for weight in weights)
    return found * (1 - 1 / n) / (1 - Spread(1.0, correlation).over(n)) if n > 1 else found, n


def _kurtosis(series: Sequence[list[Miss]], owns: Sequence[float]) -> float:
    """Beyond a normal's, of all features' windows together; 0 unless it is clear, were the features all alike. owns:
    each one's variance between windows.

    Of windows that differ by more than their rows explain: of few rare events the tails are heavy by themselves.
    """
    squares = []
    for misses, own in zip(series, owns, strict=True):
        told = (miss for miss in misses if own * miss.factor > miss.sampling)
        squares += [miss.value**2 / (miss.sampling + own * miss.factor) for miss in told]
    if not any(squares):
        return 0.0
    excess = statistics.fmean(z * z for z in squares) / statistics.fmean(squares) ** 2 - 3
    return excess if excess > CLEARLY * math.sqrt(24 / max(map(len, series))) else 0.0


def correlation_of(series: Sequence[list[Miss]]) -> float:
    """Of neighbouring windows' means beyond chance, over all features together.

    Where windows further apart are clearly more alike than that explains, something slow is among what moves them:
    then the neighbours' correlation that does explain it.
    """
    count = max((len(misses) for misses in series), default=0)
    found = seen = _correlation(series, 1)[0]
    # Both are about a mean of the same windows, which follows them: that hides a part of what neighbours share.
    for _ in range(10 if count else 0):
        hidden = Spread(1.0, min(max(0.0, found), MOST_CORRELATED)).over(count)
        found = seen * (1 - hidden) + hidden
    found = max(0.0, found - 1 / count) if seen else 0.0
    for lag in (lag for lag in LAGS if lag < count):
        apart, raw = _correlation(series, lag)
        if raw > CLEARLY / math.sqrt(count - lag):
            found = max(found, math.pow(min(apart, 1.0), 1 / lag))
    return min(found, MOST_CORRELATED)


def _correlation(series: Sequence[list[Miss]], lag: int) -> tuple[float, float]:
    """Of windows so many apart, about their own mean: beyond chance among their rows, 0 where they don't differ beyond
    it; and as they are."""
    both = [pair for misses in series for pair in zip(misses, misses[lag:], strict=False)]
    products = math.fsum(a.value * b.value for a, b in both)
    squares = math.fsum(b.value**2 for _, b in both)
    chance = math.fsum(b.sampling for _, b in both)
    # Windows that hardly differ beyond chance don't show how they are correlated: chance counts as uncorrelated.
    beyond = squares - chance + 0.2 * chance
    return (products / beyond if beyond > 0 else 0.0), (products / squares if squares > 0 else 0.0)
