"""What AWS does to a release: silent rollbacks, throttling, maintenance, executions that are stopped."""

import json

import pytest

from slipway import names
from tests.stories.site import Site, until
from tests.stories.test_admission import waits

pytestmark = pytest.mark.sandbox


def test_an_update_that_sagemaker_silently_takes_back_ends_the_release(site: Site) -> None:
    before, lost = site.served(), site.lost()
    site.switch(endpoint="fraud", next_update="silent_rollback")
    release_id = site.started(site.approve())
    until(lambda: site.release(release_id)["attempts"] == 1, "the first update was asked for")
    until(lambda: not site.switches()["next_update"], "the first update has met its fault")
    site.switch(endpoint="fraud", next_update="silent_rollback")
    release = site.reaches(release_id, "ROLLED_BACK")
    assert "UpdateRolledBack" in release["reason"]
    assert "SageMaker rolled the update back" in release["reason"]
    assert site.served() == before
    assert site.lost() == lost


def test_throttled_calls_and_maintenance_delay_a_release_but_do_not_end_it(site: Site) -> None:
    release_id = site.in_shadow()
    execution = site.release(release_id)["execution"]
    site.switch(endpoint="fraud", throttle=6, maintenance=True)
    site.operate("advance", "into the maintenance window")
    until(lambda: site.release(release_id)["phase"] == "CANARY", "the judge has moved the release on")
    waited = waits(site, execution)
    until(lambda: waits(site, execution) >= waited + 3, "shift waits for the endpoint")
    until(lambda: not any(site.switches()["throttle"].values()), "every throttled call was made")
    assert site.endpoint()["EndpointStatus"] == "SystemUpdating"
    assert site.endpoint()["EndpointConfigName"] == names.endpoint_config(release_id, "shadow")
    assert site.release(release_id)["attempts"] == 0
    site.switch()
    release = site.reaches(release_id, "CANARY")
    assert release["execution"] == execution
    assert site.weight() == 25


def test_a_stopped_release_is_taken_up_again_by_exactly_one_execution(site: Site) -> None:
    release_id = site.in_shadow()
    states = site.client("stepfunctions")
    stopped = site.release(release_id)["execution"]
    states.stop_execution(executionArn=stopped, cause="deploying")
    until(lambda: status(site, stopped) == "ABORTED", "the execution has been stopped")
    taken_up = site.start(release_id=release_id)
    until(lambda: site.release(release_id)["execution"] == taken_up, "the new execution drives the release")
    second = site.start(release_id=release_id)
    until(lambda: status(site, second) != "RUNNING", "a second one steps back")
    answer = json.loads(states.describe_execution(executionArn=second)["output"])
    assert (status(site, second), answer["next"]) == ("SUCCEEDED", "duplicate")
    site.operate("advance", "does it still move?")
    assert site.reaches(release_id, "CANARY")["execution"] == taken_up


def test_a_rollback_finds_somebody_to_finish_it_when_its_execution_was_stopped(site: Site) -> None:
    release_id = site.in_shadow()
    stopped = site.release(release_id)["execution"]
    site.client("stepfunctions").stop_execution(executionArn=stopped, cause="by mistake")
    until(lambda: status(site, stopped) == "ABORTED", "the execution has been stopped")
    site.operate("abort", "stop it all")
    assert site.reaches(release_id, "ROLLED_BACK")["execution"] != stopped


def status(site: Site, execution: str) -> str:
    return str(site.client("stepfunctions").describe_execution(executionArn=execution)["status"])
