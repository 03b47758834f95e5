"""Means of outcomes that are known for some: simulated selection, with the truth at hand."""

import math
import random
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import codec
from slipway.stats.means import Moments
from slipway.stats.weighted import Weighted

CASES = st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.05, 1))


def drawn(
    rng: random.Random,
    cases: int,
    *,
    effect: float = 0.3,
    floor: float = 0.05,
    model: float = 1.0,
    arrived: float = 1.0,
) -> tuple[Weighted, float]:
    """Cases whose outcome is known the likelier the greater it tends to be; and the mean of all outcomes.

    model: how much of what can be known the model knows; arrived: the share of outcomes that have come so far.
    """
    total, truth = Weighted(), 0.0
    for _ in range(cases):
        z = rng.gauss(0, 1)
        x = effect + z + rng.gauss(0, 0.5)
        chance, expected = max(floor, min(1.0, 1 / (1 + math.exp(-2 * z)))), model * (effect + z)
        total += Weighted(expected=Moments.of([expected]))
        if rng.random() < chance * arrived:
            total += Weighted.of(x, expected, chance)
        truth += x / cases
    return total, truth


@pytest.mark.parametrize("model", [1.0, 0.0, -1.0], ids=["good model", "no model", "wrong model"])
def test_all_three_find_the_mean_that_the_known_ones_miss(model: float) -> None:
    seen, truth = drawn(random.Random(1), 20_000, model=model)
    assert seen.wx / seen.known > truth  # of which the plain mean is nothing
    for mean, error in (seen.ips(), seen.snips(), seen.dr()):
        assert abs(mean - truth) < 4 * error < 0.3


def test_a_good_model_makes_it_precise() -> None:
    seen, _ = drawn(random.Random(2), 10_000)
    assert seen.dr()[1] < 0.6 * seen.snips()[1] < seen.ips()[1]


def test_outcomes_that_are_late_do_not_bias_the_doubly_robust_mean() -> None:
    seen, truth = drawn(random.Random(3), 20_000, model=0.5, arrived=0.3)
    assert abs(seen.dr()[0] - truth) < 4 * seen.dr()[1]
    assert abs(seen.ips()[0] - truth) > 10 * seen.ips()[1]


def test_the_errors_are_those_of_repeated_draws() -> None:
    rng = random.Random(4)
    draws = [drawn(rng, 300, model=0.7) for _ in range(120)]
    for estimator in (Weighted.ips, Weighted.snips, Weighted.dr):
        z = [(estimator(seen)[0] - 0.3) / estimator(seen)[1] for seen, _ in draws]
        assert 0.8 < math.sqrt(sum(value * value for value in z) / len(z)) < 1.3


def test_its_intervals_hold_at_every_look() -> None:
    rng, missed = random.Random(5), 0
    for _ in range(30):
        seen = Weighted()
        for _ in range(5):
            seen += drawn(rng, 250)[0]
            low, high = seen.result(alpha=0.1, planned=1000).interval
            if not low <= 0.3 <= high:
                missed += 1
                break
    assert missed <= 6


def test_poor_overlap_is_refused_with_the_reason() -> None:
    few = reduce(Weighted.__add__, [Weighted.of(1.0, 0.0, 1.0) for _ in range(1000)])
    seen = few + Weighted.of(1.0, 0.0, 0.001) + Weighted(expected=Moments(3000, 0.0, 3000.0))
    result = seen.result(alpha=0.05, planned=1000)
    assert (result.estimate, result.p_value) == (None, 1.0)
    assert result.limits == ("poor overlap: 1001 labels weigh as much as 4",)


def test_weights_that_stand_for_more_than_there_is_are_refused() -> None:
    seen = reduce(Weighted.__add__, [Weighted.of(1.0, 0.0, 0.2) for _ in range(400)])
    (limit,) = (seen + Weighted(expected=Moments(500, 0.0, 1.0))).result(alpha=0.05, planned=1000).limits
    assert limit == "wrong propensities: 400 labels stand for 2,000 of 500 cases"


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.1, math.nan])
def test_a_propensity_that_is_none_is_an_error(propensity: float) -> None:
    with pytest.raises(ValueError, match="propensity"):
        Weighted.of(1.0, 0.0, propensity)


@settings(max_examples=40)
@given(st.lists(CASES, max_size=8), st.randoms(use_true_random=False))
def test_order_and_grouping_do_not_matter(cases: list[tuple[float, float, float]], rng: random.Random) -> None:
    parts = [Weighted.of(*case) + Weighted(expected=Moments.of([case[1]])) for case in cases]
    total = sum(parts, Weighted())
    cut = rng.randrange(len(parts) + 1)
    for again in (
        sum(rng.sample(parts, len(parts)), Weighted()),
        sum(parts[:cut], Weighted()) + sum(parts[cut:], Weighted()),
    ):
        assert codec.encode(again)["expected"] == pytest.approx(codec.encode(total)["expected"])
        assert [v for k, v in vars(again).items() if k != "expected"] == pytest.approx(
            [v for k, v in vars(total).items() if k != "expected"]
        )
    assert codec.loads(Weighted, codec.dumps(total)) == total
