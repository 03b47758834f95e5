"""What every test and estimator answers."""

import math
from dataclasses import dataclass

REAL_LINE = (-math.inf, math.inf)


@dataclass(frozen=True)
class Result:
    """One question's answer.

    estimate: the effect in the unit the function names; None if it is not identified or nothing was seen.
    interval: for the estimate, at the level the caller gave; (-inf, inf) or the parameter's range if nothing is known.
    log_e: natural logarithm of the e-value against the null; None where the method has none.
    p_value: against the same null. Always-valid (any number of looks) unless the function says fixed horizon.
    n: observations it rests on.
    limits: what the numbers can't say, a short sentence each.
    """

    estimate: float | None
    interval: tuple[float, float]
    log_e: float | None
    p_value: float
    n: int
    limits: tuple[str, ...] = ()


def p_from(log_e: float) -> float:
    """Markov: under the null an e-value reaches 1/p with a probability of at most p."""
    return min(1.0, math.exp(-max(log_e, 0.0)))
