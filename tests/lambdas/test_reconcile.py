"""One turn towards what a release wants."""

import pytest
from botocore.exceptions import ClientError

from lambdas.aws import ledger, serving
from lambdas.aws.reconcile import reconcile
from slipway import names, traffic
from slipway import release as rel
from tests.lambdas.wire import Made
from tests.lambdas.world import CANARY, SHADOW, World


def shadow(world: World) -> rel.Release:
    return world.entered(rel.advance(world.release(), world.clock.at, "test"))


def test_a_new_config_is_noted_as_asked_for_before_the_call(world: World) -> None:
    known = shadow(world)
    attempts_at_call = []

    def look(call: Made) -> None:
        if call.method == "update_endpoint":
            attempts_at_call.append(ledger.release(known.id).attempts)

    world.wire.before = look
    after, _, work = reconcile(known)
    assert attempts_at_call == [1] and after == ledger.release(known.id)
    assert not work.in_place and world.sagemaker.pending is not None


def test_a_busy_endpoint_is_left_alone(world: World) -> None:
    known, _, _ = reconcile(shadow(world))
    world.wire.calls.clear()
    assert reconcile(known)[2].waiting == "endpoint is Updating"
    assert {call.method.split("_")[0] for call in world.wire.calls} == {"describe", "get"}


def test_what_is_in_place_costs_three_reads_and_no_write(world: World) -> None:
    known = world.at(CANARY)
    after, wanted, work = reconcile(known)
    assert work.in_place and after == known and wanted.config == names.endpoint_config(known.id, "canary")
    assert [call.method for call in world.wire.calls] == ["describe_endpoint", "describe_scalable_targets", "get_item"]


def test_a_moved_weight_is_no_attempt_at_a_config(world: World) -> None:
    known = world.at(CANARY)
    assert world.sagemaker.weight("candidate") == 25
    moved = world.entered(rel.advance(known, world.clock.at, "test"))
    assert world.settle(moved).attempts == 0
    assert world.sagemaker.weight("candidate") == 100


def test_a_silent_return_to_the_old_config_is_noticed_after_a_second_attempt(world: World) -> None:
    world.sagemaker.returns_silently = True
    with pytest.raises(traffic.UpdateRolledBack, match="asked for 2 times"):
        world.settle(shadow(world))
    assert len(world.wire.made("update_endpoint")) == 2


@pytest.mark.parametrize(
    ("method", "message", "raised"),
    [
        ("create_model", "Rate exceeded", ClientError),
        ("update_endpoint", "0 Instances", ClientError),
        ("update_endpoint", "Cannot update in-progress endpoint", serving.EndpointBusy),
    ],
)
def test_a_refused_update_was_not_asked_for(world: World, method: str, message: str, raised: type[Exception]) -> None:
    known = shadow(world)
    world.wire.refuse(method, "ValidationException", message)
    for _ in range(traffic.ATTEMPTS + 1):
        with pytest.raises(raised, match=message):
            reconcile(ledger.release(known.id))
    world.wire.before = None
    assert world.settle(ledger.release(known.id)).attempts == 1


def test_a_decision_made_meanwhile_stops_a_new_layout(world: World) -> None:
    known = shadow(world)

    def alarm(call: Made) -> None:
        if call.method == "describe_endpoint":
            world.wire.before = None
            world.entered(rel.roll_back(known, world.clock.at, "alarm"))

    world.wire.before = alarm
    with pytest.raises(ledger.StaleRelease):
        reconcile(known)
    assert world.wire.made("update_endpoint") == []


def test_a_missing_baseline_model_is_never_made_from_the_candidates_package(world: World) -> None:
    known = world.at(SHADOW)
    world.sagemaker.delete_model("fraud-first")
    with pytest.raises(traffic.EndpointUnusable, match="model fraud-first"):
        world.settle(world.entered(rel.advance(known, world.clock.at, "test")))
    assert world.wire.made("create_model") == []
