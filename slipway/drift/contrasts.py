"""What is looked at in one column: weights for its cells, chosen so that each alternative moves a mean.

A number: the mean of its ranks in the baseline (as Wilcoxon's test), so that outliers weigh no more than their rank; it
sees a shift with half the rows that the whole distribution function needs. A category: the share of each level. Both:
the shares of what has no cell. No contrast for the spread: windows whose location varies move it by the square of that,
with a tail that a few windows can't show.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import mul

from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind


class Look(StrEnum):
    LOCATION = "location"
    LEVEL = "level"
    NULLS = "nulls"
    TYPE_ERRORS = "type_errors"
    INFINITE = "infinite"
    FRACTIONAL = "fractional"
    UNSEEN = "unseen"
    ABSENT = "absent"


FAULTS = (Look.NULLS, Look.TYPE_ERRORS, Look.INFINITE, Look.FRACTIONAL, Look.UNSEEN, Look.ABSENT)
# Of a column's part of alpha; SHAPE is its whole distribution function's.
SHARES = {Look.LOCATION: 0.5, Look.LEVEL: 0.5} | dict.fromkeys(FAULTS, 0.04)
SHAPE = 0.3


@dataclass(frozen=True)
class Contrast:
    """weights: of the cells, with mean 0 and variance 1 in the baseline; empty for a share. cell: whose, of a LEVEL.
    third: third central moment of one row. alpha: its part of the column's."""

    look: Look
    alpha: float
    weights: tuple[float, ...] = ()
    cell: int = 0
    third: float = 0.0

    def mean(self, column: Column) -> tuple[int, float]:
        """(rows, mean over them); (0, 0) without rows."""
        whole = column.rows if self.look in FAULTS else column.in_cells
        if self.weights:
            total = math.fsum(map(mul, self.weights, column.cells))
        else:
            total = column.cells[self.cell] if self.look is Look.LEVEL else getattr(column, self.look)
        return (whole, total / whole) if whole else (0, 0.0)


def faults(feature: Feature) -> list[Look]:
    """Those that a column can have."""
    none = Look.UNSEEN if feature.kind is Kind.NUMBER else Look.FRACTIONAL
    return [look for look in FAULTS if look is not none and (feature.integral or look is not Look.FRACTIONAL)]


def contrasts(feature: Feature, baseline: Column) -> tuple[Contrast, ...]:
    """Of one column, in a fixed order; a column with a single cell has faults alone."""
    looks = [Contrast(look, SHARES[look]) for look in faults(feature)]
    if feature.kind is Kind.CATEGORY:
        levels = len(baseline.cells)
        return tuple(looks + [Contrast(Look.LEVEL, SHARES[Look.LEVEL] / levels, cell=j) for j in range(levels)])
    shares = _shares(baseline.cells)
    weights = _standard(_ranks(shares), shares)
    if weights:
        third = math.fsum(w**3 * p for w, p in zip(weights, shares, strict=True))
        looks.append(Contrast(Look.LOCATION, SHARES[Look.LOCATION], tuple(weights), third=third))
    return tuple(looks)


def _shares(cells: Sequence[int]) -> list[float]:
    whole = sum(cells)
    return [cell / whole for cell in cells] if whole else []


def _ranks(shares: Sequence[float]) -> list[float]:
    """The middle of each cell's part of [0, 1]."""
    ranks, below = [], 0.0
    for share in shares:
        ranks.append(below + share / 2)
        below += share
    return ranks


def _standard(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Mean 0 and variance 1 under `shares`; empty if they are all alike."""
    mean = math.fsum(map(mul, values, shares))
    variance = math.fsum((v - mean) ** 2 * p for v, p in zip(values, shares, strict=True))
    return [(v - mean) / math.sqrt(variance) for v in values] if variance > 1e-9 else []
