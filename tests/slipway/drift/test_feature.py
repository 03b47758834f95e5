"""Features and scores: silence, small shifts, and faults by their names."""

import time
from dataclasses import replace

import numpy as np
import pytest

from bench.drift_quality.counting import Rows
from slipway.drift.findings import Cause, Remedy, Settings, TwoSample, Window
from slipway.drift.profile import Profile
from slipway.drift.verdict import remedy
from tests.slipway.drift.conftest import START, Change, World, alarming, in_hours, number, shift

OK = None


def _first(world: World, *changes: Change | None, n: int = 1000) -> tuple[Cause, str]:
    found = alarming(world.judge(world.windows(*changes, n=n)))[0]
    return found.cause, found.subject


def test_forty_healthy_windows_alarm_nobody(world: World) -> None:
    history: list[Window] = []
    for _ in range(40):
        history = in_hours([*(w.profile for w in history), world.profile(labels=True)])
        drift = world.judge(history[-32:])
        assert drift.remedy is Remedy.NOTHING and not alarming(drift)


def test_a_tenth_of_a_standard_deviation_is_found_within_five_thousand_rows(world: World) -> None:
    found = 0
    for _ in range(6):
        history = world.windows(*[OK] * 4, *[shift(0, 0.1)] * 5)
        found += any(alarming(world.judge(history[:n])) for n in range(5, 10))
    assert found >= 5


def test_a_feature_called_score_is_not_the_models_score(world: World) -> None:
    finding = next(f for f in alarming(world.judge(world.windows(shift(0, 1.0)))) if f.subject == "amount")
    features = tuple(replace(f, importance=0.0) for f in world.baseline.reference.features)
    named = replace(features[0], name="score")
    reference = replace(world.baseline.reference, features=(named, *features[1:]))
    found = replace(finding, subject="score")
    assert remedy([found], reference, Settings())[0] is Remedy.NOTHING
    assert remedy([found, replace(found, subject="the model's score")], reference, Settings())[0] is Remedy.RETRAIN


def test_an_important_feature_that_moved_calls_for_a_retraining(world: World) -> None:
    drift = world.judge(world.windows(OK, shift(0, 0.5)))
    assert drift.remedy is Remedy.RETRAIN and not drift.blocks_retraining
    assert drift.reasons[0].startswith("amount: distribution moved by")


def test_a_feature_the_model_hardly_uses_calls_for_nothing(world: World) -> None:
    features = tuple(replace(f, importance=0.01) for f in world.baseline.reference.features)
    world.baseline = replace(world.baseline, reference=replace(world.baseline.reference, features=features))
    drift = world.judge(world.windows(OK, shift(1, 2.5)))
    assert alarming(drift) and drift.remedy is Remedy.NOTHING
    assert drift.reasons[0].endswith("neither important nor with the scores")


def _new_level(rows: Rows, rng: np.random.Generator) -> Rows:
    return replace(rows, levels=np.where(rng.random(rows.levels.shape) < 0.06, -1, rows.levels))


def _renamed(rows: Rows, _: np.random.Generator) -> Rows:
    return replace(rows, levels=np.full_like(rows.levels, -1))


def _more_rare(rows: Rows, rng: np.random.Generator) -> Rows:
    return replace(rows, levels=np.where(rng.random(rows.levels.shape) < 0.06, 3, rows.levels))


def _swapped(rows: Rows, _: np.random.Generator) -> Rows:
    return replace(rows, numbers=rows.numbers[:, [1, 0, 2]])


@pytest.mark.parametrize(
    ("fault", "cause", "subject"),
    [
        (number(0, lambda v, rng: np.where(rng.random(len(v)) < 0.05, np.nan, v)), Cause.NULLS, "amount"),
        (number(1, lambda v, _: np.full_like(v, np.nan)), Cause.NULLS, "age"),
        (number(0, lambda v, _: np.where(v > 1.5, np.inf, v)), Cause.SCHEMA, "amount"),
        (number(0, lambda v, _: v * 100), Cause.UNITS, "amount"),
        (number(1, lambda v, _: v / 1000), Cause.UNITS, "age"),
        (number(1, lambda v, rng: np.where(rng.random(len(v)) < 0.1, v * 100, v)), Cause.UNITS, "age"),
        (number(1, lambda v, _: np.zeros_like(v)), Cause.STUCK, "age"),
        (number(1, lambda v, _: -v), Cause.UNITS, "age"),
        (number(1, lambda v, _: 32 + 1.8 * v), Cause.UNITS, "age"),
        (number(1, lambda v, _: (v - 32) / 1.8), Cause.UNITS, "age"),
        (number(1, lambda v, rng: np.where(rng.random(len(v)) < 0.1, -999.0, v)), Cause.NULLS, "age"),
        (number(1, lambda v, rng: np.where(rng.random(len(v)) < 0.4, 50.0, v)), Cause.NULLS, "age"),
        (number(0, lambda v, rng: np.where(rng.random(len(v)) < 0.4, 0.0, v)), Cause.NULLS, "amount"),
        (number(1, lambda v, rng: np.where(rng.random(len(v)) < 0.1, v + 25, v)), Cause.DISTRIBUTION, "age"),
        (number(1, lambda v, _: 1.8 * (v - 50) + 55), Cause.DISTRIBUTION, "age"),
        (number(2, lambda v, _: v + 0.1), Cause.SCHEMA, "visits"),
        (_new_level, Cause.UNSEEN, "colour"),
        (_renamed, Cause.SCHEMA, "colour"),
        (_more_rare, Cause.DISTRIBUTION, "colour"),
        (_swapped, Cause.SCHEMA, "amount"),
        (shift(1, 5.0), Cause.DISTRIBUTION, "age"),
    ],
)
def test_a_fault_is_named(world: World, fault: Change, cause: Cause, subject: str) -> None:
    history = world.windows(OK, fault)
    found = [f for f in alarming(world.judge(history)) if f.subject == subject]
    assert [f.cause for f in found] == [cause]


def test_a_data_fault_is_repaired_and_blocks_retraining(world: World) -> None:
    drift = world.judge(world.windows(OK, number(0, lambda v, _: v * 100)))
    assert drift.remedy is Remedy.REPAIR_DATA and drift.blocks_retraining
    assert "another unit?" in drift.reasons[0]


@pytest.mark.parametrize("clean", [1, 3])
def test_an_alarm_ends_with_the_fault(world: World, clean: int) -> None:
    broken = number(0, lambda v, rng: np.where(rng.random(len(v)) < 0.3, np.nan, v))
    history = world.windows(*[OK] * 4, *[broken] * 4, *[shift(1, 4.0)] * 4)
    assert alarming(world.judge(history[:8])) and alarming(world.judge(history))
    repaired = in_hours([*(w.profile for w in history), *(world.profile() for _ in range(clean))])
    assert not alarming(world.judge(repaired))


def test_a_small_shift_that_lasts_is_not_taken_for_ended(world: World) -> None:
    history = world.windows(*[OK] * 8, *[shift(0, 0.15)] * 24)
    assert all(alarming(world.judge(history[:n])) for n in range(20, 33))


def test_windows_before_the_model_served_do_not_count(world: World) -> None:
    history = world.windows(*[shift(0, 1.0)] * 6, OK)
    assert alarming(world.judge(history[:6]))
    world.baseline = replace(world.baseline, since=history[-1].since)
    assert not alarming(world.judge(history))


def test_windows_of_another_reference_are_named_and_compared_with_nothing(world: World) -> None:
    (window,) = world.windows(shift(0, 3.0))
    other = replace(window, profile=replace(window.profile, reference="another"))
    drift = world.judge([other])
    assert [f.cause for f in drift.findings] == [Cause.OTHER_REFERENCE] and not alarming(drift)


def test_in_huge_windows_what_is_too_small_to_matter_is_left_alone(world: World) -> None:
    profiles = [world.profile(shift(0, 0.03), 100_000), world.profile(shift(0, 0.5), 100_000)]
    assert not alarming(world.judge(in_hours(profiles[:1])))
    assert alarming(world.judge(in_hours(profiles)))


def test_windows_of_twenty_rows_are_added_up(world: World) -> None:
    assert not alarming(world.judge(world.windows(*[OK] * 32, n=20)))
    assert alarming(world.judge(world.windows(*[shift(0, 0.8)] * 16, n=20)))
    assert alarming(world.judge(world.windows(number(0, lambda v, _: np.full_like(v, np.nan)), n=20)))


def test_a_constant_feature_is_no_trouble(world: World) -> None:
    from bench.drift_quality.counting import Counter
    from slipway.drift.calibration import learn

    def profiles(n: int) -> list[Rows]:
        return [Rows(np.ones((500, 1)), np.zeros((500, 0), int)) for _ in range(n)]

    counter = Counter.of(profiles(1)[0], ["always one"], [])
    world.baseline = learn(counter.reference, in_hours([counter.profile(rows) for rows in profiles(20)]))
    assert not alarming(world.judge(in_hours([counter.profile(rows) for rows in profiles(3)])))


def test_a_joint_shift_needs_evidence_and_size(world: World) -> None:
    history = world.windows(OK)
    seen = TwoSample(0.72, 1e-12, 5000, 5000)
    (found,) = alarming(world.judge(history, joint_test=seen))
    assert found.cause is Cause.JOINT and "AUC of 0.72" in found.says
    for harmless in (replace(seen, p_value=0.001), replace(seen, auc=0.52)):
        assert not alarming(world.judge(history, joint_test=harmless))


def test_scores_that_move_make_any_feature_matter(world: World) -> None:
    def both(rows: Rows, rng: np.random.Generator) -> Rows:
        return replace(shift(2, 5.0)(rows, rng), scores=np.clip(rows.scores + 0.2, 0, 1))

    drift = world.judge(world.windows(both))
    assert {"visits", "score"} <= {finding.subject for finding in alarming(drift)}
    assert drift.remedy is Remedy.RETRAIN


@pytest.mark.parametrize("factor", [0.04, 30.0])
def test_scores_have_no_unit(world: World, factor: float) -> None:
    """A shifted input can leave them a fraction of what they were: the model's answer, not a fault of the data."""

    def both(rows: Rows, rng: np.random.Generator) -> Rows:
        return replace(shift(0, 1.0)(rows, rng), scores=rows.scores * factor)

    drift = world.judge(world.windows(both))
    assert [f.cause for f in alarming(drift) if f.subject == "score"] == [Cause.DISTRIBUTION]
    assert drift.remedy is Remedy.RETRAIN


def test_what_could_be_seen_is_said(world: World) -> None:
    first, second = world.judge(world.windows(*[OK] * 8)).power
    assert "in 1 window," in first and "in 8 windows alarms in 80%" in first
    assert second == "Model Monitor's threshold of 0.1 does not see less than 0.40 sigma"


def test_a_tighter_budget_asks_for_more_evidence(world: World) -> None:
    history = world.windows(OK)
    bars = [world.judge(history, settings=Settings(false_page_every=n)).findings[0].bar for n in (100, 10_000)]
    assert bars[0] == pytest.approx(100 * bars[1])


def test_a_verdict_on_35_features_of_100_cells_takes_well_under_a_second() -> None:
    from bench.drift_quality.counting import Counter
    from slipway.drift.calibration import learn
    from slipway.drift.detect import detect

    rng = np.random.default_rng(5)

    def rows(n: int) -> Rows:
        x = rng.normal(size=(n, 35))
        scores = 1 / (1 + np.exp(-x[:, 0]))
        return Rows(x, np.zeros((n, 0), int), scores, (rng.random(n) < scores).astype(float))

    counter = Counter.of(rows(5000), [f"x{i}" for i in range(35)], [])

    def profiles(n: int) -> list[Profile]:
        return [counter.profile(rows(200)) for _ in range(n)]

    baseline, history = learn(counter.reference, in_hours(profiles(20))), in_hours(profiles(32))
    began = time.process_time()
    detect(baseline, history, now=START)
    assert time.process_time() - began < 1.0
