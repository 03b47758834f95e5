"""Lift from logged decisions: brute force, coverage on known truth, and refusals."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import codec
from slipway.stats.selective import Decision, Lift

TERMS = {"alpha": 0.05, "planned": 3000}


def world(rng: np.random.Generator, n: int, *, model: bool = True, floor: float = 0.1) -> list[Decision]:
    """Acting pays x - .4 on average, x uniform. The candidate acts over .4 (mostly), the baseline over .7.

    True lift: .8 * (integral of x - .4 over .4 to .7) = .036.
    """
    decisions = []
    for x in rng.random(n):
        act = min(max(x, floor), 1 - floor)
        action = int(rng.random() < act)
        reward = float(rng.normal(x - 0.4, 0.3)) if action else 0.0
        decisions.append(
            Decision(
                action,
                reward,
                (1 - act, act),
                (0.1, 0.9) if x > 0.4 else (0.9, 0.1),
                (0.1, 0.9) if x > 0.7 else (0.9, 0.1),
                (0.0, x - 0.4) if model else (),
            )
        )
    return decisions


def gather(decisions: list[Decision]) -> Lift:
    state = Lift()
    for decision in decisions:
        state = state.update(decision)
    return state


def test_estimators_agree_with_brute_force() -> None:
    rows = world(np.random.default_rng(1), 1500)
    state = gather(rows)
    e = np.array([d.logged[d.action] for d in rows])
    u = np.array([d.candidate[d.action] for d in rows]) / e
    v = np.array([d.baseline[d.action] for d in rows]) / e
    r = np.array([d.reward for d in rows])
    n = len(rows)

    def width(result: object) -> float:
        return (result.interval[1] - result.interval[0]) / 2

    ips = state.ips(**TERMS)
    assert ips.estimate == pytest.approx(np.mean((u - v) * r))

    snips = state.snips(**TERMS)
    c, b = np.average(r, weights=u), np.average(r, weights=v)
    assert snips.estimate == pytest.approx(c - b)
    influence = u * (r - c) / u.mean() - v * (r - b) / v.mean()
    error = {"ips": np.std((u - v) * r, ddof=1) / math.sqrt(n), "snips": np.sqrt(np.mean(influence**2) / n)}
    assert width(snips) / width(ips) == pytest.approx(error["snips"] / error["ips"])

    q = np.array([d.predicted for d in rows])
    taken = q[np.arange(n), [d.action for d in rows]]
    pi = np.array([d.candidate for d in rows]) - np.array([d.baseline for d in rows])
    phi = (pi * q).sum(axis=1) + (u - v) * (r - taken)
    dr = state.dr(**TERMS)
    assert dr.estimate == pytest.approx(phi.mean())
    assert width(dr) / width(ips) == pytest.approx(np.std(phi, ddof=1) / math.sqrt(n) / error["ips"])
    assert state.effective_sample_sizes == pytest.approx((u.sum() ** 2 / (u**2).sum(), v.sum() ** 2 / (v**2).sum()))


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
def test_each_estimator_covers_the_true_lift(estimator: str) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(25):
        low, high = getattr(gather(world(rng, 600)), estimator)(**TERMS).interval
        covered += low <= 0.036 <= high
    assert covered >= 22


def test_doubly_robust_is_right_with_a_wrong_model_and_sharper_with_a_right_one() -> None:
    rows = world(np.random.default_rng(3), 3000)
    wrong = [Decision(d.action, d.reward, d.logged, d.candidate, d.baseline, (0.0, 0.5)) for d in rows]
    sharp, blunt = gather(rows).dr(**TERMS), gather(world(np.random.default_rng(3), 3000, model=False)).dr(**TERMS)
    low, high = gather(wrong).dr(**TERMS).interval
    assert low <= 0.036 <= high
    assert sharp.interval[1] - sharp.interval[0] < blunt.interval[1] - blunt.interval[0]


def test_without_a_model_doubly_robust_is_inverse_propensity() -> None:
    state = gather(world(np.random.default_rng(4), 500, model=False))
    assert state.dr(**TERMS).estimate == pytest.approx(state.ips(**TERMS).estimate)


def test_a_naive_comparison_would_have_been_wrong() -> None:
    """Mean reward of rows where the log agrees with each policy: biased, because acting was likelier at high x."""
    rows = world(np.random.default_rng(5), 6000)
    naive = [
        np.mean([d.reward for d in rows if d.action == int(np.argmax(policy(d)))])
        for policy in (lambda d: d.candidate, lambda d: d.baseline)
    ]
    assert abs(naive[0] - naive[1] - 0.036) > 3 * abs(gather(rows).dr(**TERMS).estimate - 0.036)


def test_a_rule_the_log_never_followed_is_not_identified() -> None:
    never = Decision(0, 1.0, (1.0, 0.0), (0.2, 0.8), (1.0, 0.0))
    state = gather([never] * 500)
    for result in (state.ips(**TERMS), state.snips(**TERMS), state.dr(**TERMS)):
        assert result.estimate is None
        assert result.p_value == 1
        assert "never logged" in result.limits[0]


def test_poor_overlap_is_refused_with_the_reason() -> None:
    rng = np.random.default_rng(6)
    rows = [Decision(int(rng.random() < 0.01), 1.0, (0.99, 0.01), (0.0, 1.0), (1.0, 0.0)) for _ in range(2000)]
    result = gather(rows).dr(**TERMS)
    assert result.estimate is None
    assert result.limits[0].startswith("poor overlap")


def test_heavy_weights_are_named() -> None:
    heavy = Decision(1, 1.0, (0.97, 0.03), (0.0, 1.0), (1.0, 0.0))
    rows = [*world(np.random.default_rng(7), 2000), heavy]
    assert gather(rows).dr(**TERMS).limits == ("heaviest weight 33",)


def test_nothing_logged_is_refused() -> None:
    assert Lift().dr(**TERMS).estimate is None


@given(st.integers(0, 30), st.integers(0, 30))
def test_states_add_in_any_order_and_survive_the_codec(a: int, b: int) -> None:
    rows = world(np.random.default_rng(8), a + b)
    x, y = gather(rows[:a]), gather(rows[a:])
    whole = gather(rows)
    for merged in (x + y, y + x):
        assert merged.firsts == pytest.approx(whole.firsts)
        assert merged.seconds == pytest.approx(whole.seconds)
        assert merged.doubly_robust.squares == pytest.approx(whole.doubly_robust.squares)
    assert codec.loads(Lift, codec.dumps(whole)) == whole


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Decision(2, 0.0, (0.5, 0.5), (1, 0), (0, 1)), "action"),
        (lambda: Decision(0, math.nan, (0.5, 0.5), (1, 0), (0, 1)), "reward"),
        (lambda: Decision(0, 0.0, (0.5, 0.6), (1, 0), (0, 1)), "logged"),
        (lambda: Decision(0, 0.0, (0.0, 1.0), (1, 0), (0, 1)), "logged"),
        (lambda: Decision(0, 0.0, (0.5, 0.5), (1, 0, 0), (0, 1)), "candidate"),
        (lambda: Decision(0, 0.0, (0.5, 0.5), (1, 0), (math.nan, 1)), "baseline"),
        (lambda: Decision(0, 0.0, (0.5, 0.5), (1, 0), (0, 1), (1.0,)), "predicted"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
