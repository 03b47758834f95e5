"""Triggers that come too early: what they wait for, and what ends their waiting."""

from dataclasses import replace

import pytest

from lambdas.aws import labelled, ledger, verdicts
from slipway import names
from slipway.drift.findings import Drift, Remedy
from slipway.retraining.guard import Labels
from tests.lambdas.retraining import DRIFT, HOUR, Retraining
from tests.lambdas.world import FRAME, World


def test_a_schedule_waits_out_the_cooldown_that_a_person_need_not(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    retraining.ended(state, "ABORTED")
    world.later(HOUR)
    turn = retraining.start(world.execution("two"), {"endpoint": "fraud", "trigger": "schedule"})
    assert turn["next"] == "refused" and "cooldown" in turn["reason"]
    assert retraining.begun("three")["run_id"] != state["run_id"]


def test_a_look_for_labels_that_finds_too_few_ends_without_a_word(retraining: Retraining, world: World) -> None:
    ledger.put_frame(replace(FRAME, retraining=replace(FRAME.retraining, new_labels=500)))
    turn = retraining.start("e", {"endpoint": "fraud", "trigger": "labels"})
    assert turn["next"] == "duplicate" and "0 labels have come" in turn["reason"]
    assert world.told() == [] and world.emitted() == []


def test_a_trigger_whose_labels_are_not_in_waits_and_says_so_once(
    retraining: Retraining, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "count", lambda *_: Labels(1000, 400, 300))
    turn = retraining.start(world.execution("one"), {"drift": DRIFT})
    assert (turn["next"], turn["wait_seconds"]) == ("wait", 6 * HOUR)
    again = retraining.start(world.execution("two"), turn)
    assert again["next"] == "wait" and world.told() == ["WAITING: fraud retraining"]
    monkeypatch.setattr(labelled, "count", lambda *_: Labels(1000, 990, 300))
    assert retraining.start(world.execution("three"), again)["next"] == "assemble"


def test_a_drift_that_is_over_for_a_day_is_not_waited_for_any_longer(
    retraining: Retraining, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "count", lambda *_: Labels(1000, 400, 300))
    execution, began = world.execution("one"), world.clock.at
    turn = retraining.start(execution, {"drift": DRIFT})
    for hour in range(0, 60, 6):
        world.later(6 * HOUR)
        remedy = Remedy.RETRAIN if hour < 24 else Remedy.NOTHING
        now = world.clock.at
        seen = Drift(now, now - HOUR, now, remedy, False, (), ())
        verdicts.keep("fraud", names.BASELINE, seen, {})
        turn = retraining.start(execution, turn, at=began)
        if turn["next"] != "wait":
            break
    assert turn["next"] == "refused" and "all 4 verdicts of the last 24.0 hours say NOTHING" in turn["reason"]
    assert hour == 42 and world.told()[-1] == "NOT RETRAINING: fraud"
