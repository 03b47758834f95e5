"""Endpoints: what is observed, how planned calls are carried out, probes, and what is cleared away."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.aws import serving
from slipway import names, traffic
from slipway import release as rel
from slipway.release import Release
from slipway.traffic import Call, Running
from tests.lambdas.wire import Refusal
from tests.lambdas.world import CANARY, FRAME, SHADOW, World

DAY = 86400.0


def test_an_endpoint_is_observed_with_its_variants_and_their_limits(world: World) -> None:
    seen = serving.observe("fraud")
    assert (seen.status, seen.config, seen.failure) == ("InService", "fraud-first", "")
    assert seen.variants == (Running("baseline", 1.0, 2, 1.0, 2),) and seen.shadows == ()
    assert seen.targets == {"baseline": (1, 8)}


def test_a_shadow_is_observed_apart_from_production(world: World) -> None:
    known = world.at(SHADOW)
    seen = serving.observe("fraud")
    assert seen.config == names.endpoint_config(known.id, "shadow")
    assert [v.name for v in seen.variants] == ["baseline"] and [v.name for v in seen.shadows] == ["candidate"]


def test_a_change_under_way_and_a_failure_are_observed(world: World) -> None:
    world.sagemaker.status, world.sagemaker.failure = "Failed", "no capacity"
    seen = serving.observe("fraud")
    assert (seen.status, seen.failure) == ("Failed", "no capacity")


def test_a_variant_that_is_still_being_created_has_no_weight_and_no_instances(world: World) -> None:
    world.sagemaker.live = {"ProductionVariants": [{"VariantName": "baseline"}]}
    assert serving.observe("fraud").variants == (Running("baseline", 0.0, 0, 0.0, 0),)


def test_existence_is_asked_only_when_the_config_must_change(world: World, release: Release) -> None:
    observed = serving.observe("fraud")
    same = replace(rel.wanted(release, FRAME, observed), config="fraud-first")
    world.wire.calls.clear()
    assert serving.with_existing(observed, same) is observed and world.wire.calls == []
    shadow = rel.wanted(rel.advance(release, 0.0, "test"), FRAME, observed)
    asked = serving.with_existing(observed, shadow)
    assert (asked.models, asked.configs) == ({"fraud-first"}, frozenset())
    assert asked.types == {"baseline": "ml.m5.large"}


def test_where_the_running_config_was_deleted_no_instance_type_is_known(world: World, release: Release) -> None:
    observed = serving.observe("fraud")
    world.sagemaker.delete_endpoint_config("fraud-first")
    shadow = rel.wanted(rel.advance(release, 0.0, "test"), FRAME, observed)
    assert serving.with_existing(observed, shadow).types == {}


def test_a_refusal_to_describe_is_not_taken_for_absence(world: World, release: Release) -> None:
    observed = serving.observe("fraud")
    shadow = rel.wanted(rel.advance(release, 0.0, "test"), FRAME, observed)
    world.wire.refuse("describe_model", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        serving.with_existing(observed, shadow)


def planned(world: World, release: Release) -> tuple[Call, ...]:
    observed = serving.observe("fraud")
    wanted = rel.wanted(rel.advance(release, 0.0, "test"), FRAME, observed)
    return traffic.plan(wanted, serving.with_existing(observed, wanted)).calls


def test_what_exists_already_is_no_error(world: World, release: Release) -> None:
    calls = planned(world, release)
    assert [call.method for call in calls] == ["create_model", "create_endpoint_config", "update_endpoint"]
    serving.execute(calls[:2])
    serving.execute(calls)
    assert world.sagemaker.pending is not None


def test_a_scaling_target_that_is_gone_already_is_no_error(world: World) -> None:
    target = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    resource = names.scalable_target("fraud", "candidate")
    serving.execute([Call("application-autoscaling", "deregister_scalable_target", {**target, "ResourceId": resource})])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", 'Cannot update in-progress endpoint "arn".'),
        ("ResourceInUse", "in use"),
        ("ConcurrentUpdateException", "another scaling activity"),
    ],
)
def test_a_change_in_progress_is_a_busy_endpoint(world: World, release: Release, code: str, message: str) -> None:
    calls = planned(world, release)
    world.wire.refuse("update_endpoint", code, message)
    with pytest.raises(serving.EndpointBusy, match=message[:20]):
        serving.execute(calls)


@pytest.mark.parametrize("method", ["create_model", "create_endpoint_config", "update_endpoint"])
def test_any_other_error_is_raised_and_nothing_further_is_called(world: World, release: Release, method: str) -> None:
    calls = planned(world, release)
    world.wire.calls.clear()
    world.wire.refuse(method, "ResourceLimitExceeded", "0 Instances")
    with pytest.raises(ClientError, match="0 Instances"):
        serving.execute(calls)
    assert world.wire.calls[-1].method == method


def test_a_probe_asks_each_variant_past_the_weights(world: World) -> None:
    serving.probe("fraud", ["baseline", "candidate"], "1,2")
    asked = world.wire.made("invoke_endpoint")
    assert [call["TargetVariant"] for call in asked] == ["baseline", "candidate"]
    assert {(call["Body"], call["ContentType"]) for call in asked} == {(b"1,2", "text/csv")}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Refusal("ModelError", "Received server error (500)"), r"does not answer: .*\(500\)"),
        (ReadTimeoutError(endpoint_url="https://runtime"), "does not answer: Read timeout"),
        ("  \n", "answered ''"),
    ],
)
def test_a_failed_probe_names_the_variant_and_its_answer(world: World, answer: str | Exception, says: str) -> None:
    world.runtime.answers["candidate"] = answer
    with pytest.raises(serving.ProbeFailed, match=f"variant candidate of fraud {says}"):
        serving.probe("fraud", ["baseline", "candidate"], "1,2")


def test_an_answer_by_another_variant_fails_the_probe(world: World) -> None:
    world.runtime.answers_as["candidate"] = "baseline"
    with pytest.raises(serving.ProbeFailed, match="as baseline"):
        serving.probe("fraud", ["candidate"], "1,2")


def test_the_baselines_model_is_that_of_the_config(world: World) -> None:
    world.at(CANARY)
    assert serving.baseline_model(world.sagemaker.config) == "fraud-first"


def test_a_config_without_a_baseline_has_no_baseline_model(world: World) -> None:
    variant = {"VariantName": "AllTraffic", "ModelName": "fraud-first", "InitialInstanceCount": 1}
    world.sagemaker.create_endpoint_config("other", ProductionVariants=[variant])
    assert serving.baseline_model("other") == ""


def leftovers(world: World) -> None:
    """What two old releases, the user, and another endpoint's release made."""
    for name in ("fraud-1-aaaaaa", "fraud-2-bbbbbb", "fraud-eu-3-cccccc", "fraud-by-hand"):
        world.sagemaker.create_model(name)
        variant = {"VariantName": "baseline", "ModelName": name, "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
        for layout in ("canary", "settled"):
            world.sagemaker.create_endpoint_config(f"{name}-{layout}", ProductionVariants=[variant])


def test_only_what_old_releases_of_this_endpoint_made_is_cleared_away(world: World, release: Release) -> None:
    leftovers(world)
    known = world.at(CANARY)
    world.later(DAY)
    serving.clear_away("fraud", world.clock.at - 3600, keep=known)
    kept = {known.candidate, "fraud-first", "fraud-eu-3-cccccc", "fraud-by-hand"}
    assert set(world.sagemaker.models) == kept
    theirs = {f"{name}-{layout}" for name in ("fraud-eu-3-cccccc", "fraud-by-hand") for layout in ("canary", "settled")}
    own = {names.endpoint_config(known.id, layout) for layout in ("shadow", "canary")}
    assert set(world.sagemaker.configs) == {"fraud-first", *theirs, *own}


def test_what_the_release_went_over_from_is_kept_however_old(world: World, release: Release) -> None:
    leftovers(world)
    keep = replace(release, baseline="fraud-1-aaaaaa", baseline_config="fraud-1-aaaaaa-settled")
    serving.clear_away("fraud", world.later(DAY), keep=keep)
    ours = {name for name in world.sagemaker.models if names.made_by_release("fraud", name)}
    configs = {name for name in world.sagemaker.configs if names.made_by_release("fraud", name)}
    assert (ours, configs) == ({"fraud-1-aaaaaa"}, {"fraud-1-aaaaaa-settled"})


def test_what_is_younger_than_the_moment_is_kept(world: World, release: Release) -> None:
    leftovers(world)
    before = dict(world.sagemaker.models), dict(world.sagemaker.configs)
    serving.clear_away("fraud", world.clock.at - 1, keep=release)
    assert (world.sagemaker.models, world.sagemaker.configs) == before


def test_all_that_releases_made_goes_with_the_endpoint(world: World) -> None:
    leftovers(world)
    world.at(CANARY)
    serving.clear_all("fraud", world.later(1))
    assert set(world.sagemaker.models) == {"fraud-first", "fraud-eu-3-cccccc", "fraud-by-hand"}
    assert not [name for name in world.sagemaker.configs if names.made_by_release("fraud", name)]
    assert world.scaling.targets == {}


def test_names_are_listed_over_all_pages(world: World) -> None:
    for number in range(5):
        world.sagemaker.create_model(names.model(f"fraud.{number}.abcdef"))
    found = serving.made_by_releases("fraud", "models", world.later(1))
    assert len(found) == 5 and len(world.wire.made("list_models")) > 2
