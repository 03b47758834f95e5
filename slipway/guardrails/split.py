"""Mean losses of two variants of which each request met one.

That takes some hundred times as many labels as pairs do. Labels come late, and the early ones may be special
(chargebacks take weeks), so variants are compared step by step: in a step the weights are constant, so both variants'
requests are of the same minutes and the same age. Then the steps' differences are averaged.
"""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

from slipway.pairsums import ArmSums, PairSums
from slipway.stats.means import asymptotic

MARGIN = 0.01  # the least part of the baseline's loss to tolerate: variants meet slightly different requests
LEAST_OF_A_CLASS = 20  # labels of either value
PLANNED = 20_000  # labels


class Mean(NamedTuple):
    """An estimate, its squared standard error, and the labels it rests on."""

    value: float
    squared_error: float
    n: int


Pair = tuple[Mean, Mean]  # baseline, candidate


def enough(positives: int, n: int, least: int = 2) -> bool:
    """Whether a mean loss over n labels, some of them positive, is about normal: not while one class is rare in it."""
    return n >= max(2, least) and min(positives, n - positives) >= LEAST_OF_A_CLASS


def comparable(steps: Collection[PairSums], mean: Callable[[ArmSums], Mean | None]) -> list[Pair]:
    """The steps in which the means of both variants are known."""
    both = ((mean(step.baseline), mean(step.candidate)) for step in steps)
    return [(b, c) for b, c in both if b and c]


def log_e(steps: Collection[Pair], margin: float, alpha: float, *, worse: bool) -> float:
    """For the candidate's mean being above (or else below) 1 + margin times the baseline's.

    The steps count by the candidate's labels in them.
    """
    labels = sum(c.n for _, c in steps)
    if not labels:
        return 0.0
    weights = [c.n / labels for _, c in steps]
    pairs = list(zip(weights, steps, strict=True))
    mean = math.fsum(weight * (c.value - (1 + margin) * b.value) for weight, (b, c) in pairs)
    variance = math.fsum(
        weight**2 * (c.squared_error + (1 + margin) ** 2 * b.squared_error) for weight, (b, c) in pairs
    )
    n, sign = labels + sum(b.n for b, _ in steps), 1 if worse else -1
    found = asymptotic(sign * mean, math.sqrt(variance), n, alpha=alpha, planned=PLANNED, alternative="greater")
    return found.log_e or 0.0
