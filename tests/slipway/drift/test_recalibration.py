"""What scores stand for: the line is the likeliest one, and other rows with the same scores are no drift."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from bench.drift_quality.counting import Counter, Rows
from slipway.drift import recalibration
from slipway.drift.calibration import learn
from slipway.drift.findings import Remedy, Window
from slipway.drift.recalibration import CLEARLY, PRIOR, Group
from tests.slipway.drift.conftest import LEVELS, Change, World, alarming, draw, in_hours

GROUP = st.tuples(st.floats(-16, 16), st.integers(1, 10**6), st.floats(0, 1))
GROUPS = st.lists(GROUP.map(lambda one: Group(one[0], one[1], round(one[1] * one[2]))), min_size=1, max_size=40)


def _cost(line: np.ndarray, groups: list[Group]) -> float:
    at, n, positives = np.array(groups).T
    x = line[1] + line[0] * at
    return float((n * np.logaddexp(0, x) - positives * x).sum() + ((line[0] - 1) ** 2 + line[1] ** 2) / 2 / PRIOR)


@given(GROUPS)
def test_the_line_is_the_likeliest_or_the_scores_stand(groups: list[Group]) -> None:
    line = np.array(recalibration.fit(groups))
    best = optimize.minimize(_cost, [1.0, 0.0], (groups,), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    gain = 2 * (_cost(np.array([1.0, 0.0]), groups) - best.fun)
    if tuple(line) == (1.0, 0.0):
        assert gain <= CLEARLY * 1.001 + 1e-3 or best.x[0] <= 1e-3
    else:
        assert _cost(line, groups) <= best.fun + 1e-6 * abs(best.fun) + 1e-6
        assert gain > CLEARLY * 0.999 - 1e-3 and line[0] > 0


def test_scores_that_are_right_stand() -> None:
    rng, stood = np.random.default_rng(3), 0
    for _ in range(200):
        at = rng.normal(-2, 1.5, 2000)
        labels = rng.random(2000) < special.expit(at)
        stood += recalibration.fit([Group(float(x), 1, int(y)) for x, y in zip(at, labels, strict=True)]) == (1.0, 0.0)
    assert stood >= 199


def test_labels_that_scores_tell_surely_have_a_line_too() -> None:
    slope, intercept = recalibration.fit([Group(-1.0, 5000, 0), Group(1.0, 5000, 5000)])
    assert 5 < slope < 20 and abs(intercept) < 1e-6


def test_scores_that_fall_as_labels_rise_stand() -> None:
    assert recalibration.fit([Group(-1.0, 500, 450), Group(1.0, 500, 50)]) == (1.0, 0.0)


@pytest.mark.parametrize("score", [0.0, 1e-12, 0.3, 1.0])
def test_the_ends_have_log_odds(score: float) -> None:
    assert recalibration.logistic(recalibration.log_odds(score)) == pytest.approx(score, abs=1.1e-7)
    assert recalibration.logistic(-1e9) == 0.0 and recalibration.logistic(1e9) == 1.0


def _weighted(rows: Rows) -> Rows:
    """Scores of a model trained with positives that count five times."""
    assert rows.scores is not None
    return replace(rows, scores=special.expit(special.logit(rows.scores) + np.log(5)))


@pytest.fixture
def weighted() -> World:
    rng = np.random.default_rng(11)
    parts = [_weighted(draw(1000, rng)) for _ in range(24)]
    kinds = ("numbers", "levels", "scores", "labels")
    whole = Rows(*(np.concatenate([getattr(part, kind) for part in parts]) for kind in kinds))
    counter = Counter.of(whole, ["amount", "age", "visits", "colour"], [LEVELS], [0.5, 0.2, 0.2, 0.1])
    return World(counter, learn(counter.reference, in_hours([counter.profile(part) for part in parts])), rng)


def _labelled(world: World, kept: Change, n: int = 8) -> list[Window]:
    """Windows of usual traffic of which some rows get labels."""
    windows = []
    for window in in_hours([world.profile(lambda rows, _: _weighted(rows)) for _ in range(n)]):
        rows = kept(_weighted(draw(4000, world.rng)), world.rng)
        windows.append(replace(window, profile=replace(window.profile, labelled=world.counter.profile(rows).labelled)))
    return windows


def test_the_line_undoes_the_weights(weighted: World) -> None:
    reference = weighted.counter.reference
    assert (reference.slope, reference.intercept) == pytest.approx((1.0, -np.log(5)), abs=0.1)


@pytest.mark.parametrize(
    "kept",
    [
        lambda rows, _: rows.take(rows.scores > 0.7),
        lambda rows, _: rows.take(rows.numbers[:, 0] > 0.5),
        lambda rows, rng: rows.take((rows.levels[:, 0] == 2) | (rng.random(len(rows)) < 0.2)),
    ],
)
def test_labels_of_other_rows_are_neither_concept_nor_policy(weighted: World, kept: Change) -> None:
    assert not alarming(weighted.judge(_labelled(weighted, kept)))


def test_a_policy_is_still_seen_through_weighted_scores(weighted: World) -> None:
    def strict(rows: Rows, rng: np.random.Generator) -> Rows:
        assert rows.labels is not None
        return replace(rows, labels=np.where(rng.random(len(rows)) < 0.2, 0.0, rows.labels))

    drift = weighted.judge(_labelled(weighted, strict))
    assert drift.remedy is Remedy.RELABEL
