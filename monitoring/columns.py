"""What a value counts as: the one definition behind every engine.

A number is what Python's `float` reads; empty and NaN are null, other text is a type error. A category is its text,
where 3, 3.0 and "3.0" are the same level.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import Enum
from functools import partial
from operator import mul
from typing import TypeVar

from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind, text_of
from slipway.stats.means import NOTHING, Moments

# Beyond this a number counts as infinite: the squares of a window's rows could no longer be summed.
LARGEST = 1e100
WHOLE = re.compile(r"(-?[1-9][0-9]*|0)\.0*")


class Oddity(Enum):
    """A value without a cell; the name of its count in `Column`. ABSENT also stands for a value a row lacks."""

    NULL = "nulls"
    TYPE_ERROR = "type_errors"
    INFINITE = "infinite"
    UNSEEN = "unseen"
    ABSENT = "absent"


ABSENT = Oddity.ABSENT
Value = str | float | None | Oddity
T = TypeVar("T")


class ColumnCounter:
    """Counts one feature's values into a `Column`."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self._level_cells = {level: cell for cell, level in enumerate(feature.levels)}
        self._cells: Counter[int] = Counter()
        self._oddities: Counter[Oddity] = Counter()
        self._moments = NOTHING
        self._fractional = self._negative = 0
        self._least, self._most = math.inf, -math.inf

    def add(self, values: Sequence[Value]) -> list[float]:
        """Count values; returns the finite numbers among a number's."""
        if self.feature.kind is Kind.CATEGORY:
            self._cells.update(self._regular(map(self._level, values)))
            return []
        numbers = _all_usable(values) or list(self._regular(map(number, values)))
        if numbers:
            self._add_numbers(numbers)
        return numbers

    def cell(self, value: Value) -> int | None:
        """The cell of one value; None for an oddity."""
        if self.feature.kind is Kind.CATEGORY:
            level = self._level(value)
            return None if isinstance(level, Oddity) else level
        found = number(value)
        return None if isinstance(found, Oddity) else self.feature.cell(found)

    def column(self) -> Column:
        return Column(
            cells=tuple(self._cells[cell] for cell in range(self.feature.cells)),
            moments=self._moments,
            fractional=self._fractional,
            negative=self._negative,
            least=self._least if self._moments.n else None,
            most=self._most if self._moments.n else None,
            **{oddity.value: n for oddity, n in self._oddities.items()},
        )

    def _regular(self, found: Iterable[T | Oddity]) -> Iterator[T]:
        """What is found without the oddities, which are counted."""
        for one in found:
            if isinstance(one, Oddity):
                self._oddities[one] += 1
            else:
                yield one

    def _add_numbers(self, numbers: list[float]) -> None:
        self._cells.update(map(partial(bisect_right, self.feature.edges), numbers))
        self._moments += Moments(len(numbers), math.fsum(numbers), math.fsum(map(mul, numbers, numbers)))
        self._fractional += len(numbers) - sum(map(float.is_integer, numbers))
        self._negative += sum(map((0.0).__gt__, numbers))
        self._least, self._most = min(self._least, min(numbers)), max(self._most, max(numbers))

    def _level(self, value: Value) -> int | Oddity:
        known = self._level_cells.get(value)  # type: ignore[arg-type]
        return level_cell(value, self._level_cells) if known is None else known


def plain(value: object) -> Value:
    """A table's value as one that can be counted: what is neither text nor a number counts as its text."""
    if value is None or isinstance(value, str | float | int):
        return value
    return float(value) if isinstance(value, Decimal) else str(value)


def level_of(value: Value) -> str:
    """A category's value as the text of its level."""
    text = value.strip(" ") if isinstance(value, str) else text_of(value)
    whole = WHOLE.fullmatch(text)
    return whole[1] if whole else text


def number(value: Value) -> float | Oddity:
    """The finite number a value is, or what is odd about it."""
    if value is ABSENT:
        return ABSENT
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return Oddity.INFINITE
    except (ValueError, TypeError):
        return Oddity.NULL if value is None or not str(value).strip(" ") else Oddity.TYPE_ERROR
    if math.isnan(found):
        return Oddity.NULL
    return found if abs(found) <= LARGEST else Oddity.INFINITE


def level_cell(value: Value, cells: dict[str, int]) -> int | Oddity:
    """The cell of a category's value, or what is odd about it."""
    if value is ABSENT:
        return ABSENT
    if value is None or value != value:  # NaN
        return Oddity.NULL
    text = value.strip(" ") if isinstance(value, str) else text_of(value)
    if not text:
        return Oddity.NULL
    found = cells.get(text)
    return cells.get(level_of(text), Oddity.UNSEEN) if found is None else found


def _all_usable(values: Sequence[Value]) -> list[float] | None:
    """The values as numbers if every one is finite, as nearly always."""
    try:
        numbers = list(map(float, values))  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return None
    # A NaN or an infinity shows in the sum, which costs less than a look at each.
    return numbers if numbers and abs(sum(numbers)) <= LARGEST and max(map(abs, numbers)) <= LARGEST else None
