"""Columns as DuckDB hands them over, counted by NumPy: what `monitoring.columns` does to values one by one.

A column holds a float or the number of a level for each row, and for what is neither an oddity's own `code`. NumPy
sorts a float in 5 ns, and every count is a place in the sorted column; a search of a cell for each takes ten times as
long.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.columns import LARGEST, Oddity
from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind
from slipway.stats.means import Moments

LEVELS_ODD = (Oddity.NULL, Oddity.UNSEEN)
NUMBERS_ODD = {Oddity.TYPE_ERROR: 10 * LARGEST, Oddity.INFINITE: math.inf, Oddity.NULL: math.nan}  # as they sort
Vector = npt.NDArray[Any]


def code(feature: Feature, oddity: Oddity) -> float | int:
    """What stands for an oddity in a column: beyond every number and every level that can be counted."""
    if feature.kind is Kind.CATEGORY:
        return len(feature.levels) + LEVELS_ODD.index(oddity)
    return NUMBERS_ODD[oddity]


def column(feature: Feature, values: Vector) -> Column:
    if feature.kind is Kind.CATEGORY:
        *levels, nulls, unseen = np.bincount(values, minlength=feature.cells + len(LEVELS_ODD)).tolist()
        return Column(tuple(levels), nulls=nulls, unseen=unseen)
    ordered = np.sort(values)
    *below, negative = ordered.searchsorted([*feature.edges, 0.0]).tolist()
    ends = [LARGEST, NUMBERS_ODD[Oddity.TYPE_ERROR], NUMBERS_ODD[Oddity.INFINITE]]
    usable, errors, infinite = ordered.searchsorted(ends, side="right").tolist()
    numbers = ordered[:usable]
    return Column(
        tuple(np.diff([0, *below, usable]).tolist()),
        nulls=len(ordered) - infinite,
        type_errors=errors - usable,
        infinite=infinite - errors,
        moments=Moments(usable, float(numbers.sum()), float(np.square(numbers).sum())),
        fractional=int(np.count_nonzero(numbers != np.trunc(numbers))),
        negative=negative,
        least=float(numbers[0]) if usable else None,
        most=float(numbers[-1]) if usable else None,
    )


def at_least(values: Vector, threshold: float) -> int:
    """How many of the numbers reach a threshold."""
    return int(np.count_nonzero((values >= threshold) & (values <= LARGEST)))
