"""What a baseline's own windows do by themselves: the scale on which later windows are judged.

Theory for independent rows over-alarms on real streams: there each window has its own mean. So every window of the
baseline is predicted from the others, and what it is off by, beyond chance among its rows, is the variance between
windows of `slipway.drift.deviation`.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

from slipway.drift.contrasts import Contrast, Look, contrasts
from slipway.drift.deviation import Spread
from slipway.drift.findings import Window
from slipway.drift.profile import Column, Labelled, Profile, empty
from slipway.drift.reference import Feature, Reference
from slipway.drift.residuals import Look as ResidualLook
from slipway.drift.residuals import Sight, sights
from slipway.drift.seasons import Cycle, middle, possible

LEAST_WINDOWS = 20
POOLED = 10.0  # windows that the other features' spread is worth
# Until enough windows have shown better: 1,000 rows of one window are worth 500.
UNCALIBRATED = Spread(1e-3, 0.5, 8.0)
MOST_CORRELATED = 0.95


@dataclass(frozen=True)
class Season:
    key: int
    windows: int
    profile: Profile


@dataclass(frozen=True)
class Baseline:
    """What later windows are compared with. whole: all its windows; columns: features, then scores.

    spreads: by column and contrast; shapes: by column, of its distribution function; residuals: by sight, in units of
    the label's variance; excess: of excess log-loss. span, length: seconds from its first row to its last, and of its
    longest window.
    since: when its model began to serve; older windows don't count.
    """

    reference: Reference
    windows: int
    whole: Profile
    cycle: Cycle
    seasons: tuple[Season, ...]
    spreads: tuple[tuple[Spread, ...], ...]
    shapes: tuple[Spread, ...]
    residuals: tuple[Spread, ...]
    excess: Spread
    labelled_windows: int = 0
    span: float | None = None
    length: float | None = None
    since: float = 0.0

    @property
    def calibrated(self) -> bool:
        return self.windows >= LEAST_WINDOWS

    @property
    def features(self) -> tuple[Feature, ...]:
        return columns_of(self.reference)

    def season(self, at: float) -> Season:
        """The one that a time lies in; all there is, if the baseline lacks it."""
        key = self.cycle.season(at)
        return next((s for s in self.seasons if s.key == key), Season(key, self.windows, self.whole))


def columns_of(reference: Reference) -> tuple[Feature, ...]:
    return (*reference.features, reference.scores)


def columns(profile: Profile) -> tuple[Column, ...]:
    return (*profile.columns, profile.scores)


def learn(reference: Reference, history: Sequence[Window], *, since: float = 0.0) -> Baseline:
    """history: the baseline's own windows, in order of time; their times are those of the rows, where these have any.
    Raises ValueError without rows, or if another reference counted them."""
    for window in history:
        if window.profile.reference != reference.id:
            raise ValueError(f"windows: counted by {window.profile.reference}, not by {reference.id}: make them anew")
    windows = [window.profile for window in history if window.profile.rows]
    if not windows:
        raise ValueError("windows: a baseline needs at least one window with rows")
    whole = _sum(reference, windows)
    lengths = [w.last - w.first for w in windows if w.first is not None and w.last is not None]
    times = [middle(window.first, window.last) for window in windows]
    cycle = _best_cycle(reference, windows, whole, times, possible(times, lengths))
    parts = _split(reference, windows, whole, [cycle.season(at) for at in times])
    spreads, shapes = _spreads(reference, windows, whole, parts)
    labelled = [window.labelled for window in windows if window.labelled.n]
    span = whole.last - whole.first if whole.first is not None and whole.last is not None else None
    return Baseline(
        reference,
        len(windows),
        whole,
        cycle,
        tuple(sorted({part.key: part for part in parts}.values(), key=lambda season: season.key)),
        spreads,
        shapes,
        _residual_spreads(labelled, whole.labelled),
        _excess_spread(labelled, whole.labelled),
        len(labelled),
        span,
        max(lengths, default=None),
        since,
    )


@dataclass(frozen=True)
class _Miss:
    """By how much a window misses what the others of its season make expect; both variances of that per unit."""

    value: float
    sampling: float
    factor: float  # variance between windows counts this often: for the window, and for its expectation


def _sum(reference: Reference, windows: Iterable[Profile]) -> Profile:
    return sum(windows, empty(reference))


def _split(reference: Reference, windows: Sequence[Profile], whole: Profile, keys: Sequence[int]) -> list[Season]:
    """The season of each window."""
    if len(set(keys)) == 1:
        return [Season(keys[0], len(windows), whole)] * len(windows)
    found = {}
    for key in set(keys):
        members = [window for window, k in zip(windows, keys, strict=True) if k == key]
        found[key] = Season(key, len(members), _sum(reference, members))
    return [found[key] for key in keys]


def _best_cycle(
    reference: Reference,
    windows: Sequence[Profile],
    whole: Profile,
    times: Sequence[float | None],
    cycles: Sequence[Cycle],
) -> Cycle:
    """The one whose seasons predict a window best from the others."""
    if len(cycles) == 1:
        return cycles[0]

    def error(cycle: Cycle) -> float:
        parts = _split(reference, windows, whole, [cycle.season(at) for at in times])
        misses = (_misses(c, v, windows, parts, i) for i, c, v in _located(reference, whole))
        return math.fsum(miss.value**2 for series in misses for miss in series)

    return min(cycles, key=error)


def _located(reference: Reference, whole: Profile) -> Iterable[tuple[int, Contrast, float]]:
    for i, (feature, column) in enumerate(zip(columns_of(reference), columns(whole), strict=True)):
        for contrast in contrasts(feature, column):
            if contrast.look in (Look.LOCATION, Look.LEVEL):
                yield i, contrast, unit(contrast, column)


def unit(contrast: Contrast, column: Column) -> float:
    """Variance of one row in the baseline."""
    if contrast.weights:
        return 1.0
    n, share = contrast.mean(column)
    smooth = (n * share + 0.5) / (n + 1)
    return smooth * (1 - smooth)


def _misses(
    contrast: Contrast, variance: float, windows: Sequence[Profile], parts: Sequence[Season], i: int
) -> list[_Miss]:
    """In standard deviations of a row. Windows or seasons without rows are left out."""
    found, means = [], {id(part): contrast.mean(columns(part.profile)[i]) for part in parts}
    for window, part in zip(windows, parts, strict=True):
        n, mean = contrast.mean(columns(window)[i])
        m, expected = means[id(part)]
        others = m - n
        if n and others > 0:
            rest = (m * expected - n * mean) / others
            factor = 1 + 1 / max(part.windows - 1, 1)
            found.append(_Miss((mean - rest) / math.sqrt(variance), 1 / n + 1 / others, factor))
    return found


def _shape_misses(windows: Sequence[Profile], parts: Sequence[Season], i: int) -> list[_Miss]:
    """The same for the distribution function, root mean square over its cells, in its own standard deviations."""
    found = []
    sums = {id(part): list(accumulate(columns(part.profile)[i].cells)) for part in parts}
    for window, part in zip(windows, parts, strict=True):
        mine, all_ = list(accumulate(columns(window)[i].cells)), sums[id(part)]
        n = mine[-1] if mine else 0
        others = all_[-1] - n if all_ else 0
        if not n or others <= 0:
            continue
        shares = [a / all_[-1] for a in all_]
        chance = math.fsum(share * (1 - share) for share in shares)
        square = math.fsum((a / n - (b - a) / others) ** 2 for a, b in zip(mine, all_, strict=True))
        if chance:
            value = math.sqrt(square / chance)
            found.append(_Miss(value, 1 / n + 1 / others, 1 + 1 / max(part.windows - 1, 1)))
    return found


def _spreads(
    reference: Reference, windows: Sequence[Profile], whole: Profile, parts: Sequence[Season]
) -> tuple[tuple[tuple[Spread, ...], ...], tuple[Spread, ...]]:
    looks = [contrasts(f, c) for f, c in zip(columns_of(reference), columns(whole), strict=True)]
    flat: list[tuple[Look, list[_Miss]]] = []
    for i, (row, column) in enumerate(zip(looks, columns(whole), strict=True)):
        flat += [(c.look, _misses(c, unit(c, column), windows, parts, i)) for c in row]
    pools = {look: _pool([misses for kind, misses in flat if kind is look]) for look in Look}
    each = iter(flat)
    spreads = tuple(tuple(pools[kind](misses) for kind, misses in islice(each, len(row))) for row in looks)
    # A root of squares has no sign: neighbours are taken to be as correlated as their locations are.
    correlation = _correlation([misses for kind, misses in flat if kind in (Look.LOCATION, Look.LEVEL)])
    shapes = [_shape_misses(windows, parts, i) for i in range(len(looks))]
    shape = _pool(shapes, correlation)
    return spreads, tuple(shape(misses) for misses in shapes)


def _residual_spreads(windows: Sequence[Labelled], whole: Labelled) -> tuple[Spread, ...]:
    seen = sights(whole)
    misses = [_residual_misses(sight, windows, whole) for sight in seen]
    pools = {look: _pool([m for s, m in zip(seen, misses, strict=True) if s.look is look]) for look in ResidualLook}
    return tuple(pools[sight.look](m) for sight, m in zip(seen, misses, strict=True))


def _residual_misses(sight: Sight, windows: Sequence[Labelled], whole: Labelled) -> list[_Miss]:
    all_, found = sight.of(whole), []
    for window in windows:
        part = sight.of(window)
        others = all_.n - part.n
        if part.n and others and all_.variance > 0:
            miss = part.total / part.n - (all_.total - part.total) / others
            scale = math.sqrt(all_.variance / all_.n)
            found.append(_Miss(miss / scale, 1 / part.n + 1 / others, 1 + 1 / max(len(windows) - 1, 1)))
    return found


def _excess_spread(windows: Sequence[Labelled], whole: Labelled) -> Spread:
    found, all_ = [], whole.excess
    for window in windows:
        n, others = window.excess.n, all_.n - window.excess.n
        if n and others > 1 and all_.variance > 0:
            miss = window.excess.mean - (all_.total - window.excess.total) / others
            factor = 1 + 1 / max(len(windows) - 1, 1)
            found.append(_Miss(miss / math.sqrt(all_.variance), 1 / n + 1 / others, factor))
    return _pool([found])(found)


def _pool(series: Sequence[list[_Miss]], correlation: float | None = None) -> Callable[[list[_Miss]], Spread]:
    """A feature's spread, drawn towards the middle of all features', never below its own."""
    full = [misses for misses in series if len(misses) >= LEAST_WINDOWS]
    middle_ = max(0.0, statistics.median(map(_between, full))) if full else 0.0
    neighbours = _correlation(full) if correlation is None else correlation

    def spread(misses: list[_Miss]) -> Spread:
        n = len(misses)
        if n < LEAST_WINDOWS:
            return UNCALIBRATED
        own = _between(misses)
        drawn = (n * own + POOLED * middle_) / (n + POOLED)
        return Spread(max(0.0, own, drawn), neighbours, n - 1 + POOLED)

    return spread


def _between(misses: Sequence[_Miss]) -> float:
    return statistics.fmean((miss.value**2 - miss.sampling) / miss.factor for miss in misses)


def _correlation(series: Sequence[list[_Miss]]) -> float:
    """Of neighbouring windows' means beyond chance, over all features together."""
    products = math.fsum(a.value * b.value for misses in series for a, b in pairwise(misses))
    squares = math.fsum(miss.value**2 - miss.sampling for misses in series for miss in misses[1:])
    count = max((len(misses) for misses in series), default=0)
    # Windows that hardly differ beyond chance don't show how they are correlated: chance counts as uncorrelated.
    chance = 0.2 * math.fsum(miss.sampling for misses in series for miss in misses[1:])
    if squares <= 0 or not count:
        return 0.0
    return min(max(0.0, products / (squares + chance) + 1 / count), MOST_CORRELATED)
