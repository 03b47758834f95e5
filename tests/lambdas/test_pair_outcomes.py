"""What users report of their requests is summed for the variant that answered, once, whatever arrives when."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from lambdas import pair
from lambdas.aws import batches, ledger, pairs
from slipway import pairing, plan
from slipway.outcomes import OutcomeRule, OutcomeSums, report
from tests.lambdas import pair_traffic as traffic
from tests.lambdas.world import BAKE, CANARY, CONTEXT, SHADOW, STEPS, World

REQUESTS = 40
TRUTH = "ground-truth/fraud/2027/01/15/08/{}.jsonl"


@pytest.fixture
def release_id(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A release whose canary is an A/B test by two outcomes; every request is sampled."""
    monkeypatch.setattr(batches.time, "sleep", lambda _: None)
    monkeypatch.setattr(pairing, "rate", lambda *_: 1.0)
    test = replace(STEPS[CANARY], goal=plan.Goal.SUPERIOR)
    rules = (OutcomeRule("revenue", alpha_share=0.5), OutcomeRule("clicked", role="guardrail", alpha_share=0.5))
    chosen = plan.Plan("ab", (STEPS[SHADOW], test, STEPS[BAKE]), outcomes=rules)
    return ledger.write(replace(traffic.in_canary(world), plan=chosen)).id


def line(id: str, outcomes: Any, **others: Any) -> str:
    return json.dumps({"eventMetadata": {"eventId": id}, "eventVersion": "0", "outcomes": outcomes, **others})


def answered(number: int, at: float = traffic.PLACED_AT + 10) -> traffic.Request:
    return traffic.Request(f"r{number}", at, {("baseline", "candidate")[number % 2]: "0.5"}, None, 0)


def objects() -> tuple[dict[str, list[str]], OutcomeSums]:
    """Captured answers and two objects of reports, of which one has a label in each line, and what they sum up to."""
    rng, total = random.Random(8), OutcomeSums()
    files = traffic.objects([answered(number) for number in range(REQUESTS)])
    lines = []
    for number in range(REQUESTS):
        values = {"revenue": round(rng.lognormvariate(2, 1), 3), "clicked": int(rng.random() < 0.5)}
        total += report(("baseline", "candidate")[number % 2], values)
        label = {"groundTruthData": {"data": "1", "encoding": "CSV"}} if number < REQUESTS // 2 else {}
        lines.append(line(f"r{number}", values | {"unplanned": 3}, **label))
    half = REQUESTS // 2
    return files | {TRUTH.format("01-00-000-a"): lines[:half], TRUTH.format("02-00-000-b"): lines[half:]}, total


@pytest.mark.parametrize("seed", range(4))
def test_each_report_is_summed_once_in_any_order_and_however_often_its_event_comes(release_id: str, seed: int) -> None:
    files, total = objects()
    events = traffic.upload(files)
    rng = random.Random(seed)
    for event in rng.sample([*events, *events], 2 * len(events)):
        pair.handler(event, CONTEXT)
    assert pairs.reported(release_id, CANARY) == total
    assert pairs.reported(release_id, SHADOW) == OutcomeSums()
    arms = pairs.by_step(release_id)[CANARY]
    assert arms.baseline.log_loss.n + arms.candidate.log_loss.n == REQUESTS // 2
    assert (pairs.by_step("fraud")[pairing.OUTSIDE].labels.reports) == REQUESTS


def test_of_a_request_reported_twice_the_first_report_counts(release_id: str) -> None:
    (answer,) = traffic.upload(traffic.objects([answered(0)]))
    first, second = traffic.upload(
        {
            TRUTH.format("01-00-000-a"): [line("r0", {"revenue": 5})],
            TRUTH.format("02-00-000-b"): [line("r0", {"revenue": 7})],
        }
    )
    for event in (answer, first, second):
        pair.handler(event, CONTEXT)
    assert pairs.reported(release_id, CANARY) == report("baseline", {"revenue": 5})


def test_what_users_report_of_a_shadows_requests_is_of_nobodys_answer(release_id: str) -> None:
    both = traffic.Request("r0", traffic.SHADOW_AT + 10, {"baseline": "0.5", "candidate": "0.6"}, None, 0)
    for event in traffic.upload(traffic.objects([both]) | {TRUTH.format("01-00-000-a"): [line("r0", {"revenue": 5})]}):
        pair.handler(event, CONTEXT)
    assert pairs.reported(release_id, SHADOW) == OutcomeSums() and pairs.by_step(release_id)[SHADOW].pairs == 1


NONSENSE: list[Any] = [
    *({}, [], "x", {"a.b": 1}, {"revenue": "5"}, {"revenue": True}, {"revenue": 1e7}, {"revenue": 1, "clicked": None}),
    {f"o{i}": 1 for i in range(9)},
]


@pytest.mark.parametrize("outcomes", NONSENSE)
def test_outcomes_that_make_no_sense_are_counted_and_their_label_stays(release_id: str, outcomes: Any) -> None:
    label = {"groundTruthData": {"data": "1", "encoding": "CSV"}}
    truth = {TRUTH.format("01-00-000-a"): [line("r0", outcomes, **label), line("r1", outcomes)]}
    for event in traffic.upload(traffic.objects([answered(0), answered(1)]) | truth):
        pair.handler(event, CONTEXT)
    assert pairs.reported(release_id, CANARY) == OutcomeSums()
    assert pairs.by_step(release_id)[CANARY].baseline.log_loss.n == 1
    labels = pairs.by_step("fraud")[pairing.OUTSIDE].labels
    assert (labels.lines, labels.rejected, labels.sampled, labels.malformed_reports) == (2, 1, 1, 2)
