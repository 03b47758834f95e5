"""Student's t distribution, from the regularised incomplete beta function."""

import math

from slipway.stats import arguments
from slipway.stats.search import border

_TINY = 1e-300
_MOST_TERMS = 10_000


def cdf(t: float, degrees: float) -> float:
    """P(T <= t)."""
    arguments.positive("degrees", degrees)
    tail = incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
    return tail if t < 0 else 1 - tail


def two_sided_p(t: float, degrees: float) -> float:
    """P(|T| >= |t|), exact in the far tail."""
    arguments.positive("degrees", degrees)
    return incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def quantile(probability: float, degrees: float) -> float:
    """The t with P(T <= t) = probability."""
    arguments.share("probability", probability)
    tail = 2 * min(probability, 1 - probability)
    high = 1.0
    while two_sided_p(high, degrees) > tail:
        high *= 2
    size = border(lambda t: two_sided_p(t, degrees) > tail, 0.0, high)
    return size if probability > 0.5 else -size


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), regularised, by Lentz's evaluation of its continued fraction (DLMF 8.17.22)."""
    arguments.fraction("x", x)
    arguments.positive("a", a)
    arguments.positive("b", b)
    if x in (0.0, 1.0):
        return float(x)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...))."""
    value, c, d = 1.0, 1.0, 0.0
    for i in range(1, _MOST_TERMS):
        m, odd = divmod(i, 2)
        if odd:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at {x}, {a}, {b}")
