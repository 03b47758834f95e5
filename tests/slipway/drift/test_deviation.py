"""P-values of means and distribution functions, with and without variance between windows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slipway.drift.deviation import Deviation, Spread, kolmogorov


@given(st.floats(0.01, 8), st.floats(0.001, 10))
def test_without_variance_between_windows_it_is_the_normal_test(z: float, variance: float) -> None:
    p = Deviation(z * math.sqrt(variance), variance).p_value
    assert p == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)


@pytest.mark.parametrize("mean", [1e-4, 1e-3, 0.02, 0.1])
@pytest.mark.parametrize(("n", "seen"), [(1, 1), (3, 1), (3, 2), (20, 1), (20, 2), (1000, 1), (1000, 2)])
def test_an_event_or_two_where_hardly_any_is_due_are_as_rare_as_they_are(mean: float, n: int, seen: int) -> None:
    p = mean / n
    found = Deviation((seen - mean) / n, p * (1 - p) / n, third=p * (1 - p) * (1 - 2 * p) / n**2).p_value
    assert found > stats.binom.sf(seen - 1, n, p) / 8


@pytest.mark.parametrize("skewness", [0.99, 1.01])
@pytest.mark.parametrize("z", [0.5, 2, 5, 10])
def test_the_tails_of_few_and_of_many_events_meet(skewness: float, z: float) -> None:
    shape = 4 / skewness**2
    expected = min(1.0, 2 * stats.gamma.sf(shape + z * math.sqrt(shape), shape))
    assert expected / 1.1 < Deviation(z, 1.0, third=skewness).p_value < 3 * expected


@pytest.mark.parametrize(("mean", "seen"), [(0.1, 2), (1, 6), (10, 26), (10, 30), (100, 151)])
def test_rare_counts_have_about_poissons_tail_and_not_the_normals(mean: float, seen: int) -> None:
    n = 100_000
    p = Deviation(seen / n - mean / n, mean / n**2, third=mean / n**3).p_value / 2
    assert stats.poisson.sf(seen - 1, mean) / 3 < p < 8 * stats.poisson.sf(seen - 1, mean)


def test_a_variance_known_from_few_windows_is_judged_by_students_t() -> None:
    assert Deviation(5, 0, 1, degrees=6).p_value == pytest.approx(2 * stats.t.sf(5, 6), rel=1e-9)


@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(0, 2), st.floats(2, 50), st.floats(-3, 3))
def test_a_larger_deviation_is_never_less_significant(
    a: float, b: float, between: float, degrees: float, third: float
) -> None:
    small, large = (Deviation(v, 1.0, between, degrees, third).p_value for v in sorted((a, b)))
    assert large <= small * (1 + 1e-9)


@given(st.floats(0.01, 5), st.floats(0, 1), st.floats(3, 40))
def test_variance_between_windows_never_makes_an_alarm_of_none(value: float, between: float, degrees: float) -> None:
    assert Deviation(value, 0.1, between, degrees).p_value >= Deviation(value, 0.1).p_value * (1 - 1e-9)


@pytest.mark.parametrize("windows", [1, 2, 7, 32])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_the_mean_of_correlated_windows_varies_as_an_autoregression_does(windows: int, correlation: float) -> None:
    lags = np.abs(np.subtract.outer(np.arange(windows), np.arange(windows)))
    assert Spread(2.0, correlation).over(windows) == pytest.approx(2 * (correlation**lags).mean())


@pytest.mark.parametrize("x", [0.5, 1.0, 1.6, 2.5])
def test_a_distance_has_kolmogorovs_tail(x: float) -> None:
    assert kolmogorov(x / 30, 1 / 900, 0.0, 1e6) == pytest.approx(stats.kstwobign.sf(x), rel=1e-6)


def test_a_distance_is_conservative_against_the_exact_test() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=400), rng.normal(0.3, 1, size=300)
    exact = stats.ks_2samp(a, b, method="exact")
    assert kolmogorov(float(exact.statistic), 1 / 400 + 1 / 300, 0.0, 1e6) >= exact.pvalue


def test_nothing_moved_is_no_evidence() -> None:
    assert Deviation(0.0, 0.0).p_value == 1.0 == kolmogorov(0.0, 0.01, 0.0, 10)
