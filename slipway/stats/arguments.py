"""Checks at the library's edge: each raises ValueError naming the argument."""

import math
from collections.abc import Sequence


def share(name: str, value: float) -> None:
    """Strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, not {value!r}")


def fraction(name: str, value: float) -> None:
    """Between 0 and 1, ends allowed."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, not {value!r}")


def positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, not {value!r}")


def finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, not {value!r}")


def at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}")


def within(name: str, value: float, low: float, high: float) -> None:
    """Between low and high, ends allowed."""
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low} and {high}, not {value!r}")


def part(name: str, value: int, whole: int) -> None:
    """A count out of `whole`."""
    if not 0 <= value <= whole:
        raise ValueError(f"{name} must lie between 0 and {whole}, not {value!r}")


def shares(name: str, values: Sequence[float]) -> None:
    """At least two positive numbers that sum to 1."""
    if not (len(values) >= 2 and min(values) > 0 and abs(math.fsum(values) - 1) <= 1e-9):
        raise ValueError(f"{name} must be two or more positive shares that sum to 1, not {tuple(values)!r}")
