"""Betting tests: wealth by brute force, type I error, power, and the empirical-Bernstein interval."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from slipway import codec
from slipway.stats.means import Moments
from slipway.stats.paired import (
    LOG_LOSS_BOUND,
    Bets,
    Randomised,
    bernstein_interval,
    log_loss,
    paired_bets,
)

ALPHA = 0.05
lists = st.lists(st.floats(-1, 1), max_size=12)


def start(above: bool = True, null: float = 0.0) -> Bets:
    return Bets.start(low=-1, high=1, bets=(0.05, 0.2, 5.0), null=null, above=above)


@given(lists, lists, lists)
def test_wealth_merges_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = (start().update(part) for part in (a, b, c))
    for merged in ((x + y) + z, z + (x + y), start().update([*c, *a, *b])):
        assert merged.log_wealth == pytest.approx(((x + y) + z).log_wealth, abs=1e-9)
        assert merged.moments.n == len(a) + len(b) + len(c)


@given(lists, st.booleans())
def test_wealth_is_the_product_of_the_bets(values: list[float], above: bool) -> None:
    sign, state = (1 if above else -1), start(above, null=0.1)
    [log_e] = [state.update(values).result(alpha=ALPHA).log_e]
    wealth = [math.prod(1 + sign * bet * (value - 0.1) for value in values) for bet in state.bets]
    assert math.exp(log_e) == pytest.approx(np.mean(wealth))


def test_state_survives_the_codec() -> None:
    state = start().update([0.5, -0.25])
    assert codec.loads(Bets, codec.dumps(state)) == state


def test_bets_never_stake_the_whole_wealth_on_one_value() -> None:
    worst = start().update([-1.0] * 3)
    assert min(worst.log_wealth) == pytest.approx(3 * math.log(0.1))


@pytest.mark.parametrize("above", [True, False])
def test_mean_of_the_e_value_under_the_null_is_at_most_1_by_simulation(above: bool) -> None:
    rng = np.random.default_rng(3)
    draws = rng.choice([-0.1, 0.9], p=[0.9, 0.1], size=(3000, 40))
    values = np.array([math.exp(start(above).update(row).result(alpha=ALPHA).log_e) for row in draws])
    assert values.mean() <= 1 + 3 * values.std() / math.sqrt(len(values))


def test_a_null_candidate_is_seldom_rejected_at_any_look() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(150):
        state, hit = Bets.start(low=-1, high=1, bets=(0.05, 0.2, 0.8)), False
        for _ in range(40):
            state = state.update(rng.uniform(-1, 1, 25))
            hit = hit or state.result(alpha=ALPHA).p_value <= ALPHA
        rejected += hit
    assert rejected <= scipy_stats.binom.ppf(0.999, 150, ALPHA)


def test_a_small_rise_of_the_paired_loss_is_found_and_its_absence_is_shown() -> None:
    rng = np.random.default_rng(7)
    bets = paired_bets(baseline_loss=0.2, variance=0.01)
    bad = Bets.start(low=-LOG_LOSS_BOUND, high=LOG_LOSS_BOUND, bets=bets).update(rng.normal(0.01, 0.1, 6000))
    good = Bets.start(low=-LOG_LOSS_BOUND, high=LOG_LOSS_BOUND, bets=bets, null=0.01, above=False)
    assert bad.result(alpha=ALPHA).p_value < ALPHA
    assert good.update(rng.normal(0, 0.1, 6000)).result(alpha=ALPHA).p_value < ALPHA


@given(st.floats(0.05, 0.95), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_randomised_value_averages_to_the_difference(share: float, centre: float, c: float, b: float) -> None:
    split = Randomised(share, 1.0, centre)
    mean = share * split.value(True, c) + (1 - share) * split.value(False, b)
    assert mean == pytest.approx(c - b, abs=1e-9)
    for value in (split.value(True, c), split.value(False, b)):
        assert split.low - 1e-9 <= value <= split.high + 1e-9


def test_an_unpaired_regression_is_found() -> None:
    rng = np.random.default_rng(11)
    split = Randomised(0.5, 1.0, 0.1)
    arms = rng.random(4000) < 0.5
    losses = rng.random(4000) < np.where(arms, 0.2, 0.1)
    state = Bets.start(low=split.low, high=split.high, bets=(0.05, 0.1, 0.3))
    state = state.update(split.value(bool(a), float(loss)) for a, loss in zip(arms, losses, strict=True))
    result = state.result(alpha=ALPHA)
    assert result.p_value < ALPHA
    assert result.estimate == pytest.approx(0.1, abs=0.03)


def test_bernstein_interval_covers_at_all_looks_and_narrows() -> None:
    rng = np.random.default_rng(13)
    covered, width = 0, 0.0
    for _ in range(200):
        moments, good = Moments(), True
        for _ in range(20):
            moments = moments + Moments.of(rng.beta(2, 18, 200))
            low, high = bernstein_interval(moments, low=0, high=1, guess=0.2, alpha=ALPHA)
            good, width = good and low <= 0.1 <= high, high - low
        covered += good
    assert covered >= scipy_stats.binom.ppf(0.001, 200, 1 - ALPHA)
    assert width < 0.05


def test_log_loss_is_bounded() -> None:
    assert log_loss(0.0, 1) == pytest.approx(-math.log(0.01))
    assert log_loss(0.0, 1) - log_loss(1.0, 1) == pytest.approx(LOG_LOSS_BOUND)
    assert log_loss(0.3, 0) == pytest.approx(-math.log(0.7))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Bets.start(low=0, high=1, bets=(0.1,), null=1), "null"),
        (lambda: Bets.start(low=-1, high=1, bets=(0.1, -0.1)), "bets"),
        (lambda: Bets.start(low=-1, high=1, bets=()), "bets"),
        (lambda: start().update([1.5]), "values"),
        (lambda: start().update([math.nan]), "values"),
        (lambda: start().update([0.5, math.nan]), "values"),
        (lambda: start() + start(above=False), "other"),
        (lambda: paired_bets(baseline_loss=0, variance=1), "baseline_loss"),
        (lambda: paired_bets(baseline_loss=1, variance=0), "variance"),
        (lambda: Randomised(0, 1, 0.5), "share"),
        (lambda: Randomised(0.5, 1, 2), "centre"),
        (lambda: Randomised(0.5, 1, 0.5).value(True, 3), "loss"),
        (lambda: log_loss(1.2, 1), "probability"),
        (lambda: log_loss(0.2, 2), "label"),
        (lambda: bernstein_interval(Moments(), low=0, high=1, guess=0, alpha=0.1), "guess"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()


def test_the_largest_and_smallest_values_of_a_randomised_loss_lie_in_its_range() -> None:
    for share in (0.05, 0.3, 1 / 3, 0.7):
        split = Randomised(share=share, most=LOG_LOSS_BOUND, centre=0.017)
        values = [split.value(arm, loss) for arm in (True, False) for loss in (0.0, LOG_LOSS_BOUND)]
        bets = Bets.start(low=split.low, high=split.high, bets=(0.01,))
        assert bets.update(values).moments.n == 4
