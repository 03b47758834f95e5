"""Asymptotic confidence sequences and the normal mixture. Vectors marked ville: ville 0.1.0."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from slipway.stats.means import (
    Moments,
    asymptotic,
    asymptotic_detectable,
    asymptotic_difference,
    asymptotic_mean,
    log_normal_cdf,
    mixture_scale,
    normal_mixture,
    normal_mixture_bound,
)

values = st.lists(st.floats(-100, 100), max_size=20)


@given(values, values, values)
def test_moments_add_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = Moments.of(a), Moments.of(b), Moments.of(c)
    both, other = (x + y) + z, z + (y + x)
    assert (both.n, both.total, both.squares) == pytest.approx((other.n, other.total, other.squares), abs=1e-6)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50))
def test_moments_give_mean_and_variance(seen: list[float]) -> None:
    moments = Moments.of(seen)
    assert moments.mean == pytest.approx(np.mean(seen), abs=1e-9)
    assert moments.variance == pytest.approx(np.var(seen, ddof=1), abs=1e-6)


def test_normal_mixture_bounds_agree_with_ville() -> None:
    assert normal_mixture_bound(10, 7, 0.05) == pytest.approx(10.81383612)
    assert normal_mixture_bound(1000, 7, 0.05) == pytest.approx(105.057162)
    assert normal_mixture(9.67960451, 10, 7, one_sided=True) == pytest.approx(math.log(20), abs=1e-6)
    assert normal_mixture(98.19875284, 1000, 7, one_sided=True) == pytest.approx(math.log(20), abs=1e-6)


def test_normal_mixture_is_the_integral_over_normal_means() -> None:
    total, variance, rho = 12.0, 40.0, 5.0
    means = np.linspace(-8, 8, 400_001)
    prior = scipy_stats.norm.pdf(means, scale=rho**-0.5)
    lift = np.exp(means * total - means**2 * variance / 2)
    step = means[1] - means[0]
    assert normal_mixture(total, variance, rho) == pytest.approx(math.log(np.sum(prior * lift) * step), abs=1e-6)
    half = 2 * np.sum((prior * lift)[means > 0]) * step
    assert normal_mixture(total, variance, rho, one_sided=True) == pytest.approx(math.log(half), abs=1e-4)


def test_mixture_scale_makes_the_bound_nearly_tightest_where_planned() -> None:
    chosen = normal_mixture_bound(500, mixture_scale(500, 0.05), 0.05)
    best = min(normal_mixture_bound(500, rho, 0.05) for rho in np.geomspace(1, 5000, 400))
    assert chosen <= best * 1.005


@pytest.mark.parametrize("z", [-40.0, -12.0, -8.0001, -7.9999, -3.0, 0.0, 0.5, 9.0, 30.0])
def test_log_normal_cdf_agrees_with_scipy_in_both_tails(z: float) -> None:
    assert log_normal_cdf(z) == pytest.approx(scipy_stats.norm.logcdf(z), rel=3e-6, abs=1e-300)


def test_interval_and_p_value_agree_about_the_null() -> None:
    for alternative in ("two-sided", "greater", "less"):
        low, high = asymptotic(0.3, 0.1, 800, alpha=0.05, planned=500, alternative=alternative).interval
        edge = high if alternative == "less" else low
        at_edge = asymptotic(0.3, 0.1, 800, alpha=0.05, planned=500, null=edge, alternative=alternative)
        # Equation 134's closed form is a little wider than the exact one-sided mixture, never narrower.
        assert at_edge.p_value <= 0.05 + 1e-9
        assert at_edge.p_value > (0.05 - 1e-9 if alternative == "two-sided" else 0.035)


def test_asymptotic_interval_covers_skewed_means_at_all_looks() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        moments, good = Moments(), True
        for _ in range(20):
            moments = moments + Moments.of(rng.exponential(size=150))
            low, high = asymptotic_mean(moments, alpha=0.05, planned=1500).interval
            good = good and low <= 1 <= high
        covered += good
    assert covered >= scipy_stats.binom.ppf(0.001, 200, 0.95)


def test_two_sample_difference_is_found_and_signed() -> None:
    rng = np.random.default_rng(4)
    candidate, baseline = Moments.of(rng.normal(0.3, 1, 900)), Moments.of(rng.normal(0, 2, 1200))
    up = asymptotic_difference(candidate, baseline, alpha=0.05, planned=2000, alternative="greater")
    down = asymptotic_difference(candidate, baseline, alpha=0.05, planned=2000, alternative="less")
    assert up.p_value < 0.05 < down.p_value
    assert up.interval[1] == math.inf
    assert down.interval[0] == -math.inf


def test_small_samples_and_constant_values_say_so() -> None:
    assert asymptotic_mean(Moments.of([1, 2, 3]), alpha=0.05, planned=100).limits
    constant = asymptotic_mean(Moments.of([2.0] * 200), alpha=0.05, planned=100, null=1)
    assert constant.p_value == 1
    assert constant.limits
    assert asymptotic_mean(Moments.of([2.0]), alpha=0.05, planned=100).estimate is None


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: asymptotic(0, 1, 10, alpha=0, planned=10), "alpha"),
        (lambda: asymptotic(0, 1, 10, alpha=0.6, planned=10, alternative="greater"), "alpha"),
        (lambda: asymptotic(0, 1, 10, alpha=0.05, planned=0), "planned"),
        (lambda: asymptotic(0, -1, 10, alpha=0.05, planned=10), "standard_error"),
        (lambda: normal_mixture(0, -1, 1), "variance"),
        (lambda: normal_mixture_bound(1, 0, 0.05), "rho"),
        (lambda: mixture_scale(0, 0.05), "planned_variance"),
        (lambda: Moments().mean, "moments"),
        (lambda: Moments.of([1]).variance, "moments"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()


def test_a_detectable_difference_is_detected_with_its_power() -> None:
    rng, n, share = np.random.default_rng(9), 40_000, 0.3
    size = asymptotic_detectable(n, share, alpha=0.05, planned=100_000, power=0.7)
    error = math.sqrt(1 / (n * share) + 1 / (n * (1 - share)))
    looks = (asymptotic(rng.normal(size, error), error, n, alpha=0.05, planned=100_000) for _ in range(2000))
    assert sum(look.p_value <= 0.05 for look in looks) / 2000 == pytest.approx(0.7, abs=0.04)
