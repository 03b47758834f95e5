"""Model Monitor's statistics become windows like any other, and the same verdict reads them."""

import json
from typing import Any

import pytest

from lambdas import detect_drift, merge_window
from lambdas.aws import profiling
from monitoring import model_monitor, stream
from slipway import names
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR
from tests.lambdas.world import CONTEXT, START, World

MONITOR: dict[str, Any] = {"endpoint": "fraud", "kind": "model-monitor", "label_hours": 2}
LOOK = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}


@pytest.fixture(autouse=True)
def fresh_minute() -> None:
    profiling._serving.cache_clear()


def job(world: World, due: float, shift: float = 0.0) -> None:
    """What the job of an hour writes, some minutes into it, about the hour before."""
    counted = stream.profile(traffic.lines(due - HOUR, 200, shift, seed=int(due) % 1000), traffic.REFERENCE)[0]
    folder = f"monitoring/fraud/model-monitor/fraud/{names.data_quality('fraud')}/{traffic.counted.when(due)[:-3]}"
    for file, content in {
        "statistics": model_monitor.statistics(counted, traffic.REFERENCE),
        "constraint_violations": {"violations": []},
    }.items():
        traffic.put(f"{folder}/{file}.json", json.dumps(content))
    world.cloudwatch.minute(due - HOUR, "baseline", 200)


def count() -> list[dict[str, Any]]:
    planned = traffic.plan(MONITOR)["count"]
    return [merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT) for window in planned]


def look() -> dict[str, Any]:
    return detect_drift.handler({"monitor": MONITOR, "look": LOOK}, CONTEXT)


def test_the_hour_that_a_job_looked_at_becomes_a_window(world: World) -> None:
    traffic.baseline()
    job(world, START + HOUR)
    world.clock.at = START + HOUR + 1200
    assert [(done["since"], done["rows"]) for done in count()] == [(START, 200)]
    assert traffic.window(START).columns[0].moments.n == 200
    assert count() == []


def test_a_shift_in_its_statistics_is_told_like_any_other(world: World) -> None:
    traffic.baseline(windows=24)
    for hour in range(1, 4):
        job(world, START + hour * HOUR)
    world.clock.at = START + 3 * HOUR + 1200
    count()
    assert look()["remedy"] == "NOTHING"
    job(world, START + 4 * HOUR, shift=1.5)
    world.clock.at = START + 4 * HOUR + 1200
    count()
    look()
    assert world.emitted() == [names.DRIFT_DETECTED]


def test_columns_without_a_header_are_the_answer_and_then_the_features_in_order(world: World) -> None:
    traffic.baseline()
    job(world, START + HOUR)
    (key,) = [key for key in traffic.keys("monitoring/") if key.endswith("/statistics.json")]
    document = json.loads(traffic.get(key))
    numbers, kinds = document["features"]
    document["features"] = [{**numbers, "name": "_c0"}, {**numbers, "name": "_c1"}, {**kinds, "name": "_c2"}]
    traffic.put(key, json.dumps(document))
    world.clock.at = START + HOUR + 1200
    count()
    window = traffic.window(START)
    assert (window.surplus, [column.absent for column in window.columns]) == (0, [0, 0])


def test_an_hour_without_files_is_silence_or_a_job_that_saw_nothing(world: World) -> None:
    traffic.baseline(windows=24)
    job(world, START + HOUR)
    world.cloudwatch.minute(START + HOUR + 60, "baseline", 500)
    world.clock.at = START + 2 * HOUR + 1200
    assert [done["rows"] for done in count()] == [200, 0]
    assert look()["blocks_retraining"] is True


def test_statistics_that_come_late_replace_the_silence(world: World) -> None:
    traffic.baseline()
    job(world, START + HOUR)
    world.clock.at = START + 2 * HOUR + 600
    count()
    job(world, START + 2 * HOUR)
    assert [(done["since"], done["rows"]) for done in count()] == [(START + HOUR, 200)]
