"""What is looked at in labelled rows: label - score, where features or scores are alike, and along each feature."""

import math
from dataclasses import dataclass
from enum import StrEnum

from slipway.drift.profile import Labelled, Residual


class Look(StrEnum):
    ALL = "all"
    SCORE = "score"  # one bin of it
    TREND = "trend"  # along the bins of a feature
    BIN = "bin"  # one bin of a feature


@dataclass(frozen=True)
class Sight:
    """feature, bin: indices where `look` has them; weights: of a trend's bins, orthogonal to all rows alike."""

    look: Look
    feature: int = 0
    bin: int = 0
    weights: tuple[float, ...] = ()

    @property
    def heaviest(self) -> float:
        """What one label counts at most."""
        return max(map(abs, self.weights), default=1.0)

    def of(self, labelled: Labelled) -> Residual:
        """Empty where nothing is labelled."""
        if not labelled.n or self.look is Look.ALL:
            return sum(labelled.by_score, Residual())
        if self.look is Look.SCORE:
            return labelled.by_score[self.bin]
        bins = labelled.by_feature[self.feature]
        if self.look is Look.BIN:
            return bins[self.bin]
        n = sum(residual.n for residual, w in zip(bins, self.weights, strict=True) if w)
        total = math.fsum(w * residual.total for residual, w in zip(bins, self.weights, strict=True))
        variance = math.fsum(w * w * residual.variance for residual, w in zip(bins, self.weights, strict=True))
        return Residual(n, total, variance)


def sights(labelled: Labelled) -> tuple[Sight, ...]:
    """labelled: the baseline's, for the weights of trends; without any rows its bins count alike. Bins of a column
    with a single one say no more than all rows do."""
    found = [Sight(Look.ALL), *(Sight(Look.SCORE, bin=j) for j in range(len(labelled.by_score)))]
    for i, bins in enumerate(labelled.by_feature):
        weights = _trend(bins)
        if weights:
            found.append(Sight(Look.TREND, i, weights=weights))
        if len(bins) > 2:
            found += [Sight(Look.BIN, i, j) for j in range(len(bins))]
    return tuple(found)


def _trend(bins: tuple[Residual, ...]) -> tuple[float, ...]:
    """Weights that rise with the bin, of mean 0 and mean square 1 where labels vary; none for the last bin, which
    holds what has no place in the order."""
    variances = [residual.variance for residual in bins[:-1]]
    if not any(variances):
        variances = [1.0] * len(variances)
    whole = math.fsum(variances)
    mean = math.fsum(j * v for j, v in enumerate(variances)) / whole if whole else 0.0
    square = math.fsum((j - mean) ** 2 * v for j, v in enumerate(variances)) / whole if whole else 0.0
    return (*((j - mean) / math.sqrt(square) for j in range(len(variances))), 0.0) if square > 1e-9 else ()
