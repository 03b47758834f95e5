"""Settling: the candidate becomes the baseline."""

from typing import Any

import pytest

from lambdas import settle
from lambdas.aws import ledger, serving
from slipway import names
from slipway import release as rel
from slipway.phases import Phase
from slipway.release import Release
from tests.lambdas.wire import Refusal
from tests.lambdas.world import BAKE, CANARY, CONTEXT, World, history

DAY = 86400.0


def settling(world: World) -> Release:
    known = world.entered(rel.advance(world.at(BAKE), world.clock.at, "verdict"))
    world.wire.calls.clear()
    return known


def until_settled(release_id: str) -> dict[str, Any]:
    for _ in range(10):
        turn = settle.handler({"release_id": release_id}, CONTEXT)
        if turn["next"] != "settle":
            return turn
        assert turn["wait_seconds"] > 0
    raise AssertionError(turn)


def test_the_candidate_becomes_the_baseline_and_the_endpoint_is_free_again(world: World) -> None:
    known = settling(world)
    turn = until_settled(known.id)
    assert (turn["next"], turn["phase"], turn["reason"]) == ("promoted", "PROMOTED", "verdict")
    assert [v["VariantName"] for v in world.sagemaker.live["ProductionVariants"]] == ["baseline"]
    assert serving.baseline_model(world.sagemaker.config) == known.candidate
    assert world.scaling.targets == {names.scalable_target("fraud", "baseline"): (1, 8)}
    assert ledger.in_progress("fraud") is None
    assert history(known.id)[-1] == ("PROMOTED", "settle")
    assert world.told() == [f"PROMOTED: fraud release {known.id}"] and world.emitted() == [names.PROMOTED]


def test_a_candidate_that_does_not_answer_as_the_baseline_is_not_promoted(world: World) -> None:
    known = settling(world)
    world.runtime.answers["baseline"] = Refusal("ModelError", "Received server error (500)")
    with pytest.raises(serving.ProbeFailed, match="variant baseline"):
        until_settled(known.id)
    assert ledger.release(known.id).phase is Phase.SETTLING and world.emitted() == []


def old(world: World) -> str:
    """A model that a release made ten days ago."""
    name = "fraud-1-aaaaaa"
    world.sagemaker.create_model(name)
    world.later(10 * DAY)
    return name


def test_what_older_releases_left_is_cleared_away_and_this_ones_kept(world: World) -> None:
    left = old(world)
    known = settling(world)
    until_settled(known.id)
    assert left not in world.sagemaker.models and {known.candidate, known.baseline} <= set(world.sagemaker.models)
    assert known.baseline_config in world.sagemaker.configs


def test_the_config_a_release_went_over_from_outlives_it(world: World) -> None:
    known = settling(world)
    until_settled(known.id)
    assert {"fraud-first", names.endpoint_config(known.id, "canary")} <= set(world.sagemaker.configs)


def test_a_failure_to_clear_away_does_not_take_the_promotion_back(world: World) -> None:
    old(world)
    known = settling(world)
    world.wire.refuse("delete_model", "AccessDeniedException", "not authorized")
    with pytest.raises(Exception, match="not authorized"):
        until_settled(known.id)
    assert until_settled(known.id)["next"] == "promoted"
    assert world.emitted() == [names.PROMOTED]


def test_a_release_that_is_not_settling_is_handed_on(world: World) -> None:
    known = world.at(CANARY)
    assert settle.handler({"release_id": known.id}, CONTEXT)["next"] == "shift"
    assert ledger.release(known.id) == known
