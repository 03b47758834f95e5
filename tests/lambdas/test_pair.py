"""Objects arrive in any order, late, twice and at the same time; every sum is in the ledger once."""

import json
import math
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from lambdas import pair
from lambdas.aws import batches, ledger, pairs, rows
from lambdas.aws.clients import client
from slipway import pairing
from slipway import release as rel
from slipway.pairsums import PairSums
from tests.lambdas import pair_traffic as traffic
from tests.lambdas.conftest import fresh
from tests.lambdas.wire import Crash, Made, Wire
from tests.lambdas.world import CONTEXT, START, TABLE, World

SETTINGS = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


RATE = pairing.rate


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches.time, "sleep", lambda _: None)
    monkeypatch.setattr(pairing, "rate", lambda *_: 1.0)  # every id, unless a test says otherwise


def handle(event: dict[str, Any]) -> None:
    pair.handler(event, CONTEXT)


def end() -> dict[str, dict[int, PairSums]]:
    return {owner: pairs.by_step(owner) for owner in ("fraud.7.3fa2c1", "fraud")}


@pytest.fixture
def arrived(world: World) -> tuple[list[dict[str, Any]], list[traffic.Request]]:
    """Events whose objects lie in the bucket, and the requests behind them; the release is in its canary."""
    traffic.in_canary(world)
    made = traffic.requests(seed=1, count=150)
    return traffic.upload(traffic.objects(made)), made


def test_the_sums_are_those_of_a_plain_join_of_all_rows(arrived: Any) -> None:
    events, made = arrived
    for event in events:
        handle(event)
    steps = pairs.by_step("fraud.7.3fa2c1")
    for step, expected in traffic.joined(made, ledger.release("fraud.7.3fa2c1").threshold).items():
        numbers = steps[step].numbers()
        assert {name: numbers.get(name) for name in expected} == pytest.approx(expected, rel=1e-6)
        assert expected.get("log_loss.n" if step == 0 else "baseline.log_loss.n", 0) > 5


def test_every_captured_line_and_every_label_is_accounted_for(arrived: Any) -> None:
    events, made = arrived
    for event in events:
        handle(event)
    steps = pairs.by_step("fraud.7.3fa2c1")
    for role in ("baseline", "candidate"):
        arms = {step: getattr(sums, role) for step, sums in steps.items()}
        assert sum(arm.lines for arm in arms.values()) == sum(role in request.answers for request in made)
        assert arms[pairing.OUTSIDE].lines > 0 and arms[pairing.OUTSIDE].sampled == 0
        assert all(arm.lines == arm.rejected.total + arm.sampled for step, arm in arms.items() if step >= 0)
        assert arms[0].sampled - steps[0].pairs == sum(
            [*request.answers] == [role] for request in made if traffic.SHADOW_AT <= request.at < traffic.CANARY_AT
        )
    labels = pairs.by_step("fraud")[pairing.OUTSIDE].labels
    assert (labels.lines, labels.rejected) == (sum(request.label is not None for request in made), 0)
    total = pairs.totals("fraud.7.3fa2c1")
    assert total == steps[0] + steps[1]
    scored = total.log_loss.n + total.baseline.log_loss.n + total.candidate.log_loss.n
    assert sum(total.delays) == scored + total.unscored + total.baseline.unscored + total.candidate.unscored


def test_the_minutes_of_a_release_add_up_to_its_steps(arrived: Any) -> None:
    for event in arrived[0]:
        handle(event)
    items = [
        item for item in client("dynamodb").scan(TableName=TABLE)["Items"] if item["pk"]["S"].startswith("PAIRS#f")
    ]
    minutes = [pairs._sums(item) for item in items if item["sk"]["S"].startswith("MINUTE#")]
    totals = [pairs._sums(item) for item in items if item["sk"]["S"].startswith("TOTAL#")]
    assert len(minutes) >= 8
    assert sum_of(minutes).numbers().keys() - {"expires_at"} == sum_of(totals).numbers().keys()
    assert sum_of(minutes) == sum_of(totals)


def sum_of(sums: list[PairSums]) -> PairSums:
    total = PairSums()
    for one in sums:
        total += one
    return total


@pytest.fixture(scope="module")
def undisturbed(wire: Wire) -> dict[str, dict[int, PairSums]]:
    """Where 24 requests' objects lead in the order they were written."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setattr(pairing, "rate", lambda *_: 1.0)
        world = fresh(wire, patch)
        for event in small(world):
            handle(event)
        return end()


def small(world: World) -> list[dict[str, Any]]:
    traffic.in_canary(world)
    return traffic.upload(traffic.objects(traffic.requests(seed=2, count=24), seconds=240))


@SETTINGS
@given(data=st.data())
def test_order_and_repetition_of_events_change_nothing(
    data: st.DataObject, undisturbed: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        events = small(fresh(wire, monkeypatch))
        again = data.draw(st.lists(st.sampled_from(events), max_size=3))
        for event in data.draw(st.permutations([*events, *again])):
            handle(event)
        assert end() == undisturbed


@SETTINGS
@given(data=st.data())
def test_events_handled_at_the_same_time_add_nothing_twice_and_lose_nothing(
    data: st.DataObject, undisturbed: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another function handles an event, the very same or another one, while this one is between two calls."""
    with mock_aws():
        events = small(fresh(wire, monkeypatch))
        order = data.draw(st.permutations(events))
        rng = random.Random(data.draw(st.integers(0, 2**32)))
        waiting = list(order)

        def meanwhile(call: Made) -> None:
            if call.service == "dynamodb" and rng.random() < 0.2:
                wire.before = None
                handle(rng.choice(order) if rng.random() < 0.5 or not waiting else waiting.pop())
                wire.before = meanwhile

        while waiting:
            wire.before = meanwhile
            handle(waiting.pop())
        wire.before = None
        assert end() == undisturbed


def test_a_function_may_die_around_any_change_and_its_retry_ends_in_the_same_sums(
    undisturbed: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0
    for number in range(2, 44, 6):
        with mock_aws():
            events = small(fresh(wire, monkeypatch))
            wire.calls.clear()
            wire.crash_at, wire.crash_after_effect = number, number % 2 == 0
            for event in events:
                try:
                    handle(event)
                except Crash:
                    deaths += 1
                    handle(event)
            assert end() == undisturbed, f"died around call {number}"
    assert deaths == 7


def test_a_conflict_between_two_transactions_is_tried_again(arrived: Any) -> None:
    conflicts = iter([True] * 5)
    cancelled = {"Code": "TransactionCanceledException", "Message": "conflict"}

    def conflict(**_: Any) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        if not next(conflicts, False):
            return None
        reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        return SimpleNamespace(status_code=400), {"Error": cancelled, "CancellationReasons": reasons}

    bus = client("dynamodb").meta.events
    bus.register_first("before-call.dynamodb.TransactWriteItems", conflict)
    for event in arrived[0]:
        handle(event)
    bus.unregister("before-call.dynamodb.TransactWriteItems", conflict)
    assert not next(conflicts, False)
    assert pairs.totals("fraud.7.3fa2c1").pairs == traffic.joined(arrived[1], 0.5)[0]["pairs"]


def test_without_a_release_captured_answers_cost_one_read(world: World) -> None:
    handle(traffic.event("capture/fraud/baseline/2027/01/15/08/01-00-000-x.jsonl"))
    assert [call.method for call in world.wire.calls] == ["get_item"]


def test_without_a_release_of_late_labels_cost_two_reads(world: World) -> None:
    handle(traffic.event("ground-truth/fraud/2027/01/15/08/01-00-000-x.jsonl"))
    assert [call.method for call in world.wire.calls] == ["get_item", "query"]


@pytest.mark.parametrize("key", ["models/x/model.tar.gz", "capture/fraud/other/2027/01/15/08/x", "capture/fraud"])
def test_other_objects_are_left_alone(world: World, key: str) -> None:
    handle(traffic.event(key))
    assert world.wire.calls == []


def test_labels_that_come_after_the_release_has_ended_still_join_their_rows(arrived: Any) -> None:
    events, made = arrived
    late = [event for event in events if event["detail"]["object"]["key"].startswith("ground-truth/")]
    for event in events:
        if event not in late:
            handle(event)
    known = ledger.release("fraud.7.3fa2c1")
    ended = rel.rolled_back(rel.roll_back(known, traffic.NOW, "test"), traffic.NOW)
    ledger.write(ended)
    assert ledger.in_progress("fraud") is None
    for event in late:
        handle(event)
    expected = traffic.joined(made, known.threshold)[0]
    assert pairs.totals(known.id).log_loss.n == expected["log_loss.n"] > 0


def test_the_rate_is_chosen_once_from_the_busiest_minute_and_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "rate", RATE)
    known = traffic.in_canary(world)
    for minute, count in enumerate((300, 30_000, 1200)):
        world.cloudwatch.minute(START + 60 * minute, "baseline", count)
    assert rows.rate(known, lines=5, now=traffic.NOW) == 0.01
    world.cloudwatch.minute(START + 180, "baseline", 60_000)
    assert rows.rate(known, lines=5, now=traffic.NOW + 60) == 0.01
    assert rows.label_rate("fraud", None, traffic.NOW) == 0.01


def test_two_functions_that_choose_a_rate_at_once_agree_on_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "rate", RATE)
    known = traffic.in_canary(world)
    found = []

    def meanwhile(call: Made) -> None:
        if call.method == "put_item":
            world.wire.before = None
            found.append(rows.rate(known, lines=30_000, now=traffic.NOW))

    world.wire.before = meanwhile
    found.append(rows.rate(known, lines=20_000, now=traffic.NOW))
    assert found == [0.01, 0.01]


def test_only_sampled_ids_are_kept_and_they_are_the_same_everywhere(
    arrived: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, made = arrived
    monkeypatch.setattr(pairing, "rate", lambda *_: 0.4)
    for event in events:
        handle(event)
    kept = [request for request in made if pairing.sampled(request.id, 0.4)]
    expected = traffic.joined(kept, 0.5)
    assert 30 < len(kept) < 90
    assert pairs.by_step("fraud.7.3fa2c1")[0].pairs == expected[0]["pairs"]
    assert pairs.totals("fraud.7.3fa2c1").log_loss.n == expected[0]["log_loss.n"]


def test_lines_that_make_no_sense_are_counted_with_the_reason(world: World) -> None:
    traffic.in_canary(world)
    good = traffic.Request("a", START + 300, {"candidate": "0.5"}, None, 0)
    many = traffic.Request("b", START + 300, {"candidate": "0.5,0.7"}, None, 0)
    silent = traffic.captured(good, "candidate").replace("endpointOutput", "endpointInput")
    nameless = traffic.captured(good, "candidate").replace("inferenceTime", "time")
    lines = [traffic.captured(good, "candidate"), "{", silent, nameless, traffic.captured(many, "candidate"), "[1]"]
    key = "capture/fraud/candidate/2027/01/15/08/05-00-000-x.jsonl"
    for event in traffic.upload({key: lines}) * 2:
        handle(event)
    arm = pairs.by_step("fraud.7.3fa2c1")[1].candidate
    assert (arm.lines, arm.captured, arm.sampled) == (6, 3, 1)
    assert vars(arm.rejected) == {"unreadable": 2, "unanswered": 1, "unidentified": 1, "several_scores": 1}


def test_an_empty_object_and_labels_that_are_none_do_no_harm(world: World) -> None:
    traffic.in_canary(world)
    first = "capture/fraud/baseline/2027/01/15/08/05-00-000-x.jsonl"
    truth = "ground-truth/fraud/2027/01/15/08/x.jsonl"
    bad = [traffic.labelled("a", "fraud"), traffic.labelled("", 1), traffic.labelled("b" * 300, 1), "null", "{}"]
    for event in traffic.upload({first: [], truth: bad}):
        handle(event)
    assert pairs.totals("fraud.7.3fa2c1") == PairSums()
    assert vars(pairs.by_step("fraud")[pairing.OUTSIDE].labels) == {
        "lines": 5,
        "rejected": 5,
        "sampled": 0,
        "reports": 0,
        "malformed_reports": 0,
    }


def test_propensities_reach_the_sums_whatever_comes_first(world: World) -> None:
    """Two shadowed requests with labels, one of them very unlikely, and one in the canary."""
    traffic.in_canary(world)
    both = {"baseline": "0.25", "candidate": "0.5"}
    made = [traffic.Request(id, START + 120, both, None, 0) for id in ("a", "b", "without")]
    made.append(traffic.Request("c", START + 300, {"candidate": "0.5"}, None, 0))
    chances = {"a": 0.001, "b": 0.5, "c": 0.25}
    lines = [json.dumps({**json.loads(traffic.labelled(id, 1)), "propensity": p}) for id, p in chances.items()]
    answers = traffic.upload(traffic.objects(made))
    labels = traffic.upload({"ground-truth/fraud/2027/01/15/08/x.jsonl": lines})
    for event in [answers[0], *labels, *answers[1:], *labels]:
        handle(event)
    steps = pairs.by_step("fraud.7.3fa2c1")
    shadow, canary = steps[0].weighted, steps[1].candidate.weighted
    assert (shadow.n, shadow.known, shadow.w, shadow.ww) == (3, 2, 1002.0, 1_000_004.0)
    assert shadow.wx == pytest.approx(1002 * math.log(0.25 / 0.5), abs=1e-5)
    assert steps[0].weighted_baseline == pytest.approx(-1002 * math.log(0.25), abs=1e-5)
    assert (canary.n, canary.known, canary.w) == (1, 1, 4.0)
    assert canary.expected.mean == pytest.approx(math.log(2))


def test_rows_and_marks_expire_and_marks_last_longer(arrived: Any) -> None:
    for event in arrived[0]:
        handle(event)
    items = client("dynamodb").scan(TableName=TABLE)["Items"]
    waiting = [item for item in items if item["pk"]["S"].startswith("ROW#")]
    marks = [int(item["expires_at"]["N"]) for item in waiting if item["sk"]["S"].startswith("counted#")]
    lives = [int(item["expires_at"]["N"]) for item in waiting if not item["sk"]["S"].startswith("counted#")]
    assert marks and lives and min(marks) > max(lives)
    assert not [item for item in items if item["sk"]["S"].startswith("TOTAL#") and "expires_at" in item]


def test_a_full_minute_of_samples_takes_few_calls(world: World) -> None:
    traffic.in_canary(world)
    made = [
        traffic.Request(f"r{i}", START + 120 + i % 60, {"baseline": "0.1", "candidate": "0.2"}, None, 0)
        for i in range(60)
    ]
    before, after = traffic.upload(traffic.objects(made))
    handle(before)
    world.wire.calls.clear()
    handle(after)
    assert pairs.totals("fraud.7.3fa2c1").pairs == 60
    methods = [call.method for call in world.wire.calls]
    assert len(methods) <= 12, methods
