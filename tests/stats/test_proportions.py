"""One variant's share against a bound."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from slipway import codec
from slipway.stats.proportions import Proportion, share_interval


def test_evidence_is_the_mean_likelihood_ratio_over_odds() -> None:
    odds = np.array((1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)) * 0.02 / 0.98
    ratios = scipy_stats.binom.pmf(31, 900, odds / (1 + odds)) / scipy_stats.binom.pmf(31, 900, 0.02)
    result = Proportion(0.02, above=True).update(31, 900).result(alpha=0.05)
    assert result.log_e == pytest.approx(math.log(ratios.mean()))


@pytest.mark.parametrize(("above", "hits"), [(True, 25), (False, 1)])
def test_a_share_on_the_wrong_side_is_found(above: bool, hits: int) -> None:
    assert Proportion(0.01, above).update(hits, 1000).result(alpha=0.05).p_value < 0.05
    assert Proportion(0.01, not above).update(hits, 1000).result(alpha=0.05).p_value > 0.9


@pytest.mark.parametrize("above", [True, False])
def test_mean_of_the_e_value_at_the_null_is_exactly_1(above: bool) -> None:
    mean = sum(
        scipy_stats.binom.pmf(k, 60, 0.1) * math.exp(Proportion(0.1, above, k, 60).result(alpha=0.05).log_e)
        for k in range(61)
    )
    assert mean == pytest.approx(1)


def test_interval_is_the_beta_mixtures_level_set() -> None:
    low, high = share_interval(7, 400, 0.05)

    def excess(p: float) -> float:
        mixture = scipy_stats.betabinom.logpmf(7, 400, 0.5, 0.5) - scipy_stats.binom.logpmf(7, 400, p)
        return mixture - math.log(20)

    assert low == pytest.approx(optimize.brentq(excess, 1e-9, 7 / 400))
    assert high == pytest.approx(optimize.brentq(excess, 7 / 400, 0.5))
    assert share_interval(0, 50, 0.05)[0] == 0
    assert share_interval(50, 50, 0.05)[1] == 1
    assert share_interval(0, 0, 0.05) == (0, 1)


def test_states_add_and_survive_the_codec() -> None:
    a, b = Proportion(0.1, True, 3, 20), Proportion(0.1, True, 1, 30)
    assert a + b == b + a == Proportion(0.1, True, 4, 50)
    assert codec.loads(Proportion, codec.dumps(a)) == a


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Proportion(0.0, True), "null"),
        (lambda: Proportion(0.1, True, 3, 2), "hits"),
        (lambda: Proportion(0.1, True).update(-1, 2), "hits"),
        (lambda: Proportion(0.1, True) + Proportion(0.2, True), "other"),
        (lambda: Proportion(0.1, True).result(alpha=0), "alpha"),
        (lambda: share_interval(1, 2, 2), "alpha"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
