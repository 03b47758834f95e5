"""From a verdict on drift to a retraining: what one function emits is what the other reads."""

import json
from typing import Any

import pytest

from lambdas import detect_drift, feedback, label_window, merge_window
from lambdas.aws import labelled, profiling, runs
from lambdas.aws.clients import client
from slipway import names
from slipway.retraining.guard import REPAIRS, Labels
from slipway.retraining.run import Kind
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR
from tests.lambdas.retraining import Retraining
from tests.lambdas.world import BUCKET, CONTEXT, START, World

LOOK = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}
ROWS = 200


@pytest.fixture
def retraining(retraining: Retraining) -> Retraining:
    """With a baseline of what the endpoint serves."""
    profiling._serving.cache_clear()
    traffic.baseline(windows=24)
    return retraining


def hour(world: World, shift: float = 0.0, broken: bool = False) -> str:
    """An hour of traffic, counted, and labelled once that is due; the key of what was captured."""
    start = (world.clock.at // HOUR) * HOUR
    key = traffic.capture(start + 60, rows=ROWS, shift=shift, seed=int(start) % 1000)
    if broken:
        traffic.put(key, traffic.get(key).replace(',b"', ',"').replace(',a"', ',"'))
    world.cloudwatch.minute(start + 60, "baseline", ROWS)
    world.clock.at = start + HOUR + 600
    planned = traffic.plan()
    for window in planned["count"]:
        merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT)
    for window in planned["label"]:
        label_window.handler({"monitor": MONITOR, "window": window, "execution": ""}, CONTEXT)
    return key


def label(world: World, key: str, positives: int) -> None:
    ids = [json.loads(line)["eventMetadata"]["inferenceId"] for line in traffic.get(key).splitlines()]
    given = [{"id": id, "label": int(place < positives)} for place, id in enumerate(ids)]
    feedback.handler({"endpoint": "fraud", "labels": given, "collected_at": world.clock.at}, CONTEXT)


def drift_of(world: World) -> dict[str, Any]:
    """The detail of the event that a look sends, as EventBridge hands it on."""
    detect_drift.handler({"monitor": MONITOR, "look": LOOK}, CONTEXT)
    *_, entry = [entry for call in world.wire.made("put_events") for entry in call["Entries"]]
    assert (entry["Source"], entry["DetailType"]) == (names.EVENT_SOURCE, names.DRIFT_DETECTED)
    return dict(json.loads(entry["Detail"]))


def test_a_drift_waits_for_its_labels_and_then_begins_a_run(retraining: Retraining, world: World) -> None:
    keys = [hour(world, shift=1.5)]
    drift = drift_of(world)
    assert drift["remedy"] == "RETRAIN"
    turn = retraining.start(world.execution("one"), {"drift": drift})
    assert turn["next"] == "wait" and "0 of 200 requests have their label" in turn["reason"]
    for _ in range(3):
        label(world, keys[-1], positives=60)
        keys.append(hour(world, shift=1.5))
    assert labelled.count("fraud", drift["since"], drift["until"]) == Labels(2 * ROWS, 2 * ROWS, 120)
    begun = retraining.start(world.execution("two"), turn)
    assert begun["next"] == "assemble", "a window alone has too few positives; those after it count, too"
    run = retraining.run(begun)
    assert (run.trigger.kind, run.trigger.remedy) == (Kind.DRIFT, "RETRAIN")
    assert (run.trigger.since, run.trigger.until) == (START, START + HOUR)
    told = dict(zip(begun["assemble"][::2], begun["assemble"][1::2], strict=True))
    assert float(told["--drifted"]) == START
    assert {cause.subject for cause in run.trigger.causes} >= {"V1"}


def test_a_data_fault_that_monitoring_found_is_refused_with_what_to_repair(
    retraining: Retraining, world: World
) -> None:
    hour(world, broken=True)
    drift = drift_of(world)
    assert drift["blocks_retraining"] and {f["cause"] for f in drift["findings"]} & set(REPAIRS)
    turn = retraining.start("e", {"drift": drift})
    assert turn["next"] == "refused" and "data fault: " in turn["reason"] and "Kind" in turn["reason"]
    assert world.emitted()[-1] == names.RETRAINING_REFUSED and runs.history("fraud") == []


def test_labels_are_counted_where_monitoring_keeps_them(retraining: Retraining, world: World) -> None:
    assert labelled.count("fraud", START, START + HOUR) is None
    key = hour(world)
    label(world, key, positives=30)
    assert labelled.count("fraud", START, START + HOUR) == Labels(ROWS, 0, 0)
    for _ in range(2):
        hour(world)
    assert labelled.count("fraud", START, START + HOUR) == Labels(ROWS, ROWS, 30)
    assert labelled.count("fraud", START, START + 3 * HOUR) == Labels(3 * ROWS, ROWS, 30)
    assert client("s3").list_objects_v2(Bucket=BUCKET, Prefix="monitoring/fraud/labelled/baseline/")["KeyCount"] == 1
