"""Numbers that moved because the data are broken, not because the world is.

Asked only of what alarms: a fault is a name for a distribution that has moved, never a reason to alarm. Each look is
one that drift hardly ever has.
"""

import math
from collections.abc import Callable
from itertools import accumulate

from slipway.drift.findings import Cause
from slipway.drift.profile import Column
from slipway.drift.reference import Feature

UNIT = 5.0  # least factor that is taken for another unit
FAR = 10.0  # times the farthest value of the baseline: some rows, not all, are in another unit
OUTER = 0.02  # of the rows, that the outermost cells gain at least
STUCK_ROWS = 20
USUAL = 0.5  # most of the rows that one cell holds of a number that is not nearly constant
CELLS, NARROW = 20, 0.05  # of a number with many values: least cells, and most of the rows in the one that is filled
FILLED = 0.02  # least share of the rows
AS_BEFORE = 0.25  # of the whole distance, at most that of the other rows
ALONE = 0.05  # of the way to the most extreme value, that the mean of what was added may fall short of it
LIKE = 0.1  # standard deviations, and of their ratio
SCALES = (("Fahrenheit", "Celsius", 1.8, 32.0), ("Celsius", "Fahrenheit", 1 / 1.8, -32 / 1.8))

Told = tuple[Cause, str]


def told(feature: Feature, now: Column, then: Column) -> Told | None:
    """Of a number's values, those now and the baseline's: its fault, and what it looks like."""
    if min(now.moments.n, then.moments.n) < 2 or not then.moments.variance:
        return None
    return next(filter(None, (look(feature, now, then) for look in _LOOKS)), None)


def _stuck(_: Feature, now: Column, then: Column) -> Told | None:
    varied = max(then.cells) <= USUAL * sum(then.cells)
    if now.least is None or now.least != now.most or now.moments.n < STUCK_ROWS or not varied:
        return None
    return Cause.STUCK, f"each is {now.least:.6g}: is its source stuck?"


def _turned(_: Feature, now: Column, then: Column) -> Told | None:
    (least, most), (old_least, old_most) = ((c.least or 0.0, c.most or 0.0) for c in (now, then))
    if (old_least >= 0 and most <= 0 and least < 0) or (old_most <= 0 and least >= 0 and most > 0):
        return Cause.UNITS, "their sign is the other one: was it turned?"
    return None


def _multiplied(_: Feature, now: Column, then: Column) -> Told | None:
    """Mean and standard deviation grew, or shrank, alike."""
    if not now.moments.variance:
        return None
    sd = math.sqrt(then.moments.variance)
    factor = math.sqrt(now.moments.variance) / sd
    alike = abs(now.moments.mean - factor * then.moments.mean) <= 0.5 * factor * sd
    if not alike or max(factor, 1 / factor) < UNIT:
        return None
    return Cause.UNITS, f"values are about {factor:.3g} times as large: another unit?"


def _scaled(_: Feature, now: Column, then: Column) -> Told | None:
    sd = math.sqrt(then.moments.variance)
    for unit, other, factor, offset in SCALES:
        off = abs(now.moments.mean - factor * then.moments.mean - offset) / factor / sd
        telling = abs(offset) / factor / sd >= 1  # else it would be any growth by that factor
        if telling and off <= LIKE and abs(math.sqrt(now.moments.variance) / factor / sd - 1) <= LIKE:
            return Cause.UNITS, f"they look like {unit} instead of {other}"
    return None


def _filled(feature: Feature, now: Column, then: Column) -> Told | None:
    """Some rows moved into one narrow cell, to a single value if it is an outermost one; the others are as before."""
    share, usual = ([count / sum(column.cells) for count in column.cells] for column in (now, then))
    gains = [a - b for a, b in zip(share, usual, strict=True)]
    cell = max(range(len(gains)), key=gains.__getitem__)
    moved = gains[cell] / (1 - usual[cell]) if usual[cell] < 1 else 0.0
    if len(gains) < CELLS or usual[cell] > NARROW or not FILLED <= moved <= 1 - FILLED:
        return None
    others = [a - moved * (j == cell) - (1 - moved) * b for j, (a, b) in enumerate(zip(share, usual, strict=True))]
    if _distance(others) > AS_BEFORE * _distance(gains):
        return None
    if 0 < cell < len(gains) - 1:
        where = f"from {feature.edges[cell - 1]:.6g} to {feature.edges[cell]:.6g}"
    else:
        value = (now.most if cell else now.least) or 0.0
        added = (now.moments.mean - (1 - moved) * then.moments.mean) / moved
        if abs(value - added) > ALONE * abs(value - then.moments.mean):
            return None
        where = f"at {value:.6g}"
    return Cause.NULLS, f"{moved:.1%} of the rows now lie {where}, the others as before: does that stand for nothing?"


def _far(_: Feature, now: Column, then: Column) -> Told | None:
    """Values far beyond the baseline's, and more than a few."""
    outer = [(c.cells[0] + c.cells[-1]) / sum(c.cells) for c in (now, then)]
    if len(then.cells) < 3 or now.farthest <= FAR * then.farthest or outer[0] < outer[1] + OUTER:
        return None
    return Cause.UNITS, f"some are {FAR:g} times the largest of the baseline: another unit in some rows?"


def _distance(differences: list[float]) -> float:
    return max(map(abs, accumulate(differences)))


_LOOKS: tuple[Callable[[Feature, Column, Column], Told | None], ...] = (
    _stuck,
    _turned,
    _multiplied,
    _scaled,
    _filled,
    _far,
)
