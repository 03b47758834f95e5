"""Boosted likelihood ratios against scipy's binomial."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from slipway.stats.boost import log_boost
from slipway.stats.rates import WORSE, Cell, log_factors


@given(st.integers(0, 400), st.floats(0.001, 0.9), st.floats(1.1, 20.0), st.floats(1.5, 50.0))
def test_a_boosted_ratio_has_a_mean_of_one_under_the_null_or_as_near_as_the_clip_lets_it(
    errors: int, theta: float, multiple: float, clip: float
) -> None:
    boost = log_boost(errors, theta, multiple, clip)
    ratios = [k * math.log(multiple) - errors * math.log1p((multiple - 1) * theta) for k in range(errors + 1)]
    null = scipy_stats.binom.pmf(range(errors + 1), errors, theta)
    mean = sum(p * math.exp(min(r + boost, math.log(clip))) for p, r in zip(null, ratios, strict=True))
    assert mean <= 1 + 1e-9
    if 0 < boost < math.log(clip) * (1 - 1e-9):
        assert mean == pytest.approx(1)


def test_what_the_clip_does_not_touch_is_not_boosted() -> None:
    assert log_boost(3, 0.05, 1.25, 20.0) == 0.0


def test_errors_without_number_cost_no_time() -> None:
    assert log_boost(1_000_000, 0.05, 4.0, 3.0) == 0.0


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.4])
@pytest.mark.parametrize("clip", [3.0, 20.0])
def test_a_clipped_minute_gains_nothing_on_average_at_any_error_rate(rate: float, clip: float) -> None:
    """Both variants fail at the same rate, independently; exact sum over what a small minute can show.

    The boost takes errors for Poisson counts; in as few requests as here, that may cost a ten-thousandth a minute.
    """
    n_c, n_b = 15, 60
    candidate = scipy_stats.binom.pmf(range(n_c + 1), n_c, rate)
    baseline = scipy_stats.binom.pmf(range(n_b + 1), n_b, rate)
    means = [0.0] * len(WORSE)
    for c, p in enumerate(candidate):
        for b, q in enumerate(baseline):
            gains = log_factors(Cell(c, n_c, b, n_b), 1.0, WORSE, clip)
            means = [mean + p * q * math.exp(gain) for mean, gain in zip(means, gains, strict=True)]
    assert max(means) <= 1 + 1e-4
