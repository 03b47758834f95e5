"""A window of traffic, counted by a reference: the one state every engine produces and every detector reads.

A few KB whatever the traffic, and it adds: objects to minutes, minutes to hours, hours to weeks, in any order, without
reading a row again. Counts always add up: see `Column.rows` and `Profile.records`.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

from slipway.drift.reference import Feature, Reference
from slipway.stats.means import NOTHING, Moments

# Upper ends in seconds of the buckets of label delays; the last bucket has none.
DELAYS = (60.0, 600.0, 3600.0, 6 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0, 14 * 86400.0, 30 * 86400.0)
BINS = 10  # of a feature or of the score, for residuals: groups of neighbouring cells


@dataclass(frozen=True)
class Column:
    """One feature. cells: of finite numbers, or of known levels; nulls: empty, null or NaN; type_errors: text where a
    number is due; infinite; unseen: a category's other values; absent: rows too short to have it, or records that
    name no such feature. moments, least, most: of the finite numbers."""

    cells: tuple[int, ...] = ()
    nulls: int = 0
    type_errors: int = 0
    infinite: int = 0
    unseen: int = 0
    absent: int = 0
    fractional: int = 0  # of the finite numbers, those that are no whole number
    negative: int = 0
    moments: Moments = NOTHING
    least: float | None = None
    most: float | None = None

    @cached_property
    def in_cells(self) -> int:
        """Rows with a cell: asked for once a level, of which there may be thousands."""
        return sum(self.cells)

    @property
    def rows(self) -> int:
        return self.in_cells + self.nulls + self.type_errors + self.infinite + self.unseen + self.absent

    @property
    def magnitude(self) -> float:
        """Root mean square of the finite numbers, 0 without any."""
        return math.sqrt(self.moments.squares / self.moments.n) if self.moments.n else 0.0

    @property
    def farthest(self) -> float:
        """The largest of the finite numbers without their signs, 0 without any."""
        return max(abs(self.least or 0.0), abs(self.most or 0.0))

    def __add__(self, other: "Column") -> "Column":
        if len(self.cells) != len(other.cells):
            raise ValueError(f"cells: {len(self.cells)} and {len(other.cells)} cells can't be added")
        return Column(
            tuple(a + b for a, b in zip(self.cells, other.cells, strict=True)),
            self.nulls + other.nulls,
            self.type_errors + other.type_errors,
            self.infinite + other.infinite,
            self.unseen + other.unseen,
            self.absent + other.absent,
            self.fractional + other.fractional,
            self.negative + other.negative,
            self.moments + other.moments,
            _least(self.least, other.least),
            _most(self.most, other.most),
        )


@dataclass(frozen=True)
class Residual:
    """Labelled rows of one bin: label - p, summed, and p * (1 - p), its variance if p is right. p: of a positive label
    given the score, `slipway.drift.reference.Reference.probability`."""

    n: int = 0
    total: float = 0.0
    variance: float = 0.0

    def __add__(self, other: "Residual") -> "Residual":
        return Residual(self.n + other.n, self.total + other.total, self.variance + other.variance)


@dataclass(frozen=True)
class Source:
    """Labels by who or what gave them: an annotator, or a version of the labelling policy."""

    name: str
    residual: Residual = Residual()


@dataclass(frozen=True)
class Count:
    reason: str
    n: int = 0


@dataclass(frozen=True)
class Labelled:
    """Rows whose label has come. Losses in nats, of scores kept within [.0001, .9999].

    excess: the log-loss of each row's probability given the score, less what that itself expects of it: of mean 0 while
    the model is right.
    by_score, by_feature: residuals in BINS bins of neighbouring cells (a category: its levels, then unseen and null).
    delays: by DELAYS. agreed, disagreed: further labels of a row that has one. changed: labels later replaced.
    rejected: lines of labels that are not counted, by reason.
    """

    n: int = 0
    positives: int = 0
    log_loss: Moments = NOTHING
    excess: Moments = NOTHING
    by_score: tuple[Residual, ...] = ()
    by_feature: tuple[tuple[Residual, ...], ...] = ()
    sources: tuple[Source, ...] = ()
    delays: tuple[int, ...] = (0,) * (len(DELAYS) + 1)
    agreed: int = 0
    disagreed: int = 0
    changed: int = 0
    rejected: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Profile:
    """records: captured lines read, = accepted + those rejected, by reason. rows: of the accepted records; one may
    hold many. positives: rows with a score at the threshold or above; surplus: columns beyond the reference's, summed
    over rows. first, last: inference times seen, unix seconds."""

    reference: str
    columns: tuple[Column, ...]
    scores: Column
    records: int = 0
    accepted: int = 0
    rows: int = 0
    positives: int = 0
    surplus: int = 0
    rejected: tuple[Count, ...] = ()
    first: float | None = None
    last: float | None = None
    labelled: Labelled = field(default_factory=Labelled)

    def __add__(self, other: "Profile") -> "Profile":
        if self.reference != other.reference:
            raise ValueError(f"reference: {self.reference} and {other.reference} count by different cells")
        return Profile(
            self.reference,
            tuple(a + b for a, b in zip(self.columns, other.columns, strict=True)),
            self.scores + other.scores,
            self.records + other.records,
            self.accepted + other.accepted,
            self.rows + other.rows,
            self.positives + other.positives,
            self.surplus + other.surplus,
            _counts(self.rejected + other.rejected),
            _least(self.first, other.first),
            _most(self.last, other.last),
            add_labelled(self.labelled, other.labelled),
        )


def empty(reference: Reference) -> Profile:
    columns = tuple(_column(feature) for feature in reference.features)
    return Profile(reference.id, columns, _column(reference.scores), labelled=unlabelled(reference))


def unlabelled(reference: Reference) -> Labelled:
    by_feature = tuple((Residual(),) * bins(feature) for feature in reference.features)
    return Labelled(by_score=(Residual(),) * bins(reference.scores), by_feature=by_feature)


def bins(feature: Feature) -> int:
    """How many bins a feature's residuals are kept in: at most BINS for a number, and one for nulls and the unseen."""
    return min(BINS, feature.cells) + 1


def bin_of(feature: Feature, cell: int | None) -> int:
    """The bin of a cell; None is anything without a cell. Levels beyond the first BINS - 1 share a bin."""
    kept = min(BINS, feature.cells)
    if cell is None:
        return kept
    return cell * kept // feature.cells if feature.edges else min(cell, kept - 1)


def arrived(labelled: Labelled) -> int:
    """Labels that have come, counted or not."""
    return labelled.n + sum(count.n for count in labelled.rejected)


def add_labelled(a: Labelled, b: Labelled) -> Labelled:
    if not (a.n and b.n):
        return _with_counts(a if a.n else b, a, b)
    added = replace(
        a,
        n=a.n + b.n,
        positives=a.positives + b.positives,
        log_loss=a.log_loss + b.log_loss,
        excess=a.excess + b.excess,
        by_score=_residuals(a.by_score, b.by_score),
        by_feature=tuple(_residuals(x, y) for x, y in zip(a.by_feature, b.by_feature, strict=True)),
        sources=_sources(a.sources + b.sources),
    )
    return _with_counts(added, a, b)


def _with_counts(into: Labelled, a: Labelled, b: Labelled) -> Labelled:
    return replace(
        into,
        delays=tuple(x + y for x, y in zip(a.delays, b.delays, strict=True)),
        agreed=a.agreed + b.agreed,
        disagreed=a.disagreed + b.disagreed,
        changed=a.changed + b.changed,
        rejected=_counts(a.rejected + b.rejected),
    )


def _column(feature: Feature) -> Column:
    return Column((0,) * feature.cells)


def _residuals(a: tuple[Residual, ...], b: tuple[Residual, ...]) -> tuple[Residual, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _sources(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    names = sorted({source.name for source in sources})
    return tuple(Source(n, sum((s.residual for s in sources if s.name == n), Residual())) for n in names)


def _counts(counts: tuple[Count, ...]) -> tuple[Count, ...]:
    reasons = sorted({count.reason for count in counts})
    return tuple(Count(r, sum(count.n for count in counts if count.reason == r)) for r in reasons)


def _least(a: float | None, b: float | None) -> float | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _most(a: float | None, b: float | None) -> float | None:
    return max((value for value in (a, b) if value is not None), default=None)
