"""Captured objects become profiles as they arrive, each once, whatever happens to the event."""

import json
from dataclasses import replace

import pytest

from lambdas import profile
from lambdas.aws import profiling
from slipway import codec, names
from slipway.drift.profile import Profile, empty
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.wire import Made
from tests.lambdas.world import CONTEXT, START, World

OBJECT = "monitoring/fraud/objects/baseline/2027/01/15/08/05-00-000-0.json"


@pytest.fixture(autouse=True)
def fresh_minute() -> None:
    profiling._serving.cache_clear()


def arrive(key: str) -> None:
    profile.handler(traffic.created(key), CONTEXT)


def test_an_object_becomes_one_profile_in_which_every_line_is_accounted_for(world: World) -> None:
    traffic.baseline()
    arrive(traffic.capture(START + 300, rows=30))
    made = codec.loads(Profile, traffic.get(OBJECT))
    assert (made.reference, made.records, made.accepted, made.rows) == ("ref-first", 30, 30, 30)
    assert [column.rows for column in made.columns] == [30, 30]


def test_the_same_event_again_changes_nothing_even_after_another_model_serves(world: World) -> None:
    traffic.baseline()
    key = traffic.capture(START + 300)
    arrive(key)
    before = traffic.get(OBJECT)
    traffic.baseline(replace(traffic.REFERENCE, id="another"))
    arrive(key)
    assert traffic.get(OBJECT) == before


def test_lines_that_cannot_be_read_are_put_aside_with_their_reason(world: World) -> None:
    traffic.baseline()
    key = traffic.capture(START + 300, rows=3)
    traffic.put(key, f"{traffic.get(key)}\nnot json")
    arrive(key)
    made = codec.loads(Profile, traffic.get(OBJECT))
    assert (made.records, made.accepted, made.rejected[0].n) == (4, 3, 1)
    aside = traffic.get(OBJECT.replace("/objects/", "/quarantine/") + "l")
    assert json.loads(aside) == {"reason": "unreadable", "line": "not json"}


def test_replayed_rows_are_nobodys_traffic(world: World) -> None:
    traffic.baseline()
    key = traffic.capture(START + 300, rows=3)
    replayed = traffic.line(START + 301, "0.1,a", 0.1, f"{names.PROBE_ID}-baseline-1")
    traffic.put(key, f"{traffic.get(key)}\n{replayed}")
    arrive(key)
    assert codec.loads(Profile, traffic.get(OBJECT)).records == 3


def test_without_a_baseline_an_object_waits_for_one(world: World) -> None:
    arrive(traffic.capture(START + 300))
    assert traffic.keys("monitoring/") == []


@pytest.mark.parametrize("key", ["ground-truth/fraud/2027/01/15/08/x.jsonl", "capture/fraud/other/2027/01/15/08/x"])
def test_other_objects_are_left_alone(world: World, key: str) -> None:
    profile.handler(traffic.created(key), CONTEXT)
    assert world.wire.calls == []


def test_of_two_that_are_at_it_at_once_the_first_one_counts(world: World) -> None:
    traffic.baseline()
    key = traffic.capture(START + 300, rows=5)
    faster = codec.dumps(empty(traffic.REFERENCE))

    def overtake(call: Made) -> None:
        if call.method == "put_object":
            world.wire.before = None
            traffic.put(OBJECT, faster)

    world.wire.before = overtake
    arrive(key)
    assert traffic.get(OBJECT) == faster
