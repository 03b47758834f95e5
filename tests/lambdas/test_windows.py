"""From objects to windows: what is planned, what is summed, and what becomes of what came late or never."""

from dataclasses import replace
from typing import Any

import pytest

from lambdas import merge_window, profile
from lambdas.aws import profiling
from lambdas.aws.clients import client
from slipway import names
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR, plan
from tests.lambdas.world import CANARY, CONTEXT, SHADOW, START, World


@pytest.fixture(autouse=True)
def fresh_minute() -> None:
    profiling._serving.cache_clear()


def count(planned: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        merge_window.handler({"monitor": planned["monitor"], "window": window}, CONTEXT) for window in planned["count"]
    ]


def test_a_window_is_counted_once_it_has_settled(world: World) -> None:
    traffic.baseline()
    traffic.capture(START + 300, rows=30)
    world.clock.at = START + HOUR + 599
    assert plan()["count"] == []
    world.later(1)
    planned = plan()
    assert planned["count"] == [{"variant": "baseline", "since": START}]
    (done,) = count(planned)
    assert (done["counted"], done["objects"], done["rows"]) == (True, 1, 30)
    assert traffic.window(START).rows == 30
    assert plan()["count"] == []


def test_while_one_execution_counts_the_next_ones_only_look(world: World) -> None:
    traffic.baseline()
    traffic.capture(START + 300, rows=30)
    world.later(2 * HOUR)
    first, second = world.execution("first"), world.execution("second")
    work = plan(execution=first)
    assert work["count"]
    assert plan(execution=second) == work | {"count": [], "label": []}
    assert plan(execution=first) == work
    client("stepfunctions").stop_execution(executionArn=first)
    assert plan(execution=second) == work


def test_a_window_is_the_same_whether_its_objects_were_seen_as_they_came_or_not(world: World) -> None:
    traffic.baseline()
    keys = [traffic.capture(START + 60 * i, rows=10, seed=i) for i in range(5)]
    for key in keys[:3]:
        profile.handler(traffic.created(key), CONTEXT)
    world.clock.at = START + HOUR + 600
    count(plan())
    mixed = traffic.window(START)
    for item in traffic.keys("monitoring/fraud/"):
        if "/baselines/" not in item:
            world.delete(item)
    count(plan())
    assert traffic.window(START) == mixed
    assert mixed.records == 50


def test_an_object_that_comes_late_makes_its_window_due_again(world: World) -> None:
    traffic.baseline()
    traffic.capture(START + 300, rows=10)
    world.clock.at = START + HOUR + 600
    count(plan())
    traffic.capture(START + HOUR - 1, rows=7)
    count(plan())
    assert traffic.window(START).rows == 17
    assert plan()["count"] == []


def test_after_an_outage_every_window_is_caught_up_on_and_silence_is_counted(world: World) -> None:
    traffic.baseline()
    for hour in (0, 1, 4):
        traffic.capture(START + hour * HOUR + 60, rows=10)
    world.clock.at = START + 6 * HOUR + 600
    planned = plan()
    assert [(w["since"] - START) / HOUR for w in planned["count"]] == [0, 1, 2, 3, 4, 5]
    count(planned)
    assert [traffic.window(START + hour * HOUR).rows for hour in range(6)] == [10, 10, 0, 0, 10, 0]


def test_a_candidate_without_traffic_has_no_windows(world: World) -> None:
    world.at(CANARY)
    traffic.baseline()
    traffic.baseline(replace(traffic.REFERENCE, id="ref-7", package="7"), version="7")
    traffic.capture(START + 60, variant="candidate")
    traffic.capture(START + 60)
    world.clock.at = START + 3 * HOUR + 600
    planned = plan()
    assert [w["since"] for w in planned["count"] if w["variant"] == "candidate"] == [START]
    count(planned)
    assert traffic.window(START, variant="candidate").reference == "ref-7"
    assert traffic.window(START).reference == "ref-first"


def test_the_variants_to_look_at_are_those_that_serve_with_the_package_they_serve(world: World) -> None:
    baseline = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}
    assert plan()["look"] == [baseline]
    known = world.at(SHADOW)
    candidate = {"variant": "candidate", "version": "7", "shadow": True, "release": known.id}
    assert plan()["look"] == [baseline, candidate]


def test_a_window_in_which_the_model_changed_counts_the_one_with_more_rows(world: World) -> None:
    traffic.baseline()
    for i in range(2):
        profile.handler(traffic.created(traffic.capture(START + 60 * i, rows=10, seed=i)), CONTEXT)
    traffic.baseline(replace(traffic.REFERENCE, id="next"))
    profile.handler(traffic.created(traffic.capture(START + 1800, rows=5)), CONTEXT)
    world.clock.at = START + HOUR + 600
    count(plan())
    assert (traffic.window(START).reference, traffic.window(START).rows) == ("ref-first", 20)


def test_without_a_baseline_nothing_is_counted_until_there_is_one(world: World) -> None:
    traffic.capture(START + 300, rows=10)
    world.clock.at = START + HOUR + 600
    assert plan()["count"] == []
    traffic.baseline()
    world.later(60)
    assert [done["rows"] for done in count(plan())] == [10]


def test_labels_are_joined_once_they_are_due(world: World) -> None:
    traffic.baseline()
    traffic.capture(START + 300, rows=10)
    world.clock.at = START + HOUR + 600
    count(plan())
    assert plan()["label"] == []
    world.clock.at = START + HOUR + MONITOR["label_hours"] * HOUR
    assert plan()["label"] == [{"variant": "baseline", "since": START}]
    assert names.LABELLED not in "".join(traffic.keys("monitoring/"))
