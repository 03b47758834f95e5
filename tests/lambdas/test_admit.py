"""Admission: new, repeated, waiting, refused, and taken up again."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import admit
from lambdas.aws import ledger
from lambdas.aws.clients import client
from slipway import loop, names
from slipway import release as rel
from slipway.guardrails.errors import CLIP_SINGLE
from slipway.phases import Phase
from slipway.release import Release
from tests.lambdas.wire import Made
from tests.lambdas.world import BUCKET, CANARY, CONTEXT, START, World, history


def ask(execution: str, **state: Any) -> dict[str, Any]:
    return admit.handler({"input": state, "execution": execution}, CONTEXT)


def only_release(world: World) -> Release:
    release_id = ledger.in_progress("fraud")
    assert release_id is not None
    return ledger.release(release_id)


def test_an_approved_package_becomes_a_release(world: World) -> None:
    arn, execution = world.register(), world.execution("one")
    turn = ask(execution, model_package_arn=arn)
    known = only_release(world)
    assert (turn["next"], turn["phase"], turn["release_id"]) == ("shift", "CREATED", known.id)
    assert (known.package, known.execution, known.created_at) == (arn, execution, START)
    assert (known.baseline, known.baseline_config, known.instances) == ("fraud-first", "fraud-first", 2)
    assert known.probe == "-1.5,0"
    assert history(known.id) == [("CREATED", f"approval of {arn}")]


def test_a_release_notes_how_long_its_steps_take_at_the_last_days_traffic(world: World) -> None:
    for minute in range(1, 40, 2):
        world.cloudwatch.minute(START - 60 * minute, "baseline", 120, errors=1)
        world.cloudwatch.minute(START - 60 * minute, "candidate", 119)  # an earlier release's shadow: copies
    ask(world.execution("one"), model_package_arn=world.register())
    known = only_release(world)
    assert known.outlook.startswith("at 2 requests/s with 0.85 % errors, as in the last day; ")
    assert ledger.history(known.id)[0].reason == f"package version 7 was approved; {known.outlook}"
    assert len({call["StartTime"] for call in world.wire.made("get_metric_data")}) == 1


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_traffic_that_cannot_be_asked_for_refuses_nothing(world: World, code: str) -> None:
    world.wire.refuse("get_metric_data", code)
    assert ask(world.execution("one"), model_package_arn=world.register())["next"] == "shift"
    assert "CloudWatch did not say" in only_release(world).outlook


def test_admission_touches_nothing_but_the_ledger(world: World) -> None:
    arn = world.register()
    world.wire.calls.clear()
    ask("one", model_package_arn=arn)
    changes = [c.method for c in world.wire.calls if c.method.split("_")[0] not in ("get", "describe", "head")]
    assert changes == ["transact_write_items"]


def test_the_baselines_last_day_says_how_much_it_varies_by_itself(world: World) -> None:
    for i in range(25 * 60):
        world.cloudwatch.minute(START - 120 - 60 * (i + 1), "baseline", 600, errors=3, p50=3000.0)
    ask(world.execution("one"), model_package_arn=world.register())
    seen = only_release(world).evidence
    assert seen.latency.blocks.baseline.long_weight == pytest.approx((1 - 0.99**288) / 0.01)
    assert seen.errors.whole.clip == CLIP_SINGLE


def test_a_repeated_event_is_a_duplicate_of_the_first(world: World) -> None:
    arn = world.register()
    ask(world.execution("one"), model_package_arn=arn)
    before = only_release(world)
    turn = ask(world.execution("two"), model_package_arn=arn)
    assert (turn["next"], turn["release_id"]) == ("duplicate", before.id)
    assert only_release(world) == before


def test_an_event_repeated_after_the_release_has_ended_is_a_duplicate_too(world: World) -> None:
    arn, first = world.register(), world.execution("one")
    ask(first, model_package_arn=arn)
    client("stepfunctions").stop_execution(executionArn=first)
    ledger.write(rel.rolled_back(rel.roll_back(only_release(world), START, "bad"), START))
    turn = ask("two", model_package_arn=arn)
    assert (turn["next"], turn["phase"]) == ("duplicate", "ROLLED_BACK")
    assert ledger.in_progress("fraud") is None


def test_a_retried_admission_goes_on_where_the_lost_one_was(world: World) -> None:
    arn, execution = world.register(), world.execution("one")
    first = ask(execution, model_package_arn=arn)
    assert ask(execution, model_package_arn=arn) == first
    assert len(history(first["release_id"])) == 1


def test_a_second_package_waits_until_the_first_release_has_ended(world: World) -> None:
    ask("one", model_package_arn=world.register())
    known, other = only_release(world), world.register(8)
    turn = ask("two", model_package_arn=other)
    assert (turn["next"], turn["wait_seconds"], turn["model_package_arn"]) == ("admit", admit.TURN_SECONDS, other)
    assert known.id in turn["reason"] and turn["looks"] == 1
    ledger.write(rel.rolled_back(rel.roll_back(known, START, "bad"), START))
    assert ask("two", **turn)["next"] == "shift"
    assert only_release(world).package == other


def test_of_two_packages_admitted_at_the_same_moment_one_waits(world: World) -> None:
    slow, fast = world.register(), world.register(8)

    def meanwhile(call: Made) -> None:
        if call.method == "describe_endpoint":
            world.wire.before = None
            ask("two", model_package_arn=fast)

    world.wire.before = meanwhile
    turn = ask("one", model_package_arn=slow)
    assert (turn["next"], turn["reason"]) == ("admit", "another release was faster")
    assert only_release(world).package == fast


def test_a_queue_too_long_for_one_execution_goes_on_in_another(world: World) -> None:
    ask("one", model_package_arn=world.register())
    turn = ask("two", model_package_arn=world.register(8), looks=loop.LOOKS - 1)
    assert (turn["next"], turn["release_id"]) == ("hand_over", "")


def refused(world: World, arn: str) -> str:
    turn = ask("one", model_package_arn=arn)
    assert (turn["next"], turn["phase"]) == ("refused", "REFUSED")
    assert ledger.in_progress("fraud") is None
    (message,) = world.wire.made("publish")
    assert message["Subject"] == f"REFUSED: fraud {arn.rsplit('/', 1)[-1]}" and turn["reason"] in message["Message"]
    return str(turn["reason"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ModelApprovalStatus": "Rejected"}, "is Rejected; only an Approved package"),
        ({"CustomerMetadataProperties": {}}, "its metadata lacks slipway:artifact-sha256"),
        ({"CustomerMetadataProperties": {names.ARTIFACT_SHA256: "0" * 64}}, "changed after registration"),
        ({"InferenceSpecification": {"Containers": []}}, "has 0 containers with artifacts"),
    ],
)
def test_a_package_that_cannot_be_released_is_refused_and_people_are_told_why(
    world: World, changes: dict[str, Any], says: str
) -> None:
    assert says in refused(world, world.register(**changes))


def test_a_package_of_another_framework_version_is_refused(world: World) -> None:
    assert "trained with XGBoost 2.1.4" in refused(world, world.register(manifest={"xgboost_version": "2.1.4"}))


def test_a_package_without_its_artifact_is_refused(world: World) -> None:
    arn = world.register()
    client("s3").delete_object(Bucket=BUCKET, Key="models/7/model.tar.gz")
    assert "is not there" in refused(world, arn)


def test_an_endpoint_without_a_baseline_refuses_every_package(world: World) -> None:
    world.sagemaker.configs["fraud-first"]["ProductionVariants"][0]["VariantName"] = "AllTraffic"
    world.sagemaker.live["ProductionVariants"][0]["VariantName"] = "AllTraffic"
    assert "has no baseline to compare with" in refused(world, world.register())


def test_an_endpoint_that_is_not_in_service_refuses_every_package(world: World) -> None:
    world.sagemaker.status = "Failed"
    assert "the endpoint is Failed" in refused(world, world.register())


def test_a_refusal_that_nobody_heard_of_is_tried_again(world: World) -> None:
    arn = world.register(ModelApprovalStatus="Rejected")
    world.wire.refuse("publish")
    with pytest.raises(ClientError):
        ask("one", model_package_arn=arn)


def test_an_endpoint_that_was_never_deployed_is_an_error_that_says_what_to_do(world: World) -> None:
    ledger.delete_frame("fraud")
    with pytest.raises(ledger.NotFound, match="deploy its Serving stack first"):
        ask("one", model_package_arn=world.register())


def test_a_stopped_execution_is_followed_by_the_next_one_that_asks(world: World) -> None:
    first, second = world.execution("one"), world.execution("two")
    known = world.at(CANARY, execution=first)
    assert ask(second, release_id=known.id)["next"] == "duplicate"
    client("stepfunctions").stop_execution(executionArn=first)
    turn = ask(second, release_id=known.id)
    assert (turn["next"], turn["phase"]) == ("shift", "CANARY")
    assert ledger.release(known.id).execution == second


def test_an_execution_that_hands_over_is_followed_while_it_still_runs(world: World) -> None:
    first, second = world.execution("one"), world.execution("two")
    known = world.release(execution=first)
    assert ask(second, release_id=known.id, hands_over=first, model_package_arn="")["next"] == "shift"
    third = ask(world.execution("three"), release_id=known.id, hands_over=first, model_package_arn="")
    assert third["next"] == "duplicate", "a repeated hand-over finds the second one driving"


def test_a_release_taken_up_again_while_rolling_back_goes_on_rolling_back(world: World) -> None:
    known = world.entered(rel.roll_back(world.at(CANARY), START, "bad"))
    turn = ask("two", release_id=known.id)
    assert (turn["next"], turn["phase"]) == ("roll_back", Phase.ROLLING_BACK)


def test_an_unknown_release_is_an_error(world: World) -> None:
    with pytest.raises(ledger.NotFound, match=r"no release fraud.9.000000"):
        ask("one", release_id="fraud.9.000000")
