"""The yardstick a window is counted by: a model package's features, their cells, and its operating threshold.

Cells are cut at the quantiles of the training data, so a shift anywhere moves counts. Every engine counts by the same
`Reference`; profiles of different references are never added.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.drift import recalibration


class Kind(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True)
class Feature:
    """One column of a request, in order.

    edges: ascending interior cuts of a number; a value v falls into cell `bisect_right(edges, v)`.
    levels: the known values of a category, as text; any other one is unseen.
    integral: every training value is a whole number. importance: share of the model's total gain, 0 if unknown.
    """

    name: str
    kind: Kind = Kind.NUMBER
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    integral: bool = False
    importance: float = 0.0

    def __post_init__(self) -> None:
        if any(not math.isfinite(edge) for edge in self.edges) or list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges: {self.name} needs finite, ascending, distinct cuts")
        if len(set(self.levels)) != len(self.levels):
            raise ValueError(f"levels: {self.name} names one twice")

    @property
    def cells(self) -> int:
        return len(self.edges) + 1 if self.kind is Kind.NUMBER else len(self.levels)

    def cell(self, value: float) -> int:
        """The cell of a finite number."""
        return bisect_right(self.edges, value)


@dataclass(frozen=True)
class Reference:
    """id: digest of what follows; package: the model package whose training data this is.

    scores: cuts of the model's answers, as of a number. threshold: a score from there on is a positive decision.
    slope, intercept: of the label's log-odds on the score's; 1 and 0 where scores are taken as they are.
    """

    id: str
    package: str
    features: tuple[Feature, ...]
    scores: Feature
    threshold: float = 0.5
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("features: a name stands twice")

    @property
    def recalibrated(self) -> bool:
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def line(self) -> str:
        """What scores stand for, in words."""
        return f"log-odds of {self.intercept:.3g} + {self.slope:.3g} times the score's"

    def probability(self, score: float) -> float:
        """Of a positive label, as the baseline's labels have it; score: within [0, 1]."""
        if not self.recalibrated:
            return score
        return recalibration.logistic(self.intercept + self.slope * recalibration.log_odds(score))


def text_of(value: Any) -> str:
    """A category's value as text: 3 and 3.0 are the same level."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
