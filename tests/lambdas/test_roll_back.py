"""Rollbacks: by the workflow, by an alarm, by an operator's abort."""

import json
from typing import Any

import pytest

from lambdas import operate, roll_back
from lambdas.aws import ledger, serving
from lambdas.aws.clients import client
from slipway import alarm, names, stored
from slipway import release as rel
from slipway.phases import Phase
from tests.lambdas.wire import Made
from tests.lambdas.world import BAKE, CANARY, CONTEXT, SHADOW, TABLE, World, history


def went_off(value: str = "ALARM", name: str = names.alarm("fraud", names.CANDIDATE)) -> dict[str, Any]:
    detail = {"alarmName": name, "state": {"value": value, "reason": "5xx-rate is in ALARM"}}
    return {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail}


def aborted(release_id: str) -> dict[str, Any]:
    detail = {"release_id": release_id, "by": "ana", "reason": "wrong data"}
    return {"source": "slipway", "detail-type": names.ABORT_REQUESTED, "detail": detail}


def until_ended(world: World, release_id: str, **state: Any) -> dict[str, Any]:
    for _ in range(20):
        turn = roll_back.handler({"release_id": release_id, **state}, CONTEXT)
        assert turn is not None
        if turn["next"] != "roll_back":
            return turn
        world.later(turn["wait_seconds"])
    raise AssertionError(turn)


def test_an_alarm_moves_the_weight_in_its_first_call_to_the_endpoint(world: World) -> None:
    known = world.at(CANARY, execution=world.execution("one"))
    assert roll_back.handler(went_off(), CONTEXT) is None
    now = ledger.release(known.id)
    assert now.phase is Phase.ROLLING_BACK and "5xx-rate is in ALARM" in now.reason
    (move,) = world.wire.made("update_endpoint_weights_and_capacities")
    weights = {d["VariantName"]: d["DesiredWeight"] for d in move["DesiredWeightsAndCapacities"]}
    assert weights == {"baseline": 100.0, "candidate": 0.0}
    assert world.wire.made("update_endpoint") == [] and world.wire.made("start_execution") == []
    assert history(known.id)[-1] == ("ROLLING_BACK", "alarm slipway-fraud-candidate")
    assert world.told() == [f"ROLLING BACK: fraud release {known.id}"]


def test_the_weight_moves_although_people_cannot_be_told(world: World) -> None:
    world.at(CANARY, execution=world.execution("one"))
    world.wire.refuse("publish", "KMSDisabledException", "key is disabled")
    roll_back.handler(went_off(), CONTEXT)
    assert len(world.wire.made("update_endpoint_weights_and_capacities")) == 1


@pytest.mark.parametrize("step", [SHADOW, CANARY, BAKE])
def test_a_rollback_ends_verified_on_the_baseline_alone(world: World, step: int) -> None:
    known = world.at(step, execution=world.execution("one"))
    roll_back.handler(went_off(), CONTEXT)
    turn = until_ended(world, known.id)
    assert (turn["next"], turn["phase"]) == ("rolled_back", "ROLLED_BACK")
    assert [v["VariantName"] for v in world.sagemaker.live["ProductionVariants"]] == ["baseline"]
    assert not world.sagemaker.live.get("ShadowProductionVariants")
    assert serving.baseline_model(world.sagemaker.config) == "fraud-first"
    assert ledger.in_progress("fraud") is None and world.emitted() == [names.ROLLED_BACK]
    assert world.told()[-1] == f"ROLLED BACK: fraud release {known.id}"


def test_a_rollback_does_not_end_while_the_candidate_is_still_invoked(world: World) -> None:
    known = world.at(CANARY)
    for i in range(10):
        world.cloudwatch.minute(world.clock.at + 60 * i, "candidate", 1)
    with pytest.raises(AssertionError):
        until_ended(world, known.id)
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK
    assert ledger.in_progress("fraud") == known.id


def test_a_failed_workflow_rolls_back_with_the_error_as_its_reason(world: World) -> None:
    known = world.at(CANARY)
    error = {"Error": "ProbeFailed", "Cause": "variant candidate does not answer"}
    turn = roll_back.handler({"release_id": known.id, "error": error}, CONTEXT)
    assert turn is not None and (turn["next"], turn["wait_seconds"]) == ("roll_back", 15)
    assert "ProbeFailed: variant candidate does not answer" in ledger.release(known.id).reason
    assert history(known.id)[-1][1] == "workflow"


def test_a_decision_already_made_keeps_its_reason(world: World) -> None:
    known = world.entered(rel.roll_back(world.at(CANARY), world.clock.at, "the judge said so"))
    roll_back.handler({"release_id": known.id}, CONTEXT)
    roll_back.handler(went_off(), CONTEXT)
    assert ledger.release(known.id).reason == "the judge said so" and world.told() == []


def test_an_abort_names_its_release(world: World) -> None:
    known = world.at(CANARY, execution=world.execution("one"))
    roll_back.handler(aborted(known.id), CONTEXT)
    assert history(known.id)[-1] == ("ROLLING_BACK", "ana")
    assert len(world.wire.made("update_endpoint_weights_and_capacities")) == 1


@pytest.mark.parametrize(
    "event", [went_off("OK"), went_off(name="slipway-churn-candidate")], ids=["fine", "no release"]
)
def test_without_a_reason_or_a_release_nothing_is_touched(world: World, event: dict[str, Any]) -> None:
    known = world.at(CANARY)
    assert roll_back.handler(event, CONTEXT) is None
    assert ledger.release(known.id) == known
    assert {call.method for call in world.wire.calls} <= {"get_item"}


def test_an_alarm_that_is_not_a_candidates_is_an_error(world: World) -> None:
    with pytest.raises(alarm.NotOurs):
        roll_back.handler(went_off(name="slipway-fraud-baseline"), CONTEXT)


@pytest.mark.parametrize("end", ["PROMOTED", "ROLLED_BACK"])
def test_a_release_that_has_ended_is_left_alone(world: World, end: str) -> None:
    known = world.at(BAKE)
    if end == "PROMOTED":
        known = rel.promoted(ledger.write(rel.advance(known, 1.0, "x")), 1.0, "x")
    else:
        known = rel.rolled_back(ledger.write(rel.roll_back(known, 1.0, "x")), 1.0)
    known = ledger.write(known)
    world.wire.calls.clear()
    turn = roll_back.handler({"release_id": known.id}, CONTEXT)
    assert turn is not None and turn["next"] == end.lower()
    assert roll_back.handler(aborted(known.id), CONTEXT) is None
    assert {call.method for call in world.wire.calls} == {"get_item"}


def test_the_decision_is_in_the_ledger_although_the_endpoint_is_busy(world: World) -> None:
    known = world.at(CANARY)
    world.wire.refuse(
        "update_endpoint_weights_and_capacities", "ValidationException", "Cannot update in-progress endpoint"
    )
    with pytest.raises(serving.EndpointBusy):
        roll_back.handler(went_off(), CONTEXT)
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK
    world.wire.before = None
    roll_back.handler(went_off(), CONTEXT)
    assert world.sagemaker.pending is not None
    assert world.told() == [f"ROLLING BACK: fraud release {known.id}"], "once, although Lambda tried twice"


def test_an_alarm_that_meets_a_judge_at_work_decides_again_at_once(world: World) -> None:
    known = world.at(CANARY, execution=world.execution("one"))

    def look(call: Made) -> None:
        if call.method == "transact_write_items":
            world.wire.before = None
            ledger.write(known)

    world.wire.before = look
    roll_back.handler(went_off(), CONTEXT)
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK
    assert len(world.wire.made("update_endpoint_weights_and_capacities")) == 1


def test_an_alarm_drives_on_a_release_whose_execution_was_stopped(world: World) -> None:
    execution = world.execution("one")
    client("stepfunctions").stop_execution(executionArn=execution)
    world.at(CANARY, execution=execution)
    roll_back.handler(went_off(), CONTEXT)
    assert len(world.wire.made("start_execution")) == 1


def rewritten(sk: str, format: str, **changes: Any) -> None:
    """An item of the endpoint as another version of Slipway would have stored it."""
    key = {"pk": {"S": "ENDPOINT#fraud"}, "sk": {"S": sk}}
    item = client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
    document = json.loads(item["document"]["S"]) | changes
    stranger = item | {"format": {"N": format}, "document": {"S": json.dumps(document)}}
    client("dynamodb").put_item(TableName=TABLE, Item=stranger)


@pytest.mark.parametrize("format", ["1", "99"])
@pytest.mark.parametrize("step", [SHADOW, CANARY, BAKE])
def test_an_alarm_rolls_back_what_another_version_of_slipway_wrote(world: World, step: int, format: str) -> None:
    known = world.at(step, execution=world.execution("one"))
    rewritten(f"RELEASE#{known.id}", format, plan={"of": "another kind"}, evidence=[1, 2], unheard_of=True)
    rewritten("FRAME", format, plan="gone", unheard_of=True)
    with pytest.raises(stored.Unreadable):
        ledger.release(known.id)
    roll_back.handler(went_off(), CONTEXT)
    assert until_ended(world, known.id)["next"] == "rolled_back"
    assert ledger.release(known.id).plan.name == "unreadable" and ledger.in_progress("fraud") is None
    assert [v["VariantName"] for v in world.sagemaker.live["ProductionVariants"]] == ["baseline"]


def test_an_operator_can_abort_what_another_version_of_slipway_wrote(world: World) -> None:
    known = world.at(CANARY)
    rewritten(f"RELEASE#{known.id}", "99", evidence=[])
    event = {"release_id": known.id, "act": "pause", "by": "kim", "reason": "why"}
    with pytest.raises(stored.Unreadable, match="a newer version wrote it"):
        operate.handler(event, CONTEXT)
    assert operate.handler(event | {"act": "abort"}, CONTEXT)["phase"] is Phase.ROLLING_BACK
