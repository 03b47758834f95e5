"""Mixtures of e-processes over alternatives and over the time the effect began.

For each alternative j the evidence is a product of factors, one a step, each with a mean of at most 1 under the null.
The early part starts at step one. The late part spreads its prior over later starts, so that a fault that begins after
a long good time isn't drowned by it: unstarted mass waits at 1 and a given fraction of it joins after each step.
A stretch of time is an affine map of the evidence before it; `earlier + later` composes two stretches. That is
associative. Swapping stretches leaves the early part as it is, but not the late one, which knows time.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Stands for log 0: a finite number survives strict JSON, and exp() of it is 0 next to anything else.
LOG_ZERO = -1e9


def log_sum(terms: Iterable[float]) -> float:
    """log of the sum of exp(terms)."""
    values = list(terms)
    top = max(values)
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def log_mean(terms: Sequence[float]) -> float:
    return log_sum(terms) - math.log(len(terms))


@dataclass(frozen=True)
class Mixture:
    """Logarithms, all relative to evidence 1 before the stretch.

    early: per alternative, the product of the factors.
    late: per alternative, the sum over later starts of prior mass times the product since that start.
    unstarted: prior mass of the late part that has not started.
    """

    early: tuple[float, ...]
    late: tuple[float, ...]
    unstarted: float

    @classmethod
    def none(cls, alternatives: int) -> "Mixture":
        """Before anything was seen: the neutral element of +."""
        return cls((0.0,) * alternatives, (LOG_ZERO,) * alternatives, 0.0)

    @classmethod
    def step(cls, log_factors: Sequence[float], log_waiting: float = 0.0) -> "Mixture":
        """One step. exp(log_waiting) is the fraction of the unstarted mass that stays unstarted after it."""
        joining = math.log(-math.expm1(log_waiting)) if log_waiting < 0 else LOG_ZERO
        return cls(tuple(log_factors), (joining,) * len(log_factors), log_waiting)

    def __add__(self, later: "Mixture") -> "Mixture":
        if len(self.early) != len(later.early):
            raise ValueError("later must have the same alternatives")
        return Mixture(
            tuple(a + b for a, b in zip(self.early, later.early, strict=True)),
            tuple(
                _log_add(late + gain, self.unstarted + new)
                for late, gain, new in zip(self.late, later.early, later.late, strict=True)
            ),
            self.unstarted + later.unstarted,
        )

    def log_e(self, late_share: float) -> float:
        """log of the e-value with `late_share` of the prior on later starts, equal weights over alternatives."""
        parts = []
        if late_share < 1:
            parts.append(log_mean(self.early) + math.log1p(-late_share))
        if late_share > 0:
            parts.append(_log_add(log_mean(self.late), self.unstarted) + math.log(late_share))
        return log_sum(parts)


def _log_add(a: float, b: float) -> float:
    if max(a, b) < LOG_ZERO / 2:
        return LOG_ZERO
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))
