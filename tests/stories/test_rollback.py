"""Bad candidates among real users: back to the champion, and no request to the candidate after that."""

from typing import Any

import pytest

from slipway import names
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox
# Virtual seconds from the decision to weight 0: 20 of them SageMaker's, the rest a cold Lambda's at 60 times the speed.
SLOWEST = 600


def follow(site: Site, release_id: str) -> tuple[float, dict[str, Any]]:
    """When the candidate was first seen at weight 0, and its traffic as counted right then."""
    until(lambda: site.weight() == 0, f"the candidate of {release_id} is at weight 0")
    return site.now(), site.routed(names.model(release_id))


def assert_restored(site: Site, release_id: str, zero_at: float, at_zero: dict[str, Any]) -> dict[str, Any]:
    """A verified rollback: no request after weight 0, and the champion alone serves. Returns the release."""
    release = site.reaches(release_id, "ROLLED_BACK")
    after = site.routed(release["candidate"])
    assert after["routed"] == at_zero["routed"]
    assert after["last_routed_at"] <= zero_at
    assert site.served() == {names.BASELINE: release["baseline"]}
    endpoint = site.endpoint()
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == names.endpoint_config(release_id, "restored")
    assert set(site.containers()) == {names.BASELINE}
    return release


def decision(site: Site, release_id: str) -> dict[str, Any]:
    return next(line for line in site.history(release_id) if line["what"] == "ROLLING_BACK")


def test_an_outage_is_rolled_back_by_the_alarm(site: Site, record_testsuite_property: Any) -> None:
    release_id = site.in_canary()
    site.world.inject(names.CANDIDATE, {"error_rate": 1.0})
    zero_at, counters = follow(site, release_id)
    release = assert_restored(site, release_id, zero_at, counters)
    decided = decision(site, release_id)
    assert decided["by"] in (f"alarm {names.alarm('fraud', names.CANDIDATE)}", "judge")
    alarmed_at = went_to_alarm(site, since=release["created_at"])
    record_testsuite_property("alarm_to_zero_weight_s", round(zero_at - alarmed_at, 1))
    assert 0 < zero_at - min(alarmed_at, decided["at"]) < SLOWEST
    assert {m["subject"].split(":")[0] for m in site.messages() if release_id in m["subject"]} >= {
        "ROLLING BACK",
        "ROLLED BACK",
    }


def test_a_slow_candidate_is_rolled_back_by_the_judge(site: Site, record_testsuite_property: Any) -> None:
    release_id = site.in_canary()
    site.world.inject(names.CANDIDATE, {"extra_latency_ms": 10.0})
    zero_at, counters = follow(site, release_id)
    assert_restored(site, release_id, zero_at, counters)
    decided = decision(site, release_id)
    record_testsuite_property("verdict_to_zero_weight_s", round(zero_at - decided["at"], 1))
    assert (decided["by"], decided["verdict"]["decision"]) == ("judge", "REGRESSION")
    assert "median" in decided["reason"]
    assert zero_at - decided["at"] < SLOWEST


def test_an_operator_aborts_a_release_at_once(site: Site) -> None:
    release_id = site.in_canary()
    lost = site.lost()
    answer = site.operate("abort", "wrong model")
    assert (answer["release_id"], answer["phase"]) == (release_id, "ROLLING_BACK")
    zero_at, counters = follow(site, release_id)
    assert_restored(site, release_id, zero_at, counters)
    acts = [(line["what"], line["by"], line["reason"]) for line in site.history(release_id)]
    assert ("abort", "ana@example.com", "wrong model") in acts
    assert not [act for act in acts[acts.index(("abort", "ana@example.com", "wrong model")) :] if act[1] == "judge"]
    assert site.lost() == lost


def went_to_alarm(site: Site, since: float) -> float:
    """When the candidate's composite alarm first went to ALARM after a moment; virtual unix seconds."""
    found = site.client("cloudwatch").describe_alarm_history(
        AlarmName=names.alarm("fraud", names.CANDIDATE), AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate"
    )
    moments = [i["Timestamp"].timestamp() for i in found["AlarmHistoryItems"] if "to ALARM" in i["HistorySummary"]]
    return min(moment for moment in moments if moment >= since)
