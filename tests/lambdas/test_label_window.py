"""Labels joined with a window's requests once they are due: by id, in time, once."""

import json
from typing import Any

import pytest

from lambdas import detect_drift, feedback, label_window, merge_window
from lambdas.aws import history, profiling
from slipway import codec, names
from slipway.windows import Monitor
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR
from tests.lambdas.world import CONTEXT, START, World

DUE = START + HOUR + MONITOR["label_hours"] * HOUR


@pytest.fixture(autouse=True)
def counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of 20 requests, counted."""
    profiling._serving.cache_clear()
    monkeypatch.setenv("ENDPOINTS", "fraud")
    traffic.baseline(windows=24)
    traffic.capture(START + 300, rows=20)
    world.clock.at = START + HOUR + 600
    for window in traffic.plan()["count"]:
        merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT)


def ids() -> list[str]:
    (key,) = traffic.keys("capture/")
    return [json.loads(line)["eventMetadata"]["inferenceId"] for line in traffic.get(key).splitlines()]


def give(world: World, labels: dict[str, int], at: float, **source: str) -> None:
    world.clock.at = max(at, world.clock.at)
    listed = [{"id": id, "label": label, **source} for id, label in labels.items()]
    feedback.handler({"endpoint": "fraud", "labels": listed, "collected_at": at}, CONTEXT)


def join(world: World) -> list[dict[str, Any]]:
    world.clock.at = DUE
    planned = traffic.plan()
    return [label_window.handler({"monitor": MONITOR, "window": w, "execution": ""}, CONTEXT) for w in planned["label"]]


def test_labels_that_came_in_time_are_joined_and_those_that_did_not_are_missing(world: World) -> None:
    give(world, dict.fromkeys(ids()[:12], 1), START + 1800)
    give(world, dict.fromkeys(ids()[12:15], 0), DUE - 60)
    give(world, dict.fromkeys(ids()[15:], 1), DUE + 60)
    (done,) = join(world)
    assert (done["labelled"], done["rows"]) == (15, 20)
    window = traffic.window(START, names.LABELLED)
    assert (window.labelled.n, window.labelled.positives, window.rows) == (15, 12, 20)
    assert window.columns == traffic.window(START).columns
    assert join(world) == []


def test_a_label_given_twice_counts_once_and_a_changed_one_is_known_as_such(world: World) -> None:
    first, second = ids()[:2]
    give(world, {first: 1, second: 0}, START + 1800, annotator="ana")
    give(world, {first: 1}, START + 1800, annotator="ana")
    give(world, {second: 1}, START + 3000, annotator="ana")
    join(world)
    labelled = traffic.window(START, names.LABELLED).labelled
    assert (labelled.n, labelled.positives, labelled.changed) == (2, 2, 1)
    assert [source.name for source in labelled.sources] == ["annotator:ana"]


def test_the_verdict_reads_the_labelled_window_and_says_how_much_of_it_is_labelled(world: World) -> None:
    give(world, dict.fromkeys(ids()[:10], 1), START + 1800)
    join(world)
    look = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}
    detect_drift.handler({"monitor": MONITOR, "look": look}, CONTEXT)
    assert world.cloudwatch.put["LabelCoverage",] == 0.5


def test_labelled_windows_are_remembered_however_many_newer_ones_wait_for_their_labels(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LONGEST", 1)
    give(world, dict.fromkeys(ids(), 1), START + 1800)
    join(world)
    for window in traffic.plan()["count"]:
        merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT)
    seen = history.windows(codec.decode(Monitor, MONITOR), "baseline", world.clock.at)
    assert [(window.since - START) / HOUR for window in seen] == [0, 1]
    assert [window.profile.labelled.n for window in seen] == [20, 0]


def test_a_window_whose_baseline_is_gone_is_left_unlabelled(world: World) -> None:
    world.delete("monitoring/fraud/baselines/first/reference.json")
    assert [done["labelled"] for done in join(world)] == [0]
    assert traffic.keys("monitoring/fraud/labelled/") == []
