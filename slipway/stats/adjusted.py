"""Sharper or less biased means from what else is known: covariates, label delays, model predictions.

CUPED (Deng, Xu, Kohavi & Walker 2013); inverse weighting by the delay distribution for late positive labels;
prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan & Zrnic 2023; power-tuned, arXiv:2311.01453).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from slipway.stats import arguments
from slipway.stats.means import ASYMPTOTIC, LEAST_PER_VARIANT, NOTHING, Alternative, Moments, asymptotic
from slipway.stats.result import REAL_LINE, Result


@dataclass(frozen=True)
class Covaried:
    """Moments of an outcome y, a companion x and their product. Adds in any order."""

    y: Moments = NOTHING
    x: Moments = NOTHING
    products: float = 0.0

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> "Covaried":
        """Pairs (y, x)."""
        seen = list(pairs)
        products = math.fsum(y * x for y, x in seen)
        return cls(Moments.of([y for y, _ in seen]), Moments.of([x for _, x in seen]), products)

    def __add__(self, other: "Covaried") -> "Covaried":
        return Covaried(self.y + other.y, self.x + other.x, self.products + other.products)

    @property
    def n(self) -> int:
        return self.y.n

    @property
    def covariance(self) -> float:
        """Unbiased."""
        arguments.at_least("n", self.n, 2)
        return (self.products - self.y.total * self.x.total / self.n) / (self.n - 1)

    def residual_variance(self, slope: float) -> float:
        """Variance of y - slope x."""
        return max(0.0, self.y.variance - 2 * slope * self.covariance + slope * slope * self.x.variance)


def cuped(
    candidate: Covaried,
    baseline: Covaried,
    *,
    alpha: float,
    planned: int,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
) -> Result:
    """Difference of means, candidate - baseline, less what a covariate from before the release explains."""
    n, smaller = candidate.n + baseline.n, min(candidate.n, baseline.n)
    if smaller < 2:
        return Result(None, REAL_LINE, None, 1.0, n, (ASYMPTOTIC,))
    slope = _pooled_slope(candidate, baseline)
    difference = candidate.y.mean - baseline.y.mean - slope * (candidate.x.mean - baseline.x.mean)
    variance = candidate.residual_variance(slope) / candidate.n + baseline.residual_variance(slope) / baseline.n
    limits = (ASYMPTOTIC,) if smaller < LEAST_PER_VARIANT else ()
    return asymptotic(
        difference,
        math.sqrt(variance),
        n,
        alpha=alpha,
        planned=planned,
        null=null,
        alternative=alternative,
        limits=limits,
    )


def _pooled_slope(candidate: Covaried, baseline: Covaried) -> float:
    arms = (candidate, baseline)
    spread = math.fsum((arm.n - 1) * arm.x.variance for arm in arms)
    return math.fsum((arm.n - 1) * arm.covariance for arm in arms) / spread if spread else 0.0


@dataclass(frozen=True)
class Cohort:
    """Predictions of the same age: `positives` of `n` labelled positive so far.

    arrived: the probability that a positive label has arrived by this age, from history.
    """

    positives: int
    n: int
    arrived: float

    def __post_init__(self) -> None:
        arguments.part("positives", self.positives, self.n)
        if not 0 < self.arrived <= 1:
            raise ValueError(f"arrived must lie above 0 and be at most 1, not {self.arrived!r}")


def delayed_positives(cohorts: Iterable[Cohort], *, least_arrived: float = 0.2) -> Moments:
    """Moments of the eventual label: each positive seen stands for 1 / arrived. Younger cohorts are left out.

    For `asymptotic_mean` and `asymptotic_difference`; least_arrived=1 uses matured cohorts only. The delay is taken as
    known and as the same in both variants.
    """
    arguments.fraction("least_arrived", least_arrived)
    moments = Moments()
    for cohort in cohorts:
        if cohort.arrived >= least_arrived:
            weighted = cohort.positives / cohort.arrived
            moments += Moments(cohort.n, weighted, weighted / cohort.arrived)
    return moments


def prediction_powered_mean(
    labelled: Covaried,
    unlabelled: Moments,
    *,
    alpha: float,
    planned: int,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
) -> Result:
    """Mean of y from few labels and many predictions: `labelled` has (label, prediction), `unlabelled` predictions.

    Labelled rows must be a random sample of all. Predictions may be poor: they only help as far as they correlate.
    """
    n = labelled.n
    if n < 2 or unlabelled.n < 2:
        return Result(None, REAL_LINE, None, 1.0, n, (ASYMPTOTIC,))
    spread = (1 + n / unlabelled.n) * labelled.x.variance
    trust = min(max(labelled.covariance / spread, 0.0), 1.0) if spread else 0.0
    estimate = labelled.y.mean + trust * (unlabelled.mean - labelled.x.mean)
    variance = trust * trust * unlabelled.variance / unlabelled.n + labelled.residual_variance(trust) / n
    return asymptotic(
        estimate,
        math.sqrt(variance),
        n,
        alpha=alpha,
        planned=planned,
        null=null,
        alternative=alternative,
        limits=(ASYMPTOTIC,) if n < LEAST_PER_VARIANT else (),
    )
