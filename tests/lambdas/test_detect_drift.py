"""Looks at a variant: a verdict that is kept, measured and told, once."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import detect_drift, merge_window
from lambdas.aws import ledger, profiling
from slipway import codec, names
from slipway.drift.findings import Drift, Probe
from slipway.phases import Phase
from slipway.release import entry
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.drift_traffic import HOUR, MONITOR
from tests.lambdas.wire import Crash
from tests.lambdas.world import CONTEXT, START, World, release

LOOK = {"variant": "baseline", "version": "first", "shadow": False, "release": ""}


@pytest.fixture(autouse=True)
def fresh_minute() -> None:
    profiling._serving.cache_clear()


def look(**changes: str) -> dict[str, Any]:
    return detect_drift.handler({"monitor": MONITOR, "look": {**LOOK, **changes}}, CONTEXT)


def hours(world: World, count: int, shift: float = 0.0, rows: int = 200) -> None:
    """Hours of traffic from the next full hour on, each counted once it has settled."""
    for _ in range(count):
        start = (world.clock.at // HOUR) * HOUR
        if rows:
            traffic.capture(start + 60, rows=rows, shift=shift, seed=int(start) % 1000)
            world.cloudwatch.minute(start + 60, "baseline", rows)
        world.clock.at = start + HOUR + 600
        planned = traffic.plan()
        for window in planned["count"]:
            merge_window.handler({"monitor": MONITOR, "window": window}, CONTEXT)


def verdict(start: float) -> Drift:
    moment = traffic.counted.when(start)
    return codec.loads(Drift, traffic.get(f"monitoring/fraud/results/baseline/{moment}/drift.json"))


def test_healthy_traffic_gets_a_verdict_and_nobody_hears_of_it(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 3)
    assert look()["remedy"] == "NOTHING"
    kept = verdict(START + 2 * HOUR)
    assert (kept.since, kept.until, kept.blocks_retraining) == (START + 2 * HOUR, START + 3 * HOUR, False)
    assert (world.told(), world.emitted()) == ([], [])


def test_traffic_that_shifts_is_told_of_once_and_again_when_it_is_over(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 2)
    look()
    hours(world, 1, shift=1.5)
    look()
    assert world.emitted() == [names.DRIFT_DETECTED]
    assert world.told()[0].startswith("RETRAIN: fraud baseline drifts: ")
    look()
    hours(world, 1, shift=1.5)
    look()
    assert world.emitted() == [names.DRIFT_DETECTED]
    hours(world, 1)
    look()
    assert world.emitted() == [names.DRIFT_DETECTED, names.DRIFT_ENDED]
    assert world.told()[-1] == "DRIFT OVER: fraud baseline"


def test_the_event_carries_the_evidence_and_where_all_of_it_lies(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1, shift=1.5)
    look()
    (entry,) = [entry for call in world.wire.made("put_events") for entry in call["Entries"]]
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], detail["endpoint"], detail["variant"]) == ("slipway", "fraud", "baseline")
    assert (detail["package_version"], detail["remedy"], detail["blocks_retraining"]) == ("first", "RETRAIN", False)
    assert "V1" in {finding["subject"] for finding in detail["findings"]}
    key = detail["evidence"].removeprefix("s3://").partition("/")[2]
    assert codec.loads(Drift, traffic.get(key)).findings


def test_beside_a_verdict_lies_what_model_monitor_would_have_said(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1, shift=1.5)
    look()
    folder = f"monitoring/fraud/results/baseline/{traffic.counted.when(START)}"
    found = {file: json.loads(traffic.get(f"{folder}/{file}.json")) for file in ("statistics", "constraint_violations")}
    assert found["statistics"]["dataset"]["item_count"] == 200
    assert "V1" in {one["feature_name"] for one in found["constraint_violations"]["violations"]}
    assert json.loads(traffic.get(f"{folder}/constraints.json"))["features"]


def test_beside_a_verdict_lies_a_page_that_a_browser_shows(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1, shift=1.5)
    look()
    key = f"monitoring/fraud/results/baseline/{traffic.counted.when(START)}/report.html"
    page = traffic.get(key)
    assert "Drift of fraud baseline, package version first" in page and "Retrain: the traffic" in page
    (written,) = [call for call in world.wire.made("put_object") if call["Key"] == key]
    assert written["ContentType"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_look_that_dies_at_any_call_ends_like_one_that_did_not_once_it_is_tried_again(
    world: World, after_effect: bool
) -> None:
    traffic.baseline(windows=2)
    hours(world, 1, shift=1.5)
    told, calls = [], 0
    while not told or told[-1] != "no crash":
        for key in traffic.keys("monitoring/fraud/results/"):
            world.delete(key)
        calls += 1
        world.wire.calls.clear()
        world.wire.crash_at, world.wire.crash_after_effect = calls, after_effect
        try:
            look()
            told.append("no crash")
        except Crash:
            look()
            told += world.emitted()[-1:]
        world.wire.crash_at = 0
        assert verdict(START).remedy.value == "RETRAIN"
    assert calls > 12
    assert set(told) == {names.DRIFT_DETECTED, "no crash"}


def test_a_message_that_could_not_be_sent_is_sent_by_the_next_try(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1, shift=1.5)
    world.wire.refuse("put_events")
    with pytest.raises(ClientError, match="Rate exceeded"):
        look()
    world.wire.before = None
    look()
    assert world.told() and world.emitted()[-1] == names.DRIFT_DETECTED


def test_metrics_are_of_bounded_number_and_say_which_detector(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1, shift=1.5)
    look()
    put = world.cloudwatch.put
    assert {name: put["Drift", name] for name in names.DETECTORS} == {n: float(n == "feature") for n in names.DETECTORS}
    assert put["DriftEffect", "V1"] > 0.3 > put["DriftEffect", "Kind"]
    assert put["WindowsJudged",] == 1
    assert len(put) == len(names.DETECTORS) + 2 + 1


@pytest.mark.parametrize(
    ("name", "dimension"), [("amount", "amount"), ("größe", "gr\\xf6\\xdfe"), (" \n", "?"), ("x" * 300, "x" * 255)]
)
def test_a_dimension_is_ascii_that_cloudwatch_takes(name: str, dimension: str) -> None:
    assert names.dimension(name) == dimension


def test_what_needs_no_remedy_is_an_event_and_wakes_nobody(world: World) -> None:
    first, second = traffic.REFERENCE.features
    unimportant = replace(
        traffic.REFERENCE, features=(replace(first, importance=0.01), replace(second, importance=0.99))
    )
    traffic.baseline(unimportant, windows=24)
    hours(world, 1, shift=1.5)
    assert look()["remedy"] == "NOTHING"
    assert (world.emitted(), world.told()) == ([names.DRIFT_DETECTED], [])


@pytest.mark.parametrize(("requests", "cause"), [(0, "no_traffic"), (500, "capture_stopped")])
def test_an_empty_window_is_silence_or_a_capture_that_stopped(world: World, requests: int, cause: str) -> None:
    traffic.baseline(windows=24)
    hours(world, 2)
    if requests:
        world.cloudwatch.minute(START + 2 * HOUR + 60, "baseline", requests)
    hours(world, 1, rows=0)
    look()
    assert cause in {finding.cause.value for finding in verdict(START + 2 * HOUR).findings}


def test_our_own_replays_are_no_requests(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 2)
    start = START + 2 * HOUR
    for minute in range(12):
        at = start + 300 * minute
        probe = codec.dumps(Probe(at, "baseline", (0.1,), (0.1,)))
        traffic.put(f"monitoring/fraud/probes/baseline/{traffic.counted.when(at)}.json", probe)
        world.cloudwatch.minute(at, "baseline", 1)
    hours(world, 1, rows=0)
    look()
    assert "capture_stopped" not in {finding.cause.value for finding in verdict(start).findings}


def test_golden_rows_that_score_otherwise_roll_back_and_block_retraining(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 1)
    probe = Probe(world.clock.at, "baseline", (0.1, 0.2), (0.1, 0.9), (("image", "a"),), (("image", "b"),))
    traffic.put(f"monitoring/fraud/probes/baseline/{traffic.counted.when(probe.at)}.json", codec.dumps(probe))
    done = look()
    assert (done["remedy"], done["blocks_retraining"]) == ("ROLL_BACK", True)
    assert world.told() == ["ROLL BACK: fraud baseline drifts: replay"]


def test_windows_of_another_package_are_not_compared(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 2, shift=1.5)
    other = replace(traffic.REFERENCE, id="ref-7", package="7")
    traffic.baseline(other, version="7", windows=24)
    done = look(version="7")
    assert done["remedy"] == "NOTHING"


def test_traffic_from_before_its_model_served_says_nothing_of_it(world: World) -> None:
    traffic.baseline(windows=24)
    hours(world, 3, shift=1.5)
    known = release()
    promoted = replace(known, phase=Phase.PROMOTED, created_at=START, entered_at=START + 3 * HOUR)
    assert ledger.create(promoted, entry(promoted, "PROMOTED", "test", START, ""))
    assert look(release=known.id)["remedy"] == "NOTHING"
    assert look(release="")["remedy"] == "RETRAIN"


def test_a_package_without_a_baseline_is_told_of_once(world: World) -> None:
    assert look(version="7")["remedy"] is None
    look(version="7")
    assert world.told() == ["UNWATCHED: fraud version 7 has no baseline"]
