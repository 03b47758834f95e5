"""Columns as DuckDB hands them over, counted by NumPy: what `monitoring.columns` does to values one by one.

A column holds a float or the number of a level for each row, and for what is neither an oddity's own `code`. NumPy
sorts a float in 5 ns, and every count is a place in the sorted column; a search of a cell for each takes ten times as
long.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.columns import LARGEST, Oddity
from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind
from slipway.stats.means import Moments

ODD = {Kind.NUMBER: (Oddity.NULL, Oddity.TYPE_ERROR, Oddity.INFINITE), Kind.CATEGORY: (Oddity.NULL, Oddity.UNSEEN)}
Vector = npt.NDArray[Any]


def code(feature: Feature, oddity: Oddity) -> float | int:
    """What stands for an oddity in a column: beyond every number and every level that can be counted."""
    at = ODD[feature.kind].index(oddity)
    return len(feature.levels) + at if feature.kind is Kind.CATEGORY else LARGEST * 10.0 ** (at + 1)


def column(feature: Feature, values: Vector) -> Column:
    odd = ODD[feature.kind]
    if feature.kind is Kind.CATEGORY:
        *levels, nulls, unseen = np.bincount(values, minlength=feature.cells + len(odd)).tolist()
        return Column(tuple(levels), nulls=nulls, unseen=unseen)
    ordered = np.sort(values)
    codes = [code(feature, oddity) for oddity in odd]
    *below, negative, usable = ordered.searchsorted([*feature.edges, 0.0, codes[0]]).tolist()
    numbers = ordered[:usable]
    nulls, type_errors, infinite = np.diff([usable, *ordered.searchsorted(codes, side="right")]).tolist()
    return Column(
        tuple(np.diff([0, *below, usable]).tolist()),
        nulls=nulls,
        type_errors=type_errors,
        infinite=infinite,
        moments=Moments(usable, float(numbers.sum()), float(np.square(numbers).sum())),
        fractional=int(np.count_nonzero(numbers != np.trunc(numbers))),
        negative=negative,
        least=float(numbers[0]) if usable else None,
        most=float(numbers[-1]) if usable else None,
    )


def at_least(values: Vector, threshold: float) -> int:
    """How many of the numbers reach a threshold."""
    return int(np.count_nonzero((values >= threshold) & (values <= LARGEST)))
