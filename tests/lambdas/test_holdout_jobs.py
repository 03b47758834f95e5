"""The comparison of a package's holdout with recent requests: when a look plans one, and what it is given."""

import json
from typing import Any

import pytest

from lambdas.aws import baselines, holdout_jobs, profiling
from slipway.holdouts import Evaluated
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR
from tests.lambdas.world import BUCKET, START, World

ASKED = {**MONITOR, "holdout_hours": 10, "image": "image"}
ROWS = Evaluated("retraining/fraud/run/dataset/holdout", "models/run/model.tar.gz")
NOW = START + 10 * HOUR


@pytest.fixture(autouse=True)
def asked(world: World) -> None:
    """Ten hours of traffic, a request an hour."""
    profiling._serving.cache_clear()
    traffic.baseline()
    baselines.evaluated("fraud", "first", ROWS)
    for hour in range(10):
        traffic.capture(START + hour * HOUR + 60, rows=10, seed=hour)
    world.clock.at = NOW


def planned(monitor: dict[str, Any] = ASKED) -> list[dict[str, Any]]:
    return list(traffic.plan(monitor)["compare"])


def given(job: dict[str, Any], channel: str) -> list[str]:
    key = f"{job['folder'].removeprefix(f's3://{BUCKET}/')}/{channel}.manifest"
    first, *keys = json.loads(traffic.get(key))
    assert first == {"prefix": f"s3://{BUCKET}/"}
    return keys


def test_a_job_is_planned_with_the_traffic_of_the_whole_period(world: World) -> None:
    (job,) = planned()
    assert job["name"] == f"fraud-holdout-first-{NOW / 60:.0f}"
    assert (job["holdout"], job["model"]) == (f"s3://{BUCKET}/{ROWS.holdout}/", f"s3://{BUCKET}/{ROWS.model}")
    assert job["output"] == f"s3://{BUCKET}/monitoring/fraud/baselines/first"
    assert given(job, "capture") == traffic.keys("capture/fraud/baseline/")
    assert given(job, "labels") == ["monitoring/fraud/baselines/first/evaluated.json"]
    assert "--labels" not in job["arguments"] and "--joint" not in job["arguments"]


def test_rows_with_labels_are_compared_with_requests_that_have_one(world: World) -> None:
    baselines.evaluated("fraud", "first", Evaluated(ROWS.holdout, ROWS.model, labelled=True, joint=True))
    world.later(2 * HOUR)
    assert planned() == []  # there are no labels
    label = f"ground-truth/fraud/{traffic.counted.when(START)[:-3]}/30-00-000-x.jsonl"
    traffic.put(label, "{}")
    (job,) = planned()
    assert given(job, "labels") == [label]
    assert job["arguments"][-3:] == ["--labels", "/opt/ml/processing/labels", "--joint"]


def test_what_a_job_is_given_is_thinned_to_a_size(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = traffic.keys("capture/fraud/baseline/")
    size = len(traffic.get(keys[0]))
    monkeypatch.setattr(holdout_jobs, "CAPTURED", 5 * size)
    (job,) = planned()
    assert given(job, "capture") in (keys[::2], keys[::3])


@pytest.mark.parametrize(("status", "again"), [("InProgress", False), ("Completed", False), ("Failed", True)])
def test_a_job_is_not_planned_twice_and_a_failed_one_again_a_seventh_of_the_period_later(
    world: World, status: str, again: bool
) -> None:
    (job,) = planned()
    world.sagemaker.processing[job["name"]] = status
    assert planned() == []
    world.later(1.5 * HOUR)
    traffic.capture(NOW + HOUR, rows=10)
    assert bool(planned()) is again


def test_nothing_is_compared_for_a_package_of_which_nobody_said_what_it_was_evaluated_on(world: World) -> None:
    traffic.delete("monitoring/fraud/baselines/first/evaluated.json")
    assert planned() == []


def test_traffic_that_begins_late_does_not_stand_for_the_period(world: World) -> None:
    for key in traffic.keys("capture/fraud/baseline/")[:2]:
        traffic.delete(key)
    assert planned() == []
