"""Labels of a window, joined by a function, by a job and by Spark in a job: the same file, whoever made it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.windows import Engine
from tests.monitoring.same import assert_same, assert_same_labels
from tests.stories.drifting import SHORT, Drifting, prepare, unwatch
from tests.stories.site import Site, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
RATE = 500.0  # requests a real second: two megabytes a window, of which labels are few
LABELS = ("--label-delay", "30", "--label-share", "0.3")  # virtual seconds
SENT = 900.0  # virtual seconds: at least one whole window
SETTLED = 600.0  # virtual seconds: a window and what it takes to settle
NOW = {**SHORT, "endpoint": ENDPOINT, "label_hours": 0, "job_megabytes": 1}
PATIENCE = 240.0


@pytest.fixture(scope="module")
def watched(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drifting]:
    """Requests of a quarter of an hour with their labels, and then silence. The schedule itself never labels."""
    try:
        made = prepare(site, tmp_path_factory.mktemp("labels"))
        site.deploy(monitor="slipway", drift={**SHORT, "label_hours": 720})
        site.world.start_users(RATE, site.world.slice("stream"), *LABELS)
        begun = site.now()
        until(lambda: site.now() > begun + SENT, "requests were sent and labelled")
        site.world.stop()
        until(lambda: site.now() > begun + SENT + SETTLED, "the last window is closed")
        # The traffic since monitoring was last on comes before it.
        counted = lambda: made.verdicts()[-1:] and made.verdicts()[-1]["since"] > begun + SENT / 2  # noqa: E731
        until(counted, "the windows are counted", PATIENCE)
        yield made
    finally:
        unwatch(site)


def look(site: Site, **settings: Any) -> dict[str, Any]:
    """What a look with these settings has done, once it has."""
    states = site.client("stepfunctions")
    given = json.dumps({"monitor": {**NOW, **settings}})
    execution = states.start_execution(stateMachineArn=site.machine(names.MONITOR), input=given)["executionArn"]
    seen = until(lambda: _ended(states.describe_execution(executionArn=execution)), "the look has ended", PATIENCE)
    assert seen["status"] == "SUCCEEDED", seen
    return dict(json.loads(seen["output"]))


def label(site: Site, **settings: Any) -> list[dict[str, Any]]:
    """What looks have labelled; one that meets a scheduled one at work leaves it the turn."""
    return until(lambda: look(site, **settings)["label"], "a look has had its turn", PATIENCE)


def _ended(execution: dict[str, Any]) -> dict[str, Any] | None:
    return None if execution["status"] == "RUNNING" else execution


def labelled(watched: Drifting) -> dict[str, Profile]:
    """Windows with labels, by key."""
    found = watched.objects(names.monitored(ENDPOINT, names.LABELLED, names.BASELINE))
    profiles = {key: codec.loads(Profile, body.decode()) for key, body in found.items()}
    return {key: profile for key, profile in profiles.items() if profile.labelled.n}


def jobs(site: Site) -> dict[str, str]:
    """Statuses of label jobs, by name."""
    pages = site.client("sagemaker").get_paginator("list_processing_jobs").paginate(NameContains="-label-")
    listed = [job for page in pages for job in page["ProcessingJobSummaries"]]
    return {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in listed}


def test_one_process_joins_a_window_as_the_function_does(site: Site, watched: Drifting) -> None:
    done = [window for window in label(site) if window["engine"] == Engine.EMBEDDED]
    by_job = labelled(watched)
    assert done and list(jobs(site).values()) == ["Completed"] * len(done)
    found = []
    for window in done:
        monitor = {**NOW, "job_megabytes": 1_000_000}
        payload = json.dumps({"monitor": monitor, "window": {key: window[key] for key in ("variant", "since")}})
        name = names.function("label_window")
        answer = site.client("lambda").invoke(FunctionName=name, Payload=payload)
        said = json.loads(answer["Payload"].read())
        assert said["engine"] == Engine.FUNCTION
        found.append(said["labelled"])
    assert max(found) > 100
    assert labelled(watched) == by_job


def test_spark_joins_it_once_more_in_a_job_that_the_next_look_leaves_alone(site: Site, watched: Drifting) -> None:
    before = labelled(watched)
    key, expected = max(before.items(), key=lambda item: item[1].labelled.n)
    site.client("s3").delete_object(Bucket=site.world.outputs()["BucketName"], Key=key)
    engines = [window["engine"] for window in label(site, spark_megabytes=1)]
    assert engines.count(Engine.SPARK) == 1
    found = labelled(watched)[key]
    assert_same(found, replace(expected, labelled=found.labelled))
    assert_same_labels(found.labelled, expected.labelled)
    assert {name[-1] for name in jobs(site)} == {"1", "2"}
    assert not [window for window in look(site)["label"] if window["engine"] != Engine.FUNCTION]
