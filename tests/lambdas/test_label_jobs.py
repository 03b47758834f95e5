"""Windows whose labels a job joins: when, of what, and with the same result."""

import json
from pathlib import Path
from typing import Any

import pytest

from lambdas import feedback, label_window, merge_window
from lambdas.aws import job_inputs, label_jobs, profiling
from monitoring import job
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.windows import Engine, Monitor
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR
from tests.lambdas.world import BUCKET, CONTEXT, START, World

DUE = START + HOUR + MONITOR["label_hours"] * HOUR
STEM = "fraud-label-b-202701150800"
ALWAYS = {**MONITOR, "job_megabytes": 0}
OUTPUT = "monitoring/fraud/labelled/baseline/2027/01/15/08"


@pytest.fixture(autouse=True)
def labelled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counted window of 60 requests in three objects, replayed rows and a broken line among them; 40 have a label."""
    profiling._serving.cache_clear()
    monkeypatch.setenv("ENDPOINTS", "fraud")
    traffic.baseline()
    keys = [traffic.capture(START + 1200 * i, rows=20, seed=i) for i in range(3)]
    replayed = traffic.line(START + 60, "0.1,a", 0.1, f"{names.PROBE_ID}-baseline-1")
    traffic.put(keys[0], f"{traffic.get(keys[0])}\n{replayed}\n{{broken")
    traffic.capture(START - 60)
    traffic.capture(START + HOUR)
    ids = [json.loads(text)["eventMetadata"]["inferenceId"] for key in keys[1:] for text in traffic.get(key).split()]
    for at, some in ((START + 1800, ids[:30]), (DUE - 60, ids[30:]), (DUE + 60, ids[:5])):
        world.clock.at = at
        given = [{"id": id, "label": len(id) % 2, "annotator": "ana"} for id in some]
        feedback.handler({"endpoint": "fraud", "labels": given, "collected_at": at}, CONTEXT)
    world.clock.at = DUE
    window = {"variant": "baseline", "since": START}
    merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT)


def label(monitor: dict[str, Any] = ALWAYS, execution: str = "") -> dict[str, Any]:
    window = {"variant": "baseline", "since": START}
    return label_window.handler({"monitor": monitor, "window": window, "execution": execution}, CONTEXT)


def mount(told: dict[str, Any], folder: Path) -> list[str]:
    """Lays a job's inputs out below a folder, as SageMaker does below its mount; the words of the command."""
    prefix = told["folder"].removeprefix(f"s3://{BUCKET}/")
    for channel in ("capture", "labels"):
        first, *paths = json.loads(traffic.get(f"{prefix}/{channel}.manifest"))
        for path in paths:
            target = folder / channel / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(traffic.get(first["prefix"].removeprefix(f"s3://{BUCKET}/") + path))
    (folder / "given").mkdir()
    (folder / "given/reference.json").write_text(traffic.get(f"{prefix}/reference.json"))
    return [word.replace(job_inputs.MOUNTED, str(folder)) for word in told["arguments"]]


def test_the_job_makes_the_file_that_the_function_would_have_made(tmp_path: Path) -> None:
    told = label()["job"]
    assert traffic.keys(OUTPUT) == []
    assert job.main(mount(told, tmp_path)) == 0
    (made,) = (tmp_path / "output").iterdir()
    assert label(MONITOR)["engine"] == Engine.FUNCTION
    assert traffic.keys(OUTPUT) == [f"{OUTPUT}/{made.name}"]
    assert told["output"] == f"s3://{BUCKET}/{OUTPUT}"
    of_job, of_function = codec.loads(Profile, made.read_text()), traffic.window(START, names.LABELLED)
    assert of_job == of_function
    assert (of_job.records, of_job.rows, of_job.labelled.n) == (61, 60, 40)


def test_a_job_says_what_it_is_given_and_where_its_volume_ends() -> None:
    said = label()
    assert (said["engine"], said["variant"], said["since"]) == (Engine.EMBEDDED, "baseline", START)
    told = said["job"]
    assert (told["name"], told["folder"]) == (f"{STEM}-1", f"s3://{BUCKET}/jobs/fraud/{STEM}")
    assert (told["volume"], told["instance_type"]) == (30, "ml.m5.xlarge")


def test_still_more_goes_to_spark() -> None:
    said = label({**ALWAYS, "spark_megabytes": 0})
    assert said["engine"] == Engine.SPARK and said["job"]["arguments"][:3] == ["profile", "--engine", "spark"]


@pytest.mark.parametrize(
    ("size", "engine"),
    [
        (10**8 - 1, Engine.FUNCTION),
        (10**8, Engine.EMBEDDED),
        (2 * 10**9 - 1, Engine.EMBEDDED),
        (2 * 10**9, Engine.SPARK),
    ],
)
def test_bytes_choose_the_engine(size: int, engine: Engine) -> None:
    assert Monitor("fraud").engine(size) is engine


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_while_a_job_is_at_it_no_other_is_started(world: World, status: str) -> None:
    world.sagemaker.processing = {f"{STEM}-1": "Failed", f"{STEM}-2": status}
    assert (label()["engine"], label()["job"]) == ("under way", None)


def test_after_a_failure_another_job_tries_and_not_for_ever(world: World) -> None:
    world.sagemaker.processing = {f"{STEM}-1": "Failed", "fraud-label-b-202701150900-1": "InProgress"}
    assert label()["job"]["name"] == f"{STEM}-2"
    world.sagemaker.processing |= {f"{STEM}-2": "Stopped", f"{STEM}-3": "Completed"}
    with pytest.raises(label_jobs.Unjoined, match="3 jobs fraud-label-b-202701150800-"):
        label()


def test_without_labels_there_is_nothing_to_join_however_much_was_captured() -> None:
    for key in traffic.keys("ground-truth/"):
        traffic.delete(key)
    assert (label()["engine"], label()["labelled"]) == (Engine.FUNCTION, 0)
    assert traffic.window(START, names.LABELLED) == traffic.window(START)


def test_the_longest_names_are_sagemakers_longest() -> None:
    assert len(names.label_job("e" * 40, names.BASELINE, "202701150800") + "-1") == 63


def test_a_window_that_a_job_joined_is_not_planned_again(world: World, tmp_path: Path) -> None:
    due = traffic.plan(MONITOR)["label"]
    assert due == [{"variant": "baseline", "since": START}]
    told = label()["job"]
    job.main(mount(told, tmp_path))
    (made,) = (tmp_path / "output").iterdir()
    traffic.put(f"{OUTPUT}/{made.name}", made.read_text())
    assert traffic.plan(MONITOR)["label"] == []


def test_while_a_job_joins_labels_the_next_look_counts(world: World) -> None:
    one, two = world.execution("one"), world.execution("two")
    traffic.plan(MONITOR, one)
    traffic.capture(START + HOUR + 60)
    assert traffic.plan(MONITOR, two)["count"] == []
    label(execution=one)
    assert START + HOUR in [window["since"] for window in traffic.plan(MONITOR, two)["count"]]
    label(execution=one)
    assert traffic.plan(MONITOR, one)["count"] == [], "it is the other's turn now"
