"""Means of anything, at any time: asymptotic confidence sequences and the normal mixture.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024 (arXiv:2103.06476). They cover like
the central limit theorem does: from about 100 observations a variant on, and not for rare errors (slipway.stats.rates
is for those). Normal mixture: Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021 (arXiv:1810.08240); exact for
sub-Gaussian sums with a known variance.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from slipway.stats import arguments
from slipway.stats.result import REAL_LINE, Result, p_from

Alternative = Literal["two-sided", "greater", "less"]
LEAST_PER_VARIANT = 100
ASYMPTOTIC = f"asymptotic: fewer than {LEAST_PER_VARIANT} observations in a variant"


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of squares; adds in any order. Centre values whose mean dwarfs their spread beforehand."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Moments":
        seen = list(values)
        for value in seen:
            arguments.finite("values", value)
        return cls(len(seen), math.fsum(seen), math.fsum(value * value for value in seen))

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        if self.n == 0:
            raise ValueError("moments must hold at least 1 value to have a mean")
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Unbiased."""
        if self.n < 2:
            raise ValueError("moments must hold at least 2 values to have a variance")
        return max(0.0, self.squares - self.total * self.total / self.n) / (self.n - 1)


NOTHING = Moments()


def asymptotic_mean(
    moments: Moments, *, alpha: float, planned: int, null: float = 0.0, alternative: Alternative = "two-sided"
) -> Result:
    """H0: mean = null (two-sided), <= null (greater) or >= null (less). `planned`: where the bound is tightest."""
    if moments.n < 2:
        return Result(None, REAL_LINE, None, 1.0, moments.n, (ASYMPTOTIC,))
    error = math.sqrt(moments.variance / moments.n)
    limits = () if moments.n >= LEAST_PER_VARIANT else (ASYMPTOTIC,)
    return asymptotic(
        moments.mean, error, moments.n, alpha=alpha, planned=planned, null=null, alternative=alternative, limits=limits
    )


def asymptotic_difference(
    candidate: Moments,
    baseline: Moments,
    *,
    alpha: float,
    planned: int,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
) -> Result:
    """candidate mean - baseline mean; `planned` counts both variants."""
    n, smaller = candidate.n + baseline.n, min(candidate.n, baseline.n)
    if smaller < 2:
        return Result(None, REAL_LINE, None, 1.0, n, (ASYMPTOTIC,))
    error = math.sqrt(candidate.variance / candidate.n + baseline.variance / baseline.n)
    limits = () if smaller >= LEAST_PER_VARIANT else (ASYMPTOTIC,)
    return asymptotic(
        candidate.mean - baseline.mean,
        error,
        n,
        alpha=alpha,
        planned=planned,
        null=null,
        alternative=alternative,
        limits=limits,
    )


def asymptotic(
    estimate: float,
    standard_error: float,
    n: int,
    *,
    alpha: float,
    planned: int,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    limits: tuple[str, ...] = (),
) -> Result:
    """For any estimate that averages n influence values: pass its standard error."""
    arguments.share("alpha", alpha)
    arguments.at_least("planned", planned, 1)
    arguments.at_least("standard_error", standard_error, 0)
    level = alpha if alternative == "two-sided" else 2 * alpha
    arguments.share("alpha", level)
    rho2 = (-2 * math.log(level) + math.log1p(-2 * math.log(level))) / planned
    if standard_error == 0:
        return Result(estimate, REAL_LINE, None, 1.0, n, (*limits, "no spread among the values: nothing can be tested"))
    z = (estimate - null) / standard_error
    if alternative == "less":
        z = -z
    log_e = normal_mixture(z * math.sqrt(n), n, 1 / rho2, one_sided=alternative != "two-sided")
    interval = _asymptotic_interval(estimate, standard_error, n * rho2, alpha, alternative)
    return Result(estimate, interval, log_e, p_from(log_e), n, limits)


def _asymptotic_interval(
    estimate: float, standard_error: float, x: float, alpha: float, alternative: Alternative
) -> tuple[float, float]:
    """Equations 9 and 134, with x = n rho^2."""
    root = math.sqrt(x + 1)
    two_sided = alternative == "two-sided"
    log_term = math.log(root / alpha) if two_sided else math.log1p(root / (2 * alpha))
    width = standard_error * math.sqrt(2 * (x + 1) / x * log_term)
    low = -math.inf if alternative == "less" else estimate - width
    return (low, math.inf if alternative == "greater" else estimate + width)


def asymptotic_detectable(n: int, share: float, *, alpha: float, planned: int, power: float = 0.8) -> float:
    """The difference of two means, in standard deviations, that a look at n observations finds with that power.

    share: of the observations, one variant's. Looks before that one only add to the power.
    """
    arguments.share("share", share)
    arguments.share("power", power)
    arguments.at_least("n", n, 2)
    error = 1 / math.sqrt(n * share * (1 - share))
    found = asymptotic(0.0, error, n, alpha=alpha, planned=planned)
    return found.interval[1] + NormalDist().inv_cdf(power) * error


def mixture_scale(planned_variance: float, alpha: float) -> float:
    """The `rho` at which the normal mixture's bound is tightest when the sum's variance is `planned_variance`."""
    arguments.positive("planned_variance", planned_variance)
    arguments.share("alpha", alpha)
    doubled = -2 * math.log(alpha)
    return planned_variance / (doubled + math.log1p(doubled))


def normal_mixture(total: float, variance: float, rho: float, *, one_sided: bool = False) -> float:
    """log e-value of a centred sum with known variance; one-sided looks for positive sums only."""
    arguments.at_least("variance", variance, 0)
    arguments.positive("rho", rho)
    log_e = 0.5 * math.log(rho / (variance + rho)) + total * total / (2 * (variance + rho))
    return log_e + math.log(2) + log_normal_cdf(total / math.sqrt(variance + rho)) if one_sided else log_e


def normal_mixture_bound(variance: float, rho: float, alpha: float) -> float:
    """The sum stays within +- this at all times with a probability of at least 1 - alpha."""
    arguments.at_least("variance", variance, 0)
    arguments.positive("rho", rho)
    arguments.share("alpha", alpha)
    return math.sqrt((variance + rho) * (math.log1p(variance / rho) - 2 * math.log(alpha)))


def log_normal_cdf(z: float) -> float:
    """ln Phi(z) without cancellation or underflow."""
    if z > 0:
        return math.log1p(-math.erfc(z / math.sqrt(2)) / 2)
    if z > -8:
        return math.log(math.erfc(-z / math.sqrt(2)) / 2)
    inverse = 1 / (z * z)
    series = 1 - inverse * (1 - 3 * inverse * (1 - 5 * inverse * (1 - 7 * inverse)))
    return -z * z / 2 - math.log(-z) - 0.5 * math.log(2 * math.pi) + math.log(series)
