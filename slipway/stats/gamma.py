"""The gamma distribution's upper tail, from the regularised incomplete gamma function."""

import math

from slipway.stats import arguments

_TINY = 1e-300
_MOST_TERMS = 10_000


def upper(shape: float, x: float) -> float:
    """P(G >= x) of a gamma variable of unit scale, relatively exact in the far tail (DLMF 8.7.1 and 8.9.2).

    For shapes up to some thousands: the number of terms grows with the root of the shape.
    """
    arguments.positive("shape", shape)
    if x <= 0:
        return 1.0
    front = shape * math.log(x) - x - math.lgamma(shape)
    return math.exp(front) * _fraction(shape, x) if x > shape + 1 else 1 - math.exp(front) * _series(shape, x)


def _series(shape: float, x: float) -> float:
    """The lower tail's: sum of x^n / (shape (shape + 1) ... (shape + n))."""
    term = total = 1 / shape
    for n in range(1, _MOST_TERMS):
        term *= x / (shape + n)
        total += term
        if term < total * 1e-16:
            return total
    raise ArithmeticError(f"the incomplete gamma function did not converge at {shape}, {x}")


def _fraction(shape: float, x: float) -> float:
    """The upper tail's continued fraction, by Lentz's method."""
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value = d
    for n in range(1, _MOST_TERMS):
        term = -n * (n - shape)
        b += 2
        d = 1 / ((term * d + b) or _TINY)
        c = (b + term / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete gamma function did not converge at {shape}, {x}")
