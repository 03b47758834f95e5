"""A window's profile with its labels: how far the model's scores are off, and where."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from monitoring.columns import ABSENT, ColumnCounter, Oddity, Value, number
from monitoring.labels import History
from monitoring.records import Record
from monitoring.stream import Quarantine, Tally, Within, batches
from slipway.drift.profile import DELAYS, Count, Labelled, Profile, Residual, Source, bin_of, bins
from slipway.drift.recalibration import log_odds
from slipway.drift.reference import Reference
from slipway.stats.means import Moments

CLIP = 1e-4  # scores count as within [CLIP, 1 - CLIP]: one sure mistake must not be a window's whole loss
MOST_SOURCES = 50  # annotators and policies named one by one; rarer ones share the name OTHERS
OTHERS = "others"


class Reason(StrEnum):
    """Why a labelled row is not counted."""

    CLASS = "class"  # a label that is neither 0 nor 1
    LABEL_COUNT = "label_count"  # not one label a row of the request
    NO_SCORE = "no_score"  # no answer was captured, or it is no probability


def profile(
    lines: Iterable[bytes | str],
    histories: Mapping[str, History],
    reference: Reference,
    within: Within = None,
    quarantine: Quarantine = lambda _: None,
) -> Profile:
    """Captured lines, counted, with the labels of their requests (`labels.read`).

    Joined by inferenceId, else by eventId. Memory grows with the labels, not with the lines.
    """
    tally = Tally(reference)
    losses = Losses(tally)
    for batch in batches(lines, tally, quarantine, within):
        for record in batch:
            if history := histories.get(record.id) or histories.get(record.event):
                losses.add_record(record, history)
    return replace(tally.profile(), labelled=losses.labelled())


class Losses:
    """Sums over labelled rows, into a `Labelled`."""

    def __init__(self, tally: Tally) -> None:
        self._probability = tally.reference.probability
        self._features = [_Binned(counter) for counter in tally.columns]
        self._scores = _Binned(tally.scores)
        self._sources: defaultdict[str, _Sum] = defaultdict(_Sum)
        self._losses: list[float] = []
        self._excesses: list[float] = []
        self._positives = 0
        self._delays = [0] * (len(DELAYS) + 1)
        self._agreed = self._disagreed = self._changed = 0
        self._rejected: Counter[str] = Counter()

    def add_record(self, record: Record, history: History) -> None:
        label = history.current
        if len(label.values) != len(record.rows):
            self._rejected[Reason.LABEL_COUNT] += 1
            return
        agreed = sum(other.values == label.values for other in history.others)
        self._agreed += agreed
        self._disagreed += len(history.others) - agreed
        self._changed += history.changed
        self._delays[bisect_left(DELAYS, history.first - record.at)] += len(record.rows)
        names = {"annotator": label.annotator, "policy": label.policy}
        sources = [f"{kind}:{name}" for kind, name in names.items() if name]
        for row, score, value in zip(record.rows, record.scores, label.values, strict=True):
            self.add(row, score, value, sources)

    def add(self, row: Sequence[Value], score: Value, label: float, sources: Iterable[str] = ()) -> None:
        """A row in the order of the features; it may be short."""
        p = number(score)
        if isinstance(p, Oddity) or not 0 <= p <= 1:
            self._rejected[Reason.NO_SCORE] += 1
            return
        if label not in (0, 1):
            self._rejected[Reason.CLASS] += 1
            return
        expected = self._probability(p)
        self._losses.append(_loss(p, label))
        self._excesses.append(_excess(expected, label))
        self._positives += label == 1
        width = len(self._features)
        values = [*row[:width], *[ABSENT] * (width - len(row))]
        for binned, value in zip(self._features, values, strict=True):
            binned.sum_of(value).add(label - expected, expected * (1 - expected))
        for sums in (self._scores.sum_of(p), *(self._sources[source] for source in sources)):
            sums.add(label - expected, expected * (1 - expected))

    def labelled(self, *, sources: int | None = MOST_SOURCES) -> Labelled:
        """sources: how many are named; None for all, if this is a part of a window."""
        return Labelled(
            n=len(self._losses),
            positives=self._positives,
            log_loss=Moments.of(self._losses),
            excess=Moments.of(self._excesses),
            by_score=self._scores.residuals(),
            by_feature=tuple(binned.residuals() for binned in self._features),
            sources=most_frequent((Source(name, total.residual()) for name, total in self._sources.items()), sources),
            delays=tuple(self._delays),
            agreed=self._agreed,
            disagreed=self._disagreed,
            changed=self._changed,
            rejected=tuple(Count(reason, n) for reason, n in sorted(self._rejected.items())),
        )


def _clipped(p: float) -> float:
    return min(max(p, CLIP), 1 - CLIP)


def _loss(p: float, label: float) -> float:
    """Log-loss in nats."""
    p = _clipped(p)
    return -math.log(p) if label else -math.log1p(-p)


def _excess(p: float, label: float) -> float:
    """The log-loss less what p expects of itself."""
    p = _clipped(p)
    return (p - label) * log_odds(p)


def most_frequent(sources: Iterable[Source], most: int | None) -> tuple[Source, ...]:
    """So many by their names, which differ; the rarer ones together as `OTHERS`."""
    by_rows = sorted(sources, key=lambda source: (-source.residual.n, source.name))
    named = {source.name: source.residual for source in by_rows[:most]}
    for source in by_rows[most:] if most is not None else ():
        named[OTHERS] = named.get(OTHERS, Residual()) + source.residual
    return tuple(Source(name, named[name]) for name in sorted(named))


class _Sum:
    """A `Residual`, added up in place."""

    def __init__(self) -> None:
        self.n, self._total, self._variance = 0, 0.0, 0.0

    def add(self, residual: float, variance: float) -> None:
        self.n += 1
        self._total += residual
        self._variance += variance

    def residual(self) -> Residual:
        return Residual(self.n, self._total, self._variance)


class _Binned:
    """The sums of one feature's bins, found by value."""

    def __init__(self, counter: ColumnCounter) -> None:
        self._cell, feature = counter.cell, counter.feature
        self._sums = [_Sum() for _ in range(bins(feature))]
        self._by_cell = {cell: self._sums[bin_of(feature, cell)] for cell in (None, *range(feature.cells))}

    def sum_of(self, value: Value) -> _Sum:
        return self._by_cell[self._cell(value)]

    def residuals(self) -> tuple[Residual, ...]:
        return tuple(total.residual() for total in self._sums)
