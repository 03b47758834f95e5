"""An operator's acts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lambdas import operate
from lambdas.aws import ledger
from slipway import names, phases
from slipway import release as rel
from slipway.phases import Phase
from tests.lambdas.wire import Made
from tests.lambdas.world import CANARY, CONTEXT, World, history


def ask(act: str, **more: Any) -> dict[str, Any]:
    where = more if {"release_id", "endpoint"} & set(more) else {"endpoint": "fraud", **more}
    return operate.handler({"act": act, "by": "ana", "reason": "because", **where}, CONTEXT)


@pytest.mark.parametrize(
    ("act", "paused", "urged"), [("pause", True, False), ("resume", False, False), ("advance", False, True)]
)
def test_an_act_is_in_the_ledger_and_its_history_and_people_hear_of_it(
    world: World, act: str, paused: bool, urged: bool
) -> None:
    known = world.at(CANARY)
    answer = ask(act)
    now = ledger.release(known.id)
    assert answer == {"release_id": known.id, "phase": "CANARY", "act": act, "version": now.version}
    assert (now.paused, now.urged, now.step) == (paused, urged, known.step)
    line = ledger.history(known.id)[-1]
    assert (line.what, line.by, line.reason) == (act, "ana", "because")
    assert world.told() == [f"OPERATOR {act.upper()}: fraud release {known.id} at 25 %"]
    assert world.emitted() == []


def test_an_abort_is_decided_and_asked_for_at_once(world: World) -> None:
    known = world.at(CANARY)
    assert ask("abort")["phase"] == "ROLLING_BACK"
    assert ledger.release(known.id).reason == "because"
    assert history(known.id)[-1] == ("abort", "ana") and world.emitted() == [names.ABORT_REQUESTED]


def test_a_release_can_be_named_by_its_id(world: World) -> None:
    known = world.at(CANARY)
    assert ask("pause", release_id=known.id)["release_id"] == known.id


def test_an_endpoint_without_a_release_is_an_error(world: World) -> None:
    with pytest.raises(ledger.NotFound, match="endpoint churn has no release in progress"):
        ask("pause", endpoint="churn")


def test_an_unknown_release_is_an_error(world: World) -> None:
    with pytest.raises(ledger.NotFound, match=r"no release fraud.9.000000"):
        ask("pause", release_id="fraud.9.000000")


@pytest.mark.parametrize(
    ("act", "more", "says"),
    [
        ("stop", {}, "act: 'stop' is unknown"),
        ("pause", {"endpoint": "fraud", "release_id": "fraud.7.3fa2c1"}, "either release_id or endpoint"),
        ("pause", {"endpoint": "fraud", "force": True}, "request.force: unknown key"),
    ],
)
def test_a_wrong_request_changes_nothing(world: World, act: str, more: dict[str, Any], says: str) -> None:
    known = world.at(CANARY)
    with pytest.raises(ValueError, match=says):
        ask(act, **more)
    assert ledger.release(known.id) == known


def test_an_act_that_comes_too_late_changes_nothing(world: World) -> None:
    known = world.entered(rel.roll_back(world.at(CANARY), world.clock.at, "bad"))
    with pytest.raises(phases.IllegalMove, match="nothing to advance"):
        ask("advance")
    assert ledger.release(known.id) == known


def meanwhile(world: World, change: Callable[[], object]) -> None:
    """Lets somebody else write the release just before the operator's write."""

    def faster(call: Made) -> None:
        if call.method == "transact_write_items":
            world.wire.before = None
            change()

    world.wire.before = faster


def test_an_act_that_has_become_impossible_is_an_error_and_nobody_hears_of_it(world: World) -> None:
    known = world.at(CANARY)
    meanwhile(world, lambda: ledger.write(rel.roll_back(known, world.clock.at, "alarm")))
    with pytest.raises(phases.IllegalMove):
        ask("advance")
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK and world.told() == []


def test_a_look_of_the_judge_at_the_same_moment_does_not_lose_an_abort(world: World) -> None:
    known = world.at(CANARY)
    meanwhile(world, lambda: ledger.write(replace(known, holding=True)))
    assert ask("abort")["phase"] is Phase.ROLLING_BACK
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK


def test_a_release_that_the_judge_has_just_advanced_is_not_advanced_twice(world: World) -> None:
    known = world.at(CANARY)
    meanwhile(world, lambda: ledger.write(rel.advance(known, world.clock.at, "shown to be no worse")))
    with pytest.raises(ledger.StaleRelease):
        ask("advance")
    assert not ledger.release(known.id).urged
