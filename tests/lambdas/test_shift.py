"""Shifting traffic, one turn at a time."""

from typing import Any

import pytest

from lambdas import shift
from lambdas.aws import ledger, serving
from lambdas.aws.reconcile import WAIT_SECONDS
from slipway import loop, names, traffic
from slipway import release as rel
from slipway.phases import Phase
from tests.lambdas.wire import Made, Refusal
from tests.lambdas.world import BAKE, CANARY, CONTEXT, SHADOW, World, history


def ask(release_id: str, **state: Any) -> dict[str, Any]:
    return shift.handler({"release_id": release_id, **state}, CONTEXT)


def until_judged(release_id: str) -> dict[str, Any]:
    for _ in range(10):
        turn = ask(release_id)
        if turn["next"] != "shift":
            return turn
    raise AssertionError(turn)


def test_the_first_turn_begins_the_release_and_asks_for_its_layout(world: World) -> None:
    known = world.release()
    turn = ask(known.id)
    assert (turn["next"], turn["phase"], turn["wait_seconds"]) == ("shift", "SHADOW", WAIT_SECONDS)
    assert world.told() == [f"STARTED: fraud release {known.id} in shadow"]
    assert history(known.id)[1:] == [("SHADOW", "admission")]
    (update,) = world.wire.made("update_endpoint")
    assert update["EndpointConfigName"] == names.endpoint_config(known.id, "shadow")


def test_what_a_release_makes_is_tagged_with_it(world: World) -> None:
    known = world.release()
    ask(known.id)
    tags = [{"Key": names.ENDPOINT_TAG, "Value": "fraud"}, {"Key": names.RELEASE_TAG, "Value": known.id}]
    made = world.wire.made("create_model") + world.wire.made("create_endpoint_config")
    assert [call["Tags"] for call in made] == [tags, tags]
    assert world.wire.made("create_model")[0]["PrimaryContainer"] == {"ModelPackageName": known.package}


def test_while_the_endpoint_changes_nothing_is_called(world: World) -> None:
    known = world.release()
    ask(known.id)
    world.wire.calls.clear()
    assert ask(known.id)["next"] == "shift"
    assert all(call.method.startswith(("get_", "describe_")) for call in world.wire.calls)


@pytest.mark.parametrize(("step", "probed"), [(SHADOW, ["baseline"]), (CANARY, ["baseline", "candidate"])])
def test_in_place_means_that_every_variant_that_answers_users_was_probed(
    world: World, step: int, probed: list[str]
) -> None:
    known = world.at(step - 1) if step else world.release()
    if step:
        known = world.entered(rel.advance(known, world.clock.at, "test"))
    world.later(90)
    turn = until_judged(known.id)
    assert (turn["next"], turn["wait_seconds"]) == ("judge", 60)
    asked = world.wire.made("invoke_endpoint")
    assert [(call["TargetVariant"], call["Body"]) for call in asked] == [(name, b"-1.5,0") for name in probed]
    now = ledger.release(known.id)
    assert now.in_place_at == world.clock.at and now.evidence.through >= world.clock.at


def test_what_is_in_place_is_not_probed_again(world: World) -> None:
    known = world.at(CANARY)
    assert ask(known.id)["next"] == "judge"
    assert world.wire.made("invoke_endpoint") == [] and ledger.release(known.id) == known


def test_a_candidate_that_fails_its_probe_is_not_in_place(world: World) -> None:
    known = world.entered(rel.advance(world.at(SHADOW), world.clock.at, "test"))
    world.runtime.answers["candidate"] = Refusal("ModelError", "Received server error (500)")
    with pytest.raises(serving.ProbeFailed, match="variant candidate"):
        until_judged(known.id)
    assert ledger.release(known.id).in_place_at is None


def test_weight_that_was_taken_away_is_brought_back(world: World) -> None:
    known = world.at(CANARY)
    desired = [{"VariantName": "baseline", "DesiredWeight": 1.0}, {"VariantName": "candidate", "DesiredWeight": 1.0}]
    world.sagemaker.update_endpoint_weights_and_capacities("fraud", desired)
    assert until_judged(known.id)["next"] == "judge"
    assert world.sagemaker.weight("candidate") == 25


def test_capacity_comes_before_weight(world: World) -> None:
    known = world.entered(rel.advance(world.at(CANARY), world.clock.at, "test"))
    until_judged(known.id)
    moves = [m["DesiredWeightsAndCapacities"] for m in world.wire.made("update_endpoint_weights_and_capacities")]
    assert [sorted(move[0]) for move in moves] == [
        ["DesiredInstanceCount", "VariantName"],
        ["DesiredWeight", "VariantName"],
    ]
    assert world.sagemaker.weight("candidate") == 100


@pytest.mark.parametrize(
    ("to", "leads"), [("SETTLING", "settle"), ("ROLLING_BACK", "roll_back"), ("ROLLED_BACK", "rolled_back")]
)
def test_a_release_in_another_phase_is_handed_on_untouched(world: World, to: str, leads: str) -> None:
    known = world.at(BAKE)
    if to == "SETTLING":
        world.entered(rel.advance(known, world.clock.at, "test"))
    else:
        back = world.entered(rel.roll_back(known, world.clock.at, "bad"))
        if to == "ROLLED_BACK":
            world.entered(rel.rolled_back(back, world.clock.at))
    world.wire.calls.clear()
    assert ask(known.id)["next"] == leads
    assert [call.method for call in world.wire.calls] == ["get_item"]


@pytest.mark.parametrize("during", ["describe_endpoint", "describe_model", "publish"])
def test_an_alarm_during_the_first_turn_stops_it_before_the_endpoint_changes(world: World, during: str) -> None:
    known = world.release()

    def alarm(call: Made) -> None:
        if call.method == during:
            world.wire.before = None
            world.entered(rel.roll_back(ledger.release(known.id), world.clock.at, "alarm"))

    world.wire.before = alarm
    with pytest.raises(ledger.StaleRelease):
        ask(known.id)
    assert world.wire.made("update_endpoint") == []
    assert ask(known.id)["next"] == "roll_back"


def test_an_alarm_during_the_probe_keeps_the_step_from_being_in_place(world: World) -> None:
    known = world.entered(rel.advance(world.at(SHADOW), world.clock.at, "test"))

    def alarm(call: Made) -> None:
        if call.method == "invoke_endpoint":
            world.wire.before = None
            world.entered(rel.roll_back(ledger.release(known.id), world.clock.at, "alarm"))

    world.wire.before = alarm
    with pytest.raises(ledger.StaleRelease):
        until_judged(known.id)
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed"])
def test_an_endpoint_beyond_repair_fails_the_turn(world: World, status: str) -> None:
    known = world.at(CANARY)
    world.sagemaker.status = status
    with pytest.raises(traffic.EndpointUnusable, match=status):
        ask(known.id)


@pytest.mark.parametrize("status", ["SystemUpdating", "RollingBack"])
def test_a_busy_endpoint_is_waited_for(world: World, status: str) -> None:
    known = world.at(CANARY)
    world.sagemaker.status = status
    turn = ask(known.id)
    assert (turn["next"], turn["wait_seconds"]) == ("shift", WAIT_SECONDS)


def test_a_long_release_hands_over_before_the_event_limit(world: World) -> None:
    known = world.at(CANARY)
    assert ask(known.id, looks=loop.LOOKS - 1)["next"] == "hand_over"
