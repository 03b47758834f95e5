"""One release in people's hands: moved on early, paused, redeployed under, resumed, promoted."""

from dataclasses import dataclass
from typing import Any

import pytest

from slipway import names
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox
CHANGED = {"instance_type": "ml.c5.large", "capture_percentage": 50, "max_instance_count": 3}
LOOKS = 5


@dataclass
class Picture:
    """What a deployment could take back."""

    endpoint: dict[str, Any]
    served: dict[str, str]
    containers: dict[str, int]
    release: dict[str, Any]


@dataclass
class Told:
    release_id: str
    paused: Picture
    redeployed: Picture
    ended: dict[str, Any]


def picture(site: Site, release_id: str) -> Picture:
    endpoint = site.endpoint()
    del endpoint["ResponseMetadata"]
    return Picture(endpoint, site.served(), site.containers(), site.release(release_id))


def minutes(release: dict[str, Any]) -> int:
    """Minutes of traffic that the judge has seen in this step."""
    return int(release["evidence"]["flow"]["minutes"])


@pytest.fixture(scope="module")
def told(site: Site) -> Told:
    release_id = site.in_canary()
    site.operate("pause", "lunch", by="ben@example.com")
    paused = picture(site, release_id)
    site.deploy(**CHANGED)
    enough = minutes(paused.release) + LOOKS
    until(lambda: minutes(site.release(release_id)) >= enough, "the judge looks on in a pause")
    redeployed = picture(site, release_id)
    site.operate("resume", "back from lunch", by="ben@example.com")
    return Told(release_id, paused, redeployed, site.reaches(release_id, "PROMOTED", within=180))


def test_an_operator_moves_a_release_on_before_its_time(site: Site, told: Told) -> None:
    canary = next(line for line in site.history(told.release_id) if line["what"] == "CANARY")
    assert canary["by"] == "operator"
    assert canary["verdict"]["decision"] == "UNDECIDED"


def test_a_pause_holds_while_the_judge_looks_on(told: Told) -> None:
    held = told.redeployed.release
    assert (held["phase"], held["step"], held["paused"]) == ("CANARY", 1, True)
    assert minutes(held) >= held["plan"]["steps"][1]["minutes"] + LOOKS


def test_a_deployment_in_a_canary_resets_neither_weights_nor_models_nor_counts(told: Told) -> None:
    assert told.redeployed.endpoint == told.paused.endpoint
    assert told.redeployed.served == told.paused.served
    assert told.redeployed.containers == told.paused.containers


def test_a_deployment_in_a_canary_leaves_the_release_as_it_was(told: Told) -> None:
    moving = ("evidence", "version", "holding", "paused")
    before, after = ({k: v for k, v in p.release.items() if k not in moving} for p in (told.paused, told.redeployed))
    assert after == before


def test_the_release_goes_on_to_its_end_after_a_deployment(site: Site, told: Told) -> None:
    assert site.served() == {names.BASELINE: names.model(told.release_id)}


def test_changed_settings_are_in_force_once_the_release_has_settled(site: Site, told: Told) -> None:
    settled = site.config(names.endpoint_config(told.release_id, "settled"))
    assert settled["ProductionVariants"][0]["InstanceType"] == CHANGED["instance_type"]
    assert settled["DataCaptureConfig"]["InitialSamplingPercentage"] == CHANGED["capture_percentage"]


def test_every_act_is_in_the_history_with_who_and_why(site: Site, told: Told) -> None:
    acts = [(line["what"], line["by"], line["reason"]) for line in site.history(told.release_id)]
    assert ("advance", "ana@example.com", "the shadow was watched in staging") in acts
    assert ("pause", "ben@example.com", "lunch") in acts
    assert ("resume", "ben@example.com", "back from lunch") in acts
