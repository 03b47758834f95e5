"""Sequential sample-ratio mismatch."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as scipy_stats

from slipway.stats.srm import sample_ratio_mismatch


def test_evidence_is_the_ratio_of_beta_binomial_to_binomial() -> None:
    result = sample_ratio_mismatch((9400, 600), (0.95, 0.05))
    mixture = scipy_stats.betabinom.logpmf(600, 10_000, 50, 950)
    assert result.log_e == pytest.approx(mixture - scipy_stats.binom.logpmf(600, 10_000, 0.05), abs=1e-6)


def test_three_variants_use_the_dirichlet_multinomial() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    counts = (480, 350, 170)
    expected = scipy_stats.dirichlet_multinomial.logpmf(counts, 1000 * shares, 1000)
    expected -= scipy_stats.multinomial.logpmf(counts, 1000, shares)
    assert sample_ratio_mismatch(counts, tuple(shares)).log_e == pytest.approx(expected, abs=1e-6)


def test_a_right_split_seldom_alarms_at_any_of_many_looks_and_a_wrong_one_does() -> None:
    rng = np.random.default_rng(1)
    alarms = {0.05: 0, 0.065: 0}
    for actual in alarms:
        for _ in range(100):
            seen = np.cumsum(rng.binomial(1000, actual, size=30))
            looks = ((1000 * (i + 1) - int(k), int(k)) for i, k in enumerate(seen))
            alarms[actual] += any(sample_ratio_mismatch(look, (0.95, 0.05)).p_value <= 0.001 for look in looks)
    assert alarms[0.05] <= 1
    assert alarms[0.065] >= 98


def test_the_confidence_sequence_holds_the_shares_not_refused() -> None:
    result = sample_ratio_mismatch((940, 60), (0.95, 0.05), alpha=0.05)
    low, high = result.interval
    for share in (low, high):
        edge = sample_ratio_mismatch((940, 60), (1 - share, share), alpha=0.05)
        assert edge.log_e == pytest.approx(math.log(20), abs=1e-6)
    assert low < result.estimate < high


def test_no_requests_decide_nothing() -> None:
    result = sample_ratio_mismatch((0, 0), (0.5, 0.5))
    assert (result.estimate, result.p_value) == (None, 1.0)


def test_a_variant_without_requests_has_an_interval_from_zero() -> None:
    assert sample_ratio_mismatch((5000, 0), (0.5, 0.5)).interval[0] == 0
    assert sample_ratio_mismatch((5000, 0), (0.5, 0.5)).p_value < 1e-9


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: sample_ratio_mismatch((1, 2), (0.5, 0.6)), "shares"),
        (lambda: sample_ratio_mismatch((1, 2, 3), (0.5, 0.5)), "counts"),
        (lambda: sample_ratio_mismatch((1, -2), (0.5, 0.5)), "counts"),
        (lambda: sample_ratio_mismatch((1, 2), (0.5, 0.5), alpha=1), "alpha"),
        (lambda: sample_ratio_mismatch((1, 2), (0.5, 0.5), concentration=0), "concentration"),
        (lambda: sample_ratio_mismatch((1, 2), (0.5, 0.5), variant=2), "variant"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
