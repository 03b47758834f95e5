"""A better candidate is released to everybody, and what has been declared stays as it was declared."""

from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import names
from slipway.lineage import CANDIDATE, CHAMPION
from tests.stories import tracked
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox


@dataclass
class Told:
    release: dict[str, Any]
    phases: list[tuple[str, float]]
    subjects: list[str]
    lost: int
    before: dict[str, Any]


@pytest.fixture(scope="module")
def told(site: Site) -> Told:
    before, lost, said = site.endpoint(), site.lost(), len(site.messages())
    release_id = site.started(site.approve())
    release = site.reaches(release_id, "PROMOTED", within=180)
    phases = [(line["what"], line["weight"]) for line in site.history(release_id) if line["what"] != "verdict"]
    subjects = [message["subject"] for message in site.messages()[said:]]
    return Told(release, phases, subjects, site.lost() - lost, before)


def test_a_good_candidate_goes_through_every_phase_in_order(told: Told) -> None:
    steps = [("CREATED", 0), ("SHADOW", 0), ("CANARY", 25), ("BAKE", 100)]
    assert told.phases == [*steps, ("SETTLING", 100), ("PROMOTED", 100)]


def test_every_advance_rests_on_a_verdict_with_numbers(site: Site, told: Told) -> None:
    moves = [line for line in site.history(told.release["id"]) if line["what"] in ("CANARY", "BAKE", "SETTLING")]
    for move in moves:
        assert (move["by"], move["verdict"]["decision"]) == ("judge", "NON_INFERIOR")
        assert {finding["guardrail"] for finding in move["verdict"]["findings"]} >= {"errors", "latency", "invalid"}


def test_no_user_lost_a_request_to_the_release(told: Told) -> None:
    assert told.lost == 0


def test_the_candidate_is_the_only_baseline_afterwards(site: Site, told: Told) -> None:
    candidate = names.model(told.release["id"])
    assert site.served() == {names.BASELINE: candidate}
    assert site.weight(names.BASELINE) > 0
    running = site.world.dataplane()["variants"]
    assert {name: variant["model"] for name, variant in running.items()} == {names.BASELINE: candidate}


def test_the_former_config_and_model_are_kept_for_a_way_back(site: Site, told: Told) -> None:
    former = site.config(told.before["EndpointConfigName"])
    assert site.client("sagemaker").describe_model(ModelName=former["ProductionVariants"][0]["ModelName"])


def test_no_alarm_fires_after_a_good_release(site: Site, told: Told) -> None:
    seen = site.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in seen["MetricAlarms"] + seen["CompositeAlarms"]}
    ours = {name: state for name, state in states.items() if name.startswith(f"{names.PREFIX}-{ENDPOINT}-")}
    assert len(ours) == len(names.ROLES) * (len(names.SIGNALS) + 1)
    assert set(ours.values()) == {"OK"}


def test_people_are_told_of_each_move_in_order(told: Told) -> None:
    said = [subject.split(":")[0] for subject in told.subjects if told.release["id"] in subject]
    assert said == ["STARTED", "ADVANCED", "ADVANCED", "PROMOTING", "PROMOTED"]


def test_the_execution_ends_in_success(site: Site, told: Told) -> None:
    execution = site.client("stepfunctions")
    arn = told.release["execution"]
    assert until(lambda: execution.describe_execution(executionArn=arn)["status"] != "RUNNING", "the execution ends")
    assert execution.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_mlflows_champion_is_what_serves(site: Site, told: Told) -> None:
    until(lambda: tracked.package(site, CHAMPION) == told.release["package"], "MLflow's champion has moved")
    until(lambda: tracked.version(site, CANDIDATE) is None, "nothing is on its way in MLflow")


def test_cdk_diff_is_empty_after_a_release(site: Site, told: Told) -> None:
    printed = site.world.cdk.run("diff", "--all", "--fail", "-c", site.context())
    assert "differences: 0" in printed or printed.count("no differences") >= 3, printed


def test_a_deployment_after_a_release_changes_nothing(site: Site, told: Told) -> None:
    before, containers = site.endpoint(), site.containers()
    site.deploy()
    after = site.endpoint()
    for answer in (before, after):
        answer.pop("ResponseMetadata")
    assert (after, site.containers()) == (before, containers)
