"""Fixed-horizon tests and planning against scipy and statsmodels."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from scipy import stats as scipy_stats
from statsmodels.stats import proportion as sm

from slipway.stats import fixed, student
from slipway.stats.means import Moments
from slipway.stats.rates import Cell


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.1, 5000), st.floats(0.1, 5000))
def test_incomplete_beta_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert student.incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-7, abs=1e-11)


@given(st.floats(-50, 50), st.floats(1, 1e5))
def test_student_distribution_agrees_with_scipy(t: float, degrees: float) -> None:
    assert student.cdf(t, degrees) == pytest.approx(scipy_stats.t.cdf(t, degrees), rel=1e-6, abs=1e-12)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1, 1e5))
def test_student_quantile_agrees_with_scipy(probability: float, degrees: float) -> None:
    assert student.quantile(probability, degrees) == pytest.approx(
        scipy_stats.t.ppf(probability, degrees), rel=1e-6, abs=1e-8
    )


def test_two_proportion_agrees_with_statsmodels() -> None:
    result = fixed.two_proportion(Cell(43, 1200, 60, 2800), alpha=0.05)
    _, p_value = sm.proportions_ztest([43, 60], [1200, 2800])
    interval = sm.confint_proportions_2indep(43, 1200, 60, 2800, method="newcomb", compare="diff", alpha=0.05)
    assert result.p_value == pytest.approx(p_value)
    assert result.interval == pytest.approx(interval)
    assert result.estimate == pytest.approx(43 / 1200 - 60 / 2800)


def test_wilson_agrees_with_statsmodels() -> None:
    for hits, n in ((0, 10), (3, 17), (17, 17)):
        assert fixed.wilson(hits, n, 0.1) == pytest.approx(
            sm.proportion_confint(hits, n, alpha=0.1, method="wilson"), abs=1e-12
        )


def test_welch_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 2, 40), rng.normal(0.2, 0.5, 300)
    result = fixed.welch(Moments.of(a), Moments.of(b), alpha=0.05)
    oracle = scipy_stats.ttest_ind(a, b, equal_var=False)
    assert result.p_value == pytest.approx(oracle.pvalue, rel=1e-6)
    assert result.interval == pytest.approx(tuple(oracle.confidence_interval(0.95)), rel=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 19.0])
@pytest.mark.parametrize("two_sided", [True, False])
def test_sample_size_agrees_with_statsmodels_and_reaches_its_power(ratio: float, two_sided: bool) -> None:
    n = fixed.sample_size(0.005, 0.01, alpha=0.01, power=0.9, ratio=ratio, two_sided=two_sided)
    assert fixed.power(0.005, 0.01, n, alpha=0.01, ratio=ratio, two_sided=two_sided) >= 0.9
    assert fixed.power(0.005, 0.01, n - 1, alpha=0.01, ratio=ratio, two_sided=two_sided) < 0.9
    if ratio == 1:
        # statsmodels' formula pools the variances in the same way for equal groups.
        oracle = sm.samplesize_proportions_2indep_onetail(
            0.005, 0.005, 0.9, ratio=1, alpha=0.005 if two_sided else 0.01, alternative="larger"
        )
        assert n == pytest.approx(oracle, rel=0.005)


def test_power_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(2)
    n, runs = 2000, 20_000
    candidate, baseline = rng.binomial(n, 0.03, runs) / n, rng.binomial(2 * n, 0.02, runs) / (2 * n)
    pooled = (candidate + 2 * baseline) / 3
    z = (candidate - baseline) / np.sqrt(pooled * (1 - pooled) * 1.5 / n)
    found = np.mean(z > scipy_stats.norm.ppf(0.95))
    assert fixed.power(0.02, 0.03, n, alpha=0.05, ratio=2) == pytest.approx(found, abs=0.02)


def test_the_minimum_detectable_effect_needs_just_its_sample_size() -> None:
    effect = fixed.minimum_detectable_effect(0.005, 4000, alpha=0.05, power=0.8, ratio=19)
    assert fixed.sample_size(0.005, 0.005 + effect, alpha=0.05, power=0.8, ratio=19) == 4000
    assert fixed.minimum_detectable_effect(0.9, 3, alpha=0.001, power=0.99) is None


def test_the_information_limit_is_wald_s() -> None:
    expected = math.log(20) / scipy_stats.entropy([0.01, 0.99], [0.005, 0.995])
    assert fixed.information_limit(0.005, 0.01, 0.05) == pytest.approx(expected)


def test_few_errors_and_empty_variants_say_so() -> None:
    assert len(fixed.two_proportion(Cell(1, 20, 0, 30), alpha=0.05).limits) == 2
    assert fixed.two_proportion(Cell(0, 20, 0, 30), alpha=0.05).p_value == 1
    assert fixed.two_proportion(Cell(0, 0, 0, 30), alpha=0.05).estimate is None
    assert fixed.welch(Moments.of([1]), Moments.of([1, 2]), alpha=0.05).estimate is None
    assert fixed.welch(Moments.of([1, 1]), Moments.of([2, 2]), alpha=0.05).p_value == 1


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: fixed.two_proportion(Cell(0, 1, 0, 1), alpha=0), "alpha"),
        (lambda: fixed.wilson(1, 0, 0.05), "n "),
        (lambda: fixed.sample_size(0, 0.1, alpha=0.05, power=0.8), "baseline_rate"),
        (lambda: fixed.sample_size(0.1, 0.1, alpha=0.05, power=0.8), "candidate_rate"),
        (lambda: fixed.sample_size(0.1, 0.2, alpha=0.05, power=1), "power"),
        (lambda: fixed.sample_size(0.1, 0.2, alpha=0.05, power=0.8, ratio=0), "ratio"),
        (lambda: fixed.power(0.1, 0.2, 0, alpha=0.05), "n "),
        (lambda: fixed.minimum_detectable_effect(0.1, 10, alpha=0.05, power=2), "power"),
        (lambda: fixed.divergence(0, 0.5), "p "),
        (lambda: student.cdf(1, 0), "degrees"),
        (lambda: student.quantile(1, 3), "probability"),
        (lambda: student.incomplete_beta(2, 1, 1), "x "),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
