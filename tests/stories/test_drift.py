"""Drift in a live endpoint: silence while there is none, the right name for what there is, and an end to it."""

import json
from collections.abc import Iterator

import pytest

from lambdas.aws import capture, counted
from sandbox.demo.world import ENDPOINT
from slipway import codec, names
from slipway.drift.findings import Holdout
from tests.stories.drifting import Drifting, delete, unwatch, watch
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def drifting(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drifting]:
    try:
        yield watch(site, tmp_path_factory.mktemp("drift"))
    finally:
        unwatch(site)


def test_steady_traffic_is_watched_in_silence(drifting: Drifting) -> None:
    verdicts = drifting.verdicts()
    assert [v["reasons"] for v in verdicts if v["remedy"] != "NOTHING"] == []
    assert drifting.subjects() == []
    assert until(lambda: drifting.alarm("feature") == "OK", "the alarm knows that all is well")


def test_every_captured_record_is_counted_once(drifting: Drifting) -> None:
    windows = drifting.objects(names.monitored(ENDPOINT, names.PROFILES, names.BASELINE))
    captured = drifting.objects(f"{names.CAPTURE}/{ENDPOINT}/{names.BASELINE}")
    sources = [(capture.source(key), body.decode().splitlines()) for key, body in captured.items()]
    for key, body in windows.items():
        since = counted.at(key)
        own = [line for source, lines in sources if source and since <= source.at < since + 300 for line in lines]
        assert json.loads(body)["records"] == sum(names.PROBE_ID not in line for line in own)
    assert sum(json.loads(body)["records"] for body in windows.values()) > 1000
    assert not drifting.objects(names.monitored(ENDPOINT, names.QUARANTINE))


def test_golden_rows_score_as_they_did(drifting: Drifting) -> None:
    probes = drifting.objects(names.monitored(ENDPOINT, names.PROBES, names.BASELINE))
    assert probes
    assert not any("golden rows" in reason for v in drifting.verdicts() for reason in v["reasons"])


def test_the_rows_that_the_model_was_evaluated_on_are_compared_with_its_requests_by_themselves(
    drifting: Drifting,
) -> None:
    beside = drifting.evaluate_on(drifting.rows)
    ((_, body),) = until(lambda: drifting.objects(beside, "/holdout.json").items(), "a job has compared them")
    delete(drifting.site, f"{beside}/evaluated.json")  # what is told of the next comparison is another story
    found = codec.loads(Holdout, body.decode())
    assert found.test is not None and found.test.older == 5000 and found.test.recent > 1000
    assert abs(found.test.auc - 0.5) < 0.1
    assert [v["reasons"] for v in drifting.verdicts() if v["remedy"] != "NOTHING"] == []


def test_a_feature_that_shifts_is_named_and_when_it_is_as_before_it_is_over(drifting: Drifting) -> None:
    name = drifting.important
    shifted = drifting.rows.assign(**{name: drifting.rows[name] + 2 * drifting.rows[name].std()})
    drifting.send(shifted)
    (verdict,) = until(lambda: [v for v in drifting.verdicts() if v["remedy"] == "RETRAIN"][:1], "the shift is seen")
    assert name in {finding["subject"] for finding in verdict["findings"] if finding["alarming"]}
    assert until(lambda: drifting.alarm("feature") == "ALARM", "the alarm says so")
    assert drifting.subjects()[0].startswith(f"RETRAIN: {ENDPOINT} baseline drifts: ")
    drifting.send(drifting.rows)
    assert until(lambda: drifting.alarm("feature") == "OK", "the alarm is over")
    assert drifting.subjects()[-1] == f"DRIFT OVER: {ENDPOINT} baseline"


def test_looks_succeed(drifting: Drifting) -> None:
    failed = drifting.site.client("cloudwatch").describe_alarms(AlarmNamePrefix=names.MONITOR, StateValue="ALARM")
    assert failed["MetricAlarms"] == []
