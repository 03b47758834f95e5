"""Fixed-horizon tests and planning: one look, at a sample size chosen beforehand.

Looking earlier, or again, breaks the p-values here: slipway.stats.rates, paired and means are for that.
"""

import math
from statistics import NormalDist

from slipway.stats import arguments, student
from slipway.stats.means import Moments
from slipway.stats.rates import Cell
from slipway.stats.result import REAL_LINE, Result
from slipway.stats.search import border

_NORMAL = NormalDist()
ONE_LOOK = "valid for one look at a sample size fixed beforehand"
_LEAST_EXPECTED = 5  # errors and successes a variant, for the normal approximation


def two_proportion(cell: Cell, *, alpha: float) -> Result:
    """H0: equal error rates, two-sided pooled z. Estimate: candidate - baseline; Newcombe's (1998) interval."""
    arguments.share("alpha", alpha)
    n_c, n_b = cell.candidate_requests, cell.baseline_requests
    if n_c == 0 or n_b == 0:
        return Result(None, (-1.0, 1.0), None, 1.0, n_c + n_b, ("one variant had no requests",))
    p_c, p_b = cell.candidate_errors / n_c, cell.baseline_errors / n_b
    pooled = cell.errors / cell.requests
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_c + 1 / n_b))
    p_value = math.erfc(abs(p_c - p_b) / error / math.sqrt(2)) if error else 1.0
    low_c, high_c = wilson(cell.candidate_errors, n_c, alpha)
    low_b, high_b = wilson(cell.baseline_errors, n_b, alpha)
    low = p_c - p_b - math.hypot(p_c - low_c, high_b - p_b)
    high = p_c - p_b + math.hypot(high_c - p_c, p_b - low_b)
    few = min(pooled, 1 - pooled) * min(n_c, n_b) < _LEAST_EXPECTED
    limits = (ONE_LOOK, "too few errors for the normal approximation") if few else (ONE_LOOK,)
    return Result(p_c - p_b, (low, high), None, p_value, n_c + n_b, limits)


def wilson(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    arguments.at_least("n", n, 1)
    arguments.part("hits", hits, n)
    arguments.share("alpha", alpha)
    z = _critical(alpha, two_sided=True)
    share, z2 = hits / n, z * z / n
    centre = share + z2 / 2
    width = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n))
    return (max(0.0, (centre - width) / (1 + z2)), min(1.0, (centre + width) / (1 + z2)))


def welch(candidate: Moments, baseline: Moments, *, alpha: float) -> Result:
    """H0: equal means, two-sided, unequal variances. Estimate: candidate - baseline."""
    arguments.share("alpha", alpha)
    n = candidate.n + baseline.n
    if min(candidate.n, baseline.n) < 2:
        return Result(None, REAL_LINE, None, 1.0, n, ("fewer than 2 values in a variant",))
    v_c, v_b = candidate.variance / candidate.n, baseline.variance / baseline.n
    difference, error = candidate.mean - baseline.mean, math.sqrt(v_c + v_b)
    if error == 0:
        return Result(difference, REAL_LINE, None, 1.0, n, ("no spread among the values: nothing can be tested",))
    degrees = (v_c + v_b) ** 2 / (v_c**2 / (candidate.n - 1) + v_b**2 / (baseline.n - 1))
    width = error * student.quantile(1 - alpha / 2, degrees)
    p_value = student.two_sided_p(difference / error, degrees)
    return Result(difference, (difference - width, difference + width), None, p_value, n, (ONE_LOOK,))


def sample_size(
    baseline_rate: float,
    candidate_rate: float,
    *,
    alpha: float,
    power: float,
    ratio: float = 1.0,
    two_sided: bool = False,
) -> int:
    """Candidate requests that a z test of two proportions needs; the baseline gets `ratio` times as many."""
    _planning(baseline_rate, candidate_rate, alpha, ratio)
    arguments.share("power", power)
    null, real = _errors(baseline_rate, candidate_rate, ratio)
    sum_of_z = _critical(alpha, two_sided) * null + _NORMAL.inv_cdf(power) * real
    return max(1, math.ceil((max(0.0, sum_of_z) / (candidate_rate - baseline_rate)) ** 2))


def power(
    baseline_rate: float, candidate_rate: float, n: int, *, alpha: float, ratio: float = 1.0, two_sided: bool = False
) -> float:
    """Probability that the test `sample_size` plans finds the difference with n candidate requests."""
    _planning(baseline_rate, candidate_rate, alpha, ratio)
    arguments.at_least("n", n, 1)
    null, real = _errors(baseline_rate, candidate_rate, ratio)
    distance = abs(candidate_rate - baseline_rate) * math.sqrt(n)
    return _NORMAL.cdf((distance - _critical(alpha, two_sided) * null) / real)


def minimum_detectable_effect(
    baseline_rate: float, n: int, *, alpha: float, power: float, ratio: float = 1.0, two_sided: bool = False
) -> float | None:
    """Smallest rise of the rate that n candidate requests detect with that power; None if no rise is enough."""
    arguments.share("baseline_rate", baseline_rate)
    arguments.share("power", power)

    def missed(rise: float) -> bool:
        rate = baseline_rate + rise
        return sample_size(baseline_rate, rate, alpha=alpha, power=power, ratio=ratio, two_sided=two_sided) > n

    least, most = 1e-9 * (1 - baseline_rate), (1 - 1e-9) * (1 - baseline_rate)
    return None if missed(most) else border(missed, least, most)


def information_limit(baseline_rate: float, candidate_rate: float, alpha: float) -> float:
    """Candidate requests below which no test that holds alpha can detect, on average: ln(1/alpha) / KL.

    Wald 1945; with the baseline's rate known, so it is a bound for any share. A sequential test needs a small multiple
    (bench/efficiency.py measures it).
    """
    _planning(baseline_rate, candidate_rate, alpha, 1.0)
    return -math.log(alpha) / divergence(candidate_rate, baseline_rate)


def divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats."""
    arguments.share("p", p)
    arguments.share("q", q)
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def _planning(baseline_rate: float, candidate_rate: float, alpha: float, ratio: float) -> None:
    arguments.share("baseline_rate", baseline_rate)
    arguments.share("candidate_rate", candidate_rate)
    arguments.share("alpha", alpha)
    arguments.positive("ratio", ratio)
    if candidate_rate == baseline_rate:
        raise ValueError("candidate_rate must differ from baseline_rate")


def _errors(baseline_rate: float, candidate_rate: float, ratio: float) -> tuple[float, float]:
    """Standard error of the difference for one candidate request: under equal rates, and as the rates are."""
    pooled = (candidate_rate + ratio * baseline_rate) / (1 + ratio)
    null = math.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio))
    return null, math.sqrt(candidate_rate * (1 - candidate_rate) + baseline_rate * (1 - baseline_rate) / ratio)


def _critical(alpha: float, two_sided: bool) -> float:
    return _NORMAL.inv_cdf(1 - alpha / 2 if two_sided else 1 - alpha)
