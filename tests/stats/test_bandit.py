"""Adaptive allocation against quadrature, and what the floor is for."""

import math
import random
from collections.abc import Callable
from itertools import product

import pytest
from scipy import integrate
from scipy import stats as scipy_stats

from slipway import codec
from slipway.stats.bandit import Arm, PolicyValue, floored, probability_best, thompson, top_two
from slipway.stats.means import Moments

ARMS = [Arm(30, 270), Arm(41, 259), Arm(12, 80)]


def _exact(i: int) -> float:
    posteriors = [scipy_stats.beta(arm.successes + 1, arm.failures + 1) for arm in ARMS]
    others = [p for j, p in enumerate(posteriors) if j != i]
    return integrate.quad(lambda x: posteriors[i].pdf(x) * math.prod(p.cdf(x) for p in others), 0, 0.6)[0]


def test_probability_best_agrees_with_quadrature() -> None:
    estimates = probability_best(ARMS, random.Random(1), draws=20_000)
    assert sum(estimates) == pytest.approx(1)
    for i, estimate in enumerate(estimates):
        assert estimate == pytest.approx(_exact(i), abs=4 * 0.5 / math.sqrt(20_000))


def test_the_same_seed_gives_the_same_shares() -> None:
    assert thompson(ARMS, random.Random(3)) == thompson(ARMS, random.Random(3))


def test_no_arm_falls_under_the_floor_and_shares_sum_to_1() -> None:
    hopeless = [Arm(0, 5000), Arm(2500, 2500), Arm(2400, 2600)]
    for allocate in (thompson, top_two):
        shares = allocate(hopeless, random.Random(1), floor=0.05)
        assert min(shares) >= 0.05 - 1e-12
        assert sum(shares) == pytest.approx(1)


def test_top_two_follows_its_formula_and_keeps_a_challenger() -> None:
    best = probability_best(ARMS, random.Random(2))
    shares = top_two(ARMS, random.Random(2), floor=0.0)
    for i, a in enumerate(best):
        expected = a * (0.5 + 0.5 * sum(b / (1 - b) for j, b in enumerate(best) if j != i))
        assert shares[i] == pytest.approx(expected)
    assert top_two([Arm(0, 5000), Arm(5000, 0)], random.Random(2), floor=0.0) == [0.5, 0.5]


def test_arms_add_and_survive_the_codec() -> None:
    assert Arm(1, 2) + Arm(3, 4) == Arm(4, 6)
    assert codec.loads(Arm, codec.dumps(Arm(1, 2))) == Arm(1, 2)


def test_thompson_sampling_sends_most_traffic_to_the_better_arm() -> None:
    rng = random.Random(5)
    arms, sent = [Arm(), Arm()], [0, 0]
    for _ in range(60):
        shares = thompson(arms, rng, draws=200)
        for _ in range(30):
            i = int(rng.random() < shares[1])
            won = rng.random() < (0.1, 0.3)[i]
            arms[i], sent[i] = arms[i] + Arm(int(won), int(not won)), sent[i] + 1
    assert sent[1] > 0.75 * sum(sent)
    assert sent[0] > 0.03 * sum(sent)


def test_a_policys_value_is_the_mean_of_its_values_whatever_the_controls_and_lies_above_minus_reach() -> None:
    """Exact: one of three arms, logged with unequal shares, rewards of 0 or 1."""
    logged, policy, rates = (0.05, 0.35, 0.6), (0.5, 0.5, 0.0), (0.3, 0.8, 0.1)
    value = PolicyValue(heaviest=10.0, reach=2.0)
    controls = (0.0, 0.2, 0.1)
    expected = math.fsum(p * c for p, c in zip(policy, controls, strict=True))
    mean = growth = 0.0
    truth = math.fsum(p * r for p, r in zip(policy, rates, strict=True))
    for arm, reward in product(range(3), (0, 1)):
        chance = logged[arm] * (rates[arm] if reward else 1 - rates[arm])
        one = value.value(policy[arm] / logged[arm], reward, controls[arm], expected)
        assert one >= -value.reach
        mean += chance * one
        growth += chance * math.exp(value.bets(truth).update([one]).log_e)
    assert mean == pytest.approx(truth)
    assert growth == pytest.approx(1), "an e-value at the edge of the null"


def test_a_good_policys_value_is_shown_to_be_above_a_bad_ones() -> None:
    rng, value = random.Random(7), PolicyValue(heaviest=20.0)
    seen = []
    for _ in range(4000):
        mine = rng.random() < 0.05
        seen.append(value.value(20.0 if mine else 0.0, float(rng.random() < 0.6) if mine else 0.0))
    assert value.bets(0.3).update(seen).log_e > math.log(20)
    bound = value.at_least(Moments.of(seen), alpha=0.05)
    assert 0.3 < bound < 0.6


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: PolicyValue(heaviest=0.5), "heaviest"),
        (lambda: PolicyValue(heaviest=2.0, reach=0.0), "reach"),
        (lambda: PolicyValue(heaviest=2.0).value(3.0, 1.0), "weight"),
        (lambda: PolicyValue(heaviest=2.0).value(1.0, 1.5), "reward"),
        (lambda: PolicyValue(heaviest=2.0).value(1.0, 1.0, control=0.6), "control"),
        (lambda: PolicyValue(heaviest=2.0).value(1.0, 1.0, expected=0.6), "expected"),
        (lambda: PolicyValue(heaviest=2.0).bets(1.5), "null"),
        (lambda: PolicyValue(heaviest=2.0).at_least(Moments(), alpha=0.0), "alpha"),
        (lambda: Arm(-1, 0), "successes"),
        (lambda: Arm(0, -1), "failures"),
        (lambda: probability_best([Arm()], random.Random(1)), "arms"),
        (lambda: probability_best(ARMS, random.Random(1), draws=0), "draws"),
        (lambda: floored([0.5, 0.5], 0.6), "floor"),
        (lambda: top_two(ARMS, random.Random(1), leader=1.0), "leader"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
