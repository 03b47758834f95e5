"""Standard errors of paired differences for rows that are not independent: whole blocks of time are the units.

Means: the cluster-robust error (Liang & Zeger 1986). Other metrics: the bootstrap over blocks (Künsch 1989), both
models on the same resamples. A row counts as often as its block was drawn, so nothing is copied or sorted again.
Each error is the greatest of those by small and by large blocks: small ones are many and estimate it well, large ones
see rows that are alike over longer stretches. `python -m bench.gate` measures what that holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGE = 10  # blocks
MOST_PARTS = 5  # of a large block: the small ones
LEAST_ROWS = 20  # of a small block
RESAMPLES = 400
BINS = 10

Metric = Callable[[np.ndarray], float]  # counts a block, shape (blocks,) -> the metric; NaN where it is undefined


@dataclass(frozen=True)
class Blocks:
    """of_row: each row's small block, shape (rows,), rows in order of time; count: small blocks; large: large ones.

    draws: how often each small block is drawn, shape (resamples, blocks), by small and by large blocks.
    """

    of_row: np.ndarray
    count: int
    large: int
    draws: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, rows: int, rng: np.random.Generator) -> "Blocks":
        large = max(1, min(LARGE, rows // LEAST_ROWS))
        parts = max(1, min(MOST_PARTS, rows // (large * LEAST_ROWS)))
        draws = tuple(
            np.repeat(rng.multinomial(units, np.full(units, 1 / units), size=RESAMPLES), large * parts // units, axis=1)
            for units in (large * parts, large)
        )
        return cls(np.arange(rows) * (large * parts) // max(rows, 1), large * parts, large, draws)

    def mean(self, challenger: np.ndarray, champion: np.ndarray, inside: np.ndarray | None = None) -> dict[str, Any]:
        """Means of both, and the error of their difference, over all rows or those `inside`."""
        chosen = np.ones(len(self.of_row), bool) if inside is None else inside
        differences = (challenger - champion)[chosen]
        error = None
        if self.large > 1 and len(differences) > 1:
            sums = np.bincount(self.of_row[chosen], weights=differences - differences.mean(), minlength=self.count)
            independent = float(differences.std(ddof=1) / np.sqrt(len(differences)))
            error = max(independent, *(_clustered(sums, units, len(differences)) for units in (self.count, self.large)))
        return _measure(float(challenger[chosen].mean()), float(champion[chosen].mean()), error)

    def bootstrap(self, challenger: Metric, champion: Metric) -> dict[str, Any]:
        """A metric of both; the error is the deviation of its difference over the resamples that define it."""
        once = np.ones(self.count)
        errors = []
        for draws, units in zip(self.draws, (self.count, self.large), strict=True):
            drawn = np.array([challenger(counts) - champion(counts) for counts in draws])
            defined = drawn[np.isfinite(drawn)]
            if units > 1 and len(defined) > RESAMPLES // 2:
                errors.append(float(defined.std(ddof=1) * np.sqrt(units / (units - 1))))
        return _measure(challenger(once), champion(once), max(errors) if len(errors) == len(self.draws) else None)


def _clustered(sums: np.ndarray, units: int, rows: int) -> float:
    """sums: of the centred values by small block; units: how many blocks they are merged to."""
    merged = sums.reshape(units, -1).sum(axis=1)
    return float(np.sqrt(units / (units - 1) * (merged**2).sum()) / rows)


def _measure(challenger: float, champion: float, error: float | None) -> dict[str, Any]:
    return {"challenger": challenger, "champion": champion, "error": error}


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest score down. ends: the last row of each group of equal scores."""

    labels: np.ndarray
    blocks: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, scores: np.ndarray, blocks: Blocks) -> "Ranking":
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
        return cls(labels[order].astype(float), blocks.of_row[order], ends)

    def _counted(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positives, and all rows, at or above each distinct score."""
        weights = counts[self.blocks]
        return np.cumsum(weights * self.labels)[self.ends], np.cumsum(weights)[self.ends]

    def auc(self, counts: np.ndarray) -> float:
        """Ties count half: the area under straight lines between the points of the curve."""
        caught, flagged = self._counted(counts)
        positives, negatives = caught[-1], flagged[-1] - caught[-1]
        if not (positives and negatives):
            return float("nan")
        alarms = flagged - caught
        mean = caught - np.diff(caught, prepend=0.0) / 2
        return float((np.diff(alarms, prepend=0.0) * mean).sum() / (positives * negatives))

    def average_precision(self, counts: np.ndarray) -> float:
        caught, flagged = self._counted(counts)
        if not caught[-1]:
            return float("nan")
        return float((np.diff(caught, prepend=0.0) / caught[-1] * caught / np.maximum(flagged, 1)).sum())


@dataclass(frozen=True)
class Calibration:
    """Sums by block and bin, each of shape (blocks, bins); bins hold equally many rows of neighbouring scores."""

    rows: np.ndarray
    excess: np.ndarray  # label - score

    @classmethod
    def of(cls, labels: np.ndarray, scores: np.ndarray, blocks: Blocks) -> "Calibration":
        ranks = np.empty(len(scores), dtype=int)
        ranks[np.argsort(scores, kind="stable")] = np.arange(len(scores))
        cell = blocks.of_row * BINS + ranks * BINS // len(scores)
        size, shape = blocks.count * BINS, (blocks.count, BINS)
        excess = np.bincount(cell, weights=labels - scores, minlength=size).reshape(shape)
        return cls(np.bincount(cell, minlength=size).reshape(shape), excess)

    def error(self, counts: np.ndarray) -> float:
        """Expected calibration error: the bins' |mean label - mean score|, weighted by their rows."""
        return float(np.abs(counts @ self.excess).sum() / (counts @ self.rows).sum())
