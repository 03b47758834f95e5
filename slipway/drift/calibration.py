"""What a baseline's own windows do by themselves: the scale on which later windows are judged.

Theory for independent rows over-alarms on real streams: there each window has its own mean. So every window of the
baseline is predicted from the others, and what it is off by, beyond chance among its rows, is the variance between
windows of `slipway.drift.deviation`.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from slipway.drift import between
from slipway.drift.between import Miss, Pair
from slipway.drift.contrasts import Contrast, Look, contrasts
from slipway.drift.deviation import Spread
from slipway.drift.findings import Window
from slipway.drift.profile import Column, Labelled, Profile, empty
from slipway.drift.reference import Feature, Kind, Reference
from slipway.drift.residuals import sights
from slipway.drift.seasons import Cycle, middle, possible

MOVING = (Look.LOCATION, Look.LEVEL)


@dataclass(frozen=True)
class Season:
    key: int
    windows: int
    profile: Profile


@dataclass(frozen=True)
class Baseline:
    """What later windows are compared with. whole: all its windows; columns: features, then scores.

    spreads: by column and contrast; shapes: by column, of its distribution function; residuals: by sight, in units of
    the label's variance; excess: of excess log-loss. span, length, typical: seconds from its first row to its last, of
    its longest window and of its middle one, None where rows have no times. farthest: by column, how far any window's
    distribution was from the others'.
    magnitudes: by column, least and greatest root mean square of any window's numbers.
    since: when its model began to serve; older windows don't count.
    """

    reference: Reference
    windows: int
    whole: Profile
    cycle: Cycle
    seasons: tuple[Season, ...]
    spreads: tuple[tuple[Spread, ...], ...]
    shapes: tuple[Spread, ...]
    farthest: tuple[float, ...]
    magnitudes: tuple[tuple[float, float], ...]
    residuals: tuple[Spread, ...]
    excess: Spread
    labelled_windows: int = 0
    span: float | None = None
    length: float | None = None
    typical: float | None = None
    since: float = 0.0

    @property
    def calibrated(self) -> bool:
        return self.windows >= between.LEAST_WINDOWS

    @property
    def features(self) -> tuple[Feature, ...]:
        return columns_of(self.reference)

    def holds(self, i: int) -> bool:
        """Whether it knows a column at all: it may have been made without scores."""
        column = columns(self.whole)[i]
        return not column.rows or column.absent < column.rows

    def is_score(self, i: int) -> bool:
        """Of a column: the model's answer, which has no unit."""
        return i == len(self.reference.features)

    def least(self, window: Window, scales: Sequence[int]) -> int:
        """The least scale at which windows like this one last as long as the baseline's own: how much shorter ones vary
        is not known. At most the largest of `scales`."""
        alone = round(1 / self.worth(window))
        return next((scale for scale in scales if scale >= alone), max(scales))

    def worth(self, window: Window) -> float:
        """What part of one of the baseline's windows this one is, by its length; 1 where it is longer, or unknown."""
        return min(1.0, (window.until - window.since) / self.typical) if self.typical else 1.0

    def of_labels(self, window: Window) -> "Baseline":
        """To compare labels of windows like this one with: shorter ones vary by as much more as if they were
        independent parts of longer ones."""
        worth = self.worth(window)
        spreads = [replace(spread, between=spread.between / worth) for spread in (*self.residuals, self.excess)]
        return replace(self, residuals=tuple(spreads[:-1]), excess=spreads[-1])

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
    spreads, shapes, farthest = _spreads(reference, windows, whole, parts)
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
        farthest,
        tuple(between.magnitudes(own) for own in zip(*map(columns, windows), strict=True)),
        _residual_spreads(labelled, whole.labelled),
        between.pool([missed := between.excess_misses(labelled, whole.labelled)])(missed),
        len(labelled),
        span,
        max(lengths, default=None),
        statistics.median(lengths) if lengths else None,
        since,
    )


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

    both = enumerate(zip(columns_of(reference), columns(whole), strict=True))
    located = [(i, c) for i, (f, column) in both for c in contrasts(f, column) if c.look in MOVING]

    def error(cycle: Cycle) -> float:
        parts = _split(reference, windows, whole, [cycle.season(at) for at in times])
        misses = (between.misses(c, unit(c, columns(whole)[i]), _pairs(windows, parts, i)) for i, c in located)
        return math.fsum(miss.value**2 for series in misses for miss in series)

    return min(cycles, key=error)


def unit(contrast: Contrast, column: Column) -> float:
    """Variance of one row in the baseline."""
    if contrast.weights:
        return 1.0
    n, share = contrast.mean(column)
    smooth = (n * share + 0.5) / (n + 1)
    return smooth * (1 - smooth)


def _pairs(windows: Sequence[Profile], parts: Sequence[Season], i: int) -> list[Pair]:
    both = zip(windows, parts, strict=True)
    return [Pair(columns(window)[i], columns(part.profile)[i], part.windows) for window, part in both]


def _spreads(
    reference: Reference, windows: Sequence[Profile], whole: Profile, parts: Sequence[Season]
) -> tuple[tuple[tuple[Spread, ...], ...], tuple[Spread, ...], tuple[float, ...]]:
    """Of each column: by contrast, of its distribution function, and how far that was at most."""
    features = columns_of(reference)
    pairs = [_pairs(windows, parts, i) for i in range(len(features))]
    looks = [contrasts(f, c) for f, c in zip(features, columns(whole), strict=True)]
    flat: list[tuple[Look, list[Miss]]] = []
    for row, column, own in zip(looks, columns(whole), pairs, strict=True):
        flat += [(contrast.look, between.misses(contrast, unit(contrast, column), own)) for contrast in row]
    pools = {look: between.pool([missed for kind, missed in flat if kind is look]) for look in Look}
    each = iter(flat)
    spreads = tuple(tuple(pools[kind](missed) for kind, missed in islice(each, len(row))) for row in looks)
    # A root of squares has no sign: neighbours are taken to be as correlated as their locations are.
    correlation = between.correlation_of([missed for kind, missed in flat if kind in MOVING])
    shapes = [between.shape_misses(own) for own in pairs]
    shape = between.pool(shapes, correlation)
    far = (between.farthest(own, levels=f.kind is Kind.CATEGORY) for f, own in zip(features, pairs, strict=True))
    return spreads, tuple(shape(missed) for missed in shapes), tuple(far)


def _residual_spreads(windows: Sequence[Labelled], whole: Labelled) -> tuple[Spread, ...]:
    seen = sights(whole)
    missed = [between.residual_misses(sight, windows, whole) for sight in seen]
    looks = [sight.look for sight in seen]
    pools = {
        look: between.pool([m for kind, m in zip(looks, missed, strict=True) if kind is look]) for look in set(looks)
    }
    return tuple(pools[look](m) for look, m in zip(looks, missed, strict=True))
