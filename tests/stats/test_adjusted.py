"""CUPED, delayed labels and prediction-powered means on known truths."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import codec
from slipway.stats.adjusted import Cohort, Covaried, cuped, delayed_positives, prediction_powered_mean
from slipway.stats.means import Moments, asymptotic_difference, asymptotic_mean

TERMS = {"alpha": 0.05, "planned": 2000}


def _width(result: object) -> float:
    return result.interval[1] - result.interval[0]


def _arm(rng: np.random.Generator, lift: float, n: int = 1500) -> np.ndarray:
    x = rng.normal(5, 2, n)
    return np.column_stack([x + lift + rng.normal(0, 0.5, n), x])


def test_cuped_is_the_regression_adjusted_difference() -> None:
    rng = np.random.default_rng(1)
    a, b = _arm(rng, 0.2), _arm(rng, 0.0)
    result = cuped(Covaried.of(map(tuple, a)), Covaried.of(map(tuple, b)), **TERMS)
    centred = [arm - arm.mean(axis=0) for arm in (a, b)]
    slope = sum((c[:, 0] * c[:, 1]).sum() for c in centred) / sum((c[:, 1] ** 2).sum() for c in centred)
    residual = [arm[:, 0] - slope * arm[:, 1] for arm in (a, b)]
    plain = asymptotic_difference(Moments.of(residual[0]), Moments.of(residual[1]), **TERMS)
    assert result.estimate == pytest.approx(plain.estimate)
    assert result.interval == pytest.approx(plain.interval)


def test_cuped_narrows_the_interval_and_finds_what_the_plain_difference_does_not() -> None:
    rng = np.random.default_rng(2)
    a, b = _arm(rng, 0.12), _arm(rng, 0.0)
    adjusted = cuped(Covaried.of(map(tuple, a)), Covaried.of(map(tuple, b)), **TERMS)
    plain = asymptotic_difference(Moments.of(a[:, 0]), Moments.of(b[:, 0]), **TERMS)
    assert _width(adjusted) < 0.4 * _width(plain)
    assert adjusted.p_value < 0.05 < plain.p_value


def test_a_constant_covariate_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.2, 1, 300), rng.normal(0, 1, 300)
    adjusted = cuped(Covaried.of((y, 1.0) for y in a), Covaried.of((y, 1.0) for y in b), **TERMS)
    plain = asymptotic_difference(Moments.of(a), Moments.of(b), **TERMS)
    assert adjusted.estimate == pytest.approx(plain.estimate)


def test_late_positives_are_weighted_to_the_eventual_rate() -> None:
    rng = np.random.default_rng(4)
    estimates, covered = [], 0
    for _ in range(200):
        cohorts = [
            Cohort(int(rng.binomial(800, 0.05 * arrived)), 800, arrived) for arrived in (0.1, 0.3, 0.6, 0.9, 1.0)
        ]
        result = asymptotic_mean(delayed_positives(cohorts), **TERMS)
        estimates.append(result.estimate)
        covered += result.interval[0] <= 0.05 <= result.interval[1]
        assert result.n == 3200
    assert np.mean(estimates) == pytest.approx(0.05, abs=4 * np.std(estimates) / math.sqrt(200))
    assert covered >= 185


def test_matured_cohorts_alone_are_the_plain_rate() -> None:
    cohorts = [Cohort(3, 100, 0.4), Cohort(9, 100, 1.0), Cohort(6, 200, 1.0)]
    moments = delayed_positives(cohorts, least_arrived=1)
    assert (moments.n, moments.mean) == (300, pytest.approx(0.05))


def test_moments_of_delayed_positives_are_those_of_the_weighted_labels() -> None:
    moments = delayed_positives([Cohort(2, 5, 0.5), Cohort(1, 3, 0.8)])
    assert moments == Moments.of([2, 2, 0, 0, 0, 1.25, 0, 0])


def _labelled(rng: np.random.Generator, n: int, noise: float) -> list[tuple[float, float]]:
    truth = rng.normal(1.0, 1.0, n)
    return [(float(y), float(0.8 * y + 3 + rng.normal(0, noise))) for y in truth]


def test_prediction_power_covers_the_mean_and_is_sharper_with_good_predictions() -> None:
    rng, covered, ratio = np.random.default_rng(5), 0, []
    for _ in range(100):
        labels = Covaried.of(_labelled(rng, 200, 0.2))
        unlabelled = Moments.of(f for _, f in _labelled(rng, 5000, 0.2))
        powered = prediction_powered_mean(labels, unlabelled, **TERMS)
        covered += powered.interval[0] <= 1.0 <= powered.interval[1]
        ratio.append(_width(powered) / _width(asymptotic_mean(labels.y, **TERMS)))
    assert covered >= 93
    assert np.mean(ratio) < 0.6


def test_useless_predictions_do_no_harm() -> None:
    rng = np.random.default_rng(6)
    labels = Covaried.of((float(y), float(rng.normal())) for y in rng.normal(1, 1, 400))
    unlabelled = Moments.of(rng.normal(50, 1, 5000))
    powered, plain = prediction_powered_mean(labels, unlabelled, **TERMS), asymptotic_mean(labels.y, **TERMS)
    assert _width(powered) <= 1.01 * _width(plain)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=8), st.integers(0, 8))
def test_states_add_in_any_order_and_survive_the_codec(pairs: list[tuple[float, float]], cut: int) -> None:
    a, b, whole = Covaried.of(pairs[:cut]), Covaried.of(pairs[cut:]), Covaried.of(pairs)
    for merged in (a + b, b + a):
        assert merged.products == pytest.approx(whole.products, abs=1e-9)
        assert merged.n == whole.n
    assert codec.loads(Covaried, codec.dumps(whole)) == whole


def test_too_few_values_are_refused() -> None:
    one = Covaried.of([(1.0, 2.0)])
    assert cuped(one, one, **TERMS).estimate is None
    assert prediction_powered_mean(one, Moments.of([1, 2]), **TERMS).estimate is None


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Cohort(3, 2, 0.5), "positives"),
        (lambda: Cohort(1, 2, 0), "arrived"),
        (lambda: delayed_positives([], least_arrived=2), "least_arrived"),
        (lambda: Covaried.of([(1.0, math.inf)]), "values"),
        (lambda: Covaried.of([(1.0, 1.0)]).covariance, "n "),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
