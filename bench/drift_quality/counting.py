"""Windows of rows to profiles, by numpy: the same counts as the engines make, for benches that need thousands."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from slipway.drift import recalibration
from slipway.drift.profile import Column, Labelled, Profile, Residual, bin_of, bins
from slipway.drift.recalibration import Group
from slipway.drift.reference import Feature, Kind, Reference
from slipway.stats.means import Moments

CELLS = 100


@dataclass(frozen=True)
class Rows:
    """numbers: [rows, numeric features], NaN is null. levels: [rows, categories], codes; -1 is unseen, -2 null.
    scores and labels of the same rows, where there are any."""

    numbers: np.ndarray
    levels: np.ndarray
    scores: np.ndarray | None = None
    labels: np.ndarray | None = None
    at: tuple[float, float] | None = None  # of the first and last row, unix seconds

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: np.ndarray | slice) -> "Rows":
        kept = [None if part is None else part[index] for part in (self.scores, self.labels)]
        return Rows(self.numbers[index], self.levels[index], *kept, at=self.at)


@dataclass
class Counter:
    """Counts windows by a reference made of training rows."""

    reference: Reference
    edges: list[np.ndarray] = field(default_factory=list)
    bins: list[np.ndarray] = field(default_factory=list)  # of each cell, features then score

    @classmethod
    def of(
        cls, rows: Rows, names: Sequence[str], levels: Sequence[Sequence[str]], importance: Sequence[float] = ()
    ) -> "Counter":
        importance = importance or [0.0] * len(names)
        numeric = rows.numbers.shape[1]
        edges = [cuts(rows.numbers[:, i]) for i in range(numeric)]
        features = [
            Feature(name, edges=tuple(map(float, edge)), integral=are_whole(values), importance=share)
            for name, edge, values, share in zip(names, edges, rows.numbers.T, importance, strict=False)
        ]
        features += [
            Feature(name, Kind.CATEGORY, levels=tuple(known), importance=share)
            for name, known, share in zip(names[numeric:], levels, importance[numeric:], strict=True)
        ]
        edges.append(cuts(rows.scores) if rows.scores is not None else np.array([0.5]))
        scores = Feature("score", edges=tuple(map(float, edges[-1])))
        line = recalibration.fit(_groups(rows))
        reference = Reference("bench", "bench", tuple(features), scores, 0.5, *line)
        return cls(reference, edges, [_bins(feature) for feature in (*features, scores)])

    def profile(self, rows: Rows) -> Profile:
        n, numeric = len(rows), rows.numbers.shape[1]
        cells = [self._number(rows.numbers[:, i], i) for i in range(numeric)]
        cells += [self._level(rows.levels[:, j], numeric + j) for j in range(rows.levels.shape[1])]
        scores = self._number(rows.scores, -1) if rows.scores is not None else None
        column = scores[0] if scores else Column((0,) * self.reference.scores.cells, absent=n)
        first, last = rows.at or (None, None)
        labelled = self._labelled(rows, cells, scores[1]) if rows.labels is not None and scores else None
        made = Profile(self.reference.id, tuple(c for c, _ in cells), column, n, n, n, first=first, last=last)
        return Profile(**{**vars(made), "labelled": labelled}) if labelled else made

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        if not self.reference.recalibrated:
            return scores
        return 1 / (1 + np.exp(-self.reference.intercept - self.reference.slope * _log_odds(scores)))

    def _number(self, values: np.ndarray, i: int) -> tuple[Column, np.ndarray]:
        finite = np.isfinite(values)
        kept = values if finite.all() else values[finite]
        edges = self.edges[i]
        index = np.full(len(values), -1)
        index[finite] = np.searchsorted(edges, kept, side="right")
        counts = np.bincount(index[finite], minlength=len(edges) + 1)
        nulls, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        moments = Moments(len(kept), float(kept.sum()), float(kept @ kept))
        ends = (float(kept.min()), float(kept.max())) if len(kept) else (None, None)
        column = Column(
            tuple(counts.tolist()),
            nulls,
            infinite=infinite,
            fractional=int((kept != np.trunc(kept)).sum()),
            moments=moments,
            least=ends[0],
            most=ends[1],
        )
        return column, index

    def _level(self, codes: np.ndarray, i: int) -> tuple[Column, np.ndarray]:
        known = codes[codes >= 0]
        counts = np.bincount(known, minlength=self.reference.features[i].cells)
        column = Column(tuple(counts.tolist()), int((codes == -2).sum()), unseen=int((codes == -1).sum()))
        return column, np.where(codes >= 0, codes, -1)

    def _labelled(self, rows: Rows, cells: list[tuple[Column, np.ndarray]], score_cells: np.ndarray) -> Labelled:
        labels, expected = rows.labels, self._probabilities(rows.scores)
        clipped = np.clip(expected, 1e-4, 1 - 1e-4)
        loss = _loss(rows.scores, labels)
        excess = (clipped - labels) * _log_odds(clipped)
        residual, variance = labels - expected, expected * (1 - expected)
        parts = [
            _residuals(to_bin[index], residual, variance, bins(feature))
            for (_, index), feature, to_bin in zip(cells, self.reference.features, self.bins, strict=False)
        ]
        by_score = _residuals(self.bins[-1][score_cells], residual, variance, bins(self.reference.scores))
        moments = [Moments(len(v), float(v.sum()), float(v @ v)) for v in (loss, excess)]
        return Labelled(len(labels), int(labels.sum()), *moments, by_score=by_score, by_feature=tuple(parts))


def _loss(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    clipped = np.clip(scores, 1e-4, 1 - 1e-4)
    return -labels * np.log(clipped) - (1 - labels) * np.log1p(-clipped)


def _log_odds(scores: np.ndarray) -> np.ndarray:
    kept = np.clip(scores, recalibration.LEAST, 1 - recalibration.LEAST)
    return np.log(kept) - np.log1p(-kept)


def _groups(rows: Rows) -> list[Group]:
    if rows.scores is None or rows.labels is None:
        return []
    at, index, counts = np.unique(np.round(_log_odds(rows.scores), 2), return_inverse=True, return_counts=True)
    positives = np.bincount(index, weights=rows.labels)
    return [Group(float(x), int(n), int(k)) for x, n, k in zip(at, counts, positives, strict=True)]


def are_whole(values: np.ndarray) -> bool:
    """All of those that are numbers."""
    numbers = values[np.isfinite(values)]
    return len(numbers) > 0 and bool((numbers == np.trunc(numbers)).all())


def cuts(values: np.ndarray) -> np.ndarray:
    """At the quantiles; fewer where values repeat, each a border between two of the values."""
    distinct = np.unique(values[np.isfinite(values)])
    if len(distinct) <= CELLS:
        return (distinct[1:] + distinct[:-1]) / 2
    found = np.unique(np.quantile(values[np.isfinite(values)], np.arange(1, CELLS) / CELLS))
    return found[found > distinct[0]]


def _bins(feature: Feature) -> np.ndarray:
    """The bin of each cell; the last entry, index -1, that of what has no cell."""
    return np.array([bin_of(feature, cell) for cell in range(feature.cells)] + [bin_of(feature, None)])


def _residuals(index: np.ndarray, residual: np.ndarray, variance: np.ndarray, n: int) -> tuple[Residual, ...]:
    weights = (None, residual, variance)
    sums = (np.bincount(index, weights=w, minlength=n) for w in weights)
    return tuple(Residual(int(a), float(b), float(c)) for a, b, c in zip(*sums, strict=True))
