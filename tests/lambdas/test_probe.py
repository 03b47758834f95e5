"""Golden rows replayed past the weights: what was asked, what is kept, and when nobody asks."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import probe
from slipway import codec, names
from slipway.drift.findings import Probe
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import MONITOR
from tests.lambdas.wire import Made, Refusal
from tests.lambdas.world import CANARY, CONTEXT, World

LOOK = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}


def ask(**changes: Any) -> dict[str, Any]:
    return probe.handler({"monitor": MONITOR, "look": {**LOOK, **changes}}, CONTEXT)


def kept() -> Probe:
    (key,) = traffic.keys("monitoring/fraud/probes/")
    return codec.loads(Probe, traffic.get(key))


def test_the_rows_go_to_one_variant_in_one_request_that_says_whose_it_is(world: World) -> None:
    traffic.baseline(golden=3)
    world.runtime.answers["baseline"] = "0.1\n0.2\n0.3\n"
    assert ask() == {"probed": True, "unanswered": 0}
    (asked,) = world.wire.made("invoke_endpoint")
    assert (asked["EndpointName"], asked["TargetVariant"]) == ("fraud", "baseline")
    assert asked["Body"] == b"0.0,a\n0.1,a\n0.2,a"
    assert asked["InferenceId"].startswith(names.PROBE_ID) and len(asked["InferenceId"]) <= 64
    assert (kept().expected, kept().got) == ((0.1, 0.1, 0.1), (0.1, 0.2, 0.3))


def test_what_a_package_first_ran_on_is_what_it_is_compared_with_later(world: World) -> None:
    traffic.baseline(golden=1)
    for digest in ("one", "two"):
        world.sagemaker.live["ProductionVariants"][0]["DeployedImages"] = [{"ResolvedImage": f"image@sha256:{digest}"}]
        ask()
    recorded, found = dict(kept().recorded), dict(kept().found)
    assert (recorded["image"], found["image"]) == ("image@sha256:one", "image@sha256:two")
    assert recorded["instance_type"] == found["instance_type"] != ""


def test_an_answer_cut_short_or_not_finite_is_no_answer(world: World) -> None:
    traffic.baseline(golden=2)
    world.runtime.answers["baseline"] = "0.1\nnan\n"
    assert ask()["unanswered"] == 1
    world.runtime.answers["baseline"] = "0.1\n"
    world.later(60)
    assert ask()["unanswered"] == 2


def test_a_model_that_fails_on_them_has_not_answered_and_a_refused_call_is_tried_again(world: World) -> None:
    traffic.baseline(golden=2)
    world.runtime.answers["baseline"] = Refusal("ModelError", "500 from primary")
    assert ask()["unanswered"] == 2
    world.runtime.answers["baseline"] = Refusal("ThrottlingException", "Rate exceeded")
    with pytest.raises(ClientError, match="Rate exceeded"):
        ask()


def test_an_endpoint_that_is_changed_meanwhile_is_left_alone(world: World) -> None:
    traffic.baseline(golden=1)

    def change(call: Made) -> None:
        if call.method == "invoke_endpoint":
            world.sagemaker.status = "Updating"

    world.wire.before = change
    assert ask()["probed"] is False
    assert traffic.keys("monitoring/fraud/probes/") == []


def test_a_variant_is_not_asked_with_the_rows_of_a_model_it_no_longer_serves(world: World) -> None:
    traffic.baseline(version="7", golden=1)
    assert ask(version="7")["probed"] is False
    assert world.wire.made("invoke_endpoint") == []


def test_a_candidate_in_its_canary_is_asked_by_name_and_a_shadow_is_not(world: World) -> None:
    world.at(CANARY)
    traffic.baseline(version="7", golden=1)
    assert ask(variant="candidate", version="7", shadow=True)["probed"] is False
    assert ask(variant="candidate", version="7")["probed"] is True
    assert kept().variant == "candidate"


def test_without_golden_rows_there_is_nothing_to_ask(world: World) -> None:
    traffic.baseline()
    assert ask() == {"probed": False, "reason": "no golden rows"}
