"""Kayenta's rule against its published behaviour, and its test against scipy's.

Its own suite (spinnaker/kayenta, kayenta-judge/src/test, ClassifierSuite): 30 values around 10 with deviation 2 pass
against as many of the same kind, are Low against values around 20, and values around 20 are High against them; a
direction that does not count the harm passes.
"""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import mannwhitneyu

from bench.calibration.decisions import NEVER
from bench.peers.kayenta import classify, kayenta, shift, standard_score, without_outliers


def sample(mean: float, seed: int, n: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 2.0, n)


@pytest.mark.parametrize(
    ("experiment", "control", "direction", "verdict"),
    [
        (10, 10, "Either", "Pass"),
        (20, 10, "Either", "High"),
        (10, 20, "Either", "Low"),
        (20, 10, "Increase", "High"),
        (10, 20, "Increase", "Pass"),
        (10, 20, "Decrease", "Low"),
        (20, 10, "Decrease", "Pass"),
    ],
)
@pytest.mark.parametrize("confidence", [0.95, 0.98])
def test_the_suites_samples_get_the_suites_verdicts(experiment, control, direction, verdict, confidence) -> None:
    assert classify(sample(experiment, 1), sample(control, 2), confidence, direction) == verdict


def test_data_that_cannot_be_compared_passes_or_is_no_data() -> None:
    values = sample(10, 3)
    assert classify(values, values[::-1], 0.98) == "Pass"
    assert classify(np.zeros(20), np.zeros(30), 0.98) == "Pass"
    assert classify(np.full(5, np.nan), values, 0.98) == "Nodata"


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_the_score_is_the_one_of_scipys_test(digits: int) -> None:
    x, y = np.round(sample(10.5, 4, 60), digits), np.round(sample(10, 5, 45), digits)
    expected = mannwhitneyu(x, y, alternative="two-sided", method="asymptotic", use_continuity=True)
    assert 2 * ndtr(-abs(standard_score(x, y))) == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("digits", [1, 6])
@pytest.mark.parametrize("confidence", [0.95, 0.98])
def test_the_interval_holds_the_shifts_that_scipys_test_does_not_reject(digits: int, confidence: float) -> None:
    x, y = np.round(sample(12, 6, 40), digits), np.round(sample(10, 7, 50), digits)
    low, estimate, high = shift(x, y, confidence)
    assert low < estimate < high

    def p_value(moved: float) -> float:
        return mannwhitneyu(x - moved, y, alternative="two-sided", method="asymptotic").pvalue

    step = 1e-7
    assert p_value(low - step) < 1 - confidence <= p_value(low + step)
    assert p_value(high + step) < 1 - confidence <= p_value(high - step)


def test_outliers_go_only_beyond_the_fence_and_the_percentiles() -> None:
    values = np.arange(1.0, 201.0)
    assert len(without_outliers(np.append(values, 10_000.0))) == 200
    assert len(without_outliers(values)) == 200
    # In a short series the 99th percentile is its largest value.
    assert len(without_outliers(np.append(values[:50], 10_000.0))) == 51


def test_one_failing_metric_of_three_ends_the_canary(hand_made) -> None:
    drift = [100.0, 102.1, 104.2] * 10
    slow = hand_made([1] * 30, latency_ms=[1.3 * value for value in drift])
    fine = hand_made([1] * 30, latency_ms=[100.0] * 30)
    assert kayenta(0.98, repeated=True)(slow).rolled_back.tolist() == [9]
    assert kayenta(0.98, repeated=False)(slow).rolled_back.tolist() == [29]
    assert kayenta(0.98, repeated=True)(fine).rolled_back.tolist() == [NEVER]
