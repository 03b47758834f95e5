"""Boosted e-values (Wang & Ramdas 2022, arXiv:2009.02824), for errors that fall to one of two variants.

A likelihood ratio cut off at `clip` has a mean under the null well below 1. What the cut takes away can be given back
to the values below it: min(boost * ratio, clip), with the largest boost that leaves the mean at 1. Given the sum of
both variants' errors, the candidate's part is binomial if errors are rare among requests.
"""

import math

_NEGLIGIBLE = 1e-12
_MANY = 1000  # errors of a cell, beyond which there is next to nothing to give back


def log_boost(errors: int, theta: float, multiple: float, clip: float) -> float:
    """log of the boost, from 0 to log clip, of the ratio of two binomials for the candidate's part of `errors`.

    theta: chance under the null that an error is the candidate's; multiple: by which the alternative raises its odds.
    multiple and clip are above 1.
    """
    if errors > _MANY or not 0 < theta < 1:
        return 0.0
    worse = multiple * theta / (1 + (multiple - 1) * theta)
    per_error, none = math.log(multiple), errors * math.log1p((multiple - 1) * theta)
    k = math.floor((math.log(clip) + none) / per_error) + 1  # the least count that the clip cuts off, unboosted
    if k > errors:
        return 0.0
    null_tail, worse_tail = _tail(errors, k, theta), _tail(errors, k, worse)
    while (below := 1 - worse_tail) > _NEGLIGIBLE:
        # Right if it is the tail from k on that this boost cuts off; else the tail is longer.
        boost = math.log((1 - clip * null_tail) / below)
        if boost + (k - 1) * per_error - none < math.log(clip):
            return min(boost, math.log(clip))
        k -= 1
        null_tail += _binomial(errors, k, theta)
        worse_tail += _binomial(errors, k, worse)
    return math.log(clip)


def _tail(n: int, k: int, p: float) -> float:
    """P(Binomial(n, p) >= k)."""
    term = total = _binomial(n, k, p)
    for j in range(k, n):
        term *= (n - j) / (j + 1) * p / (1 - p)
        total += term
        if j > n * p and term < _NEGLIGIBLE * total:
            break
    return total


def _binomial(n: int, k: int, p: float) -> float:
    choices = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(choices + k * math.log(p) + (n - k) * math.log1p(-p))
