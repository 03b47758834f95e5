"""Looks at a release: what is fetched, what is decided, what is written."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas import judge
from lambdas.aws import ledger, pairs
from slipway import pairing, plan
from slipway import release as rel
from slipway.outcomes import UNIT, OutcomeRule, OutcomeSums, Sample
from slipway.pairsums import ArmSums, PairSums
from slipway.phases import Phase
from tests.lambdas.wire import Made
from tests.lambdas.world import BAKE, CANARY, CONTEXT, SHADOW, START, STEPS, World, history


def ask(release_id: str) -> dict[str, Any]:
    return judge.handler({"release_id": release_id}, CONTEXT)


def traffic(world: World, minutes: int, share: float = 0.25, errors: int = 0) -> None:
    """Minutes of 1000 requests from now on, and then two more for them to settle."""
    for _ in range(minutes):
        world.cloudwatch.minute(world.clock.at, "baseline", round(1000 * (1 - share)))
        world.cloudwatch.minute(world.clock.at, "candidate", round(1000 * share), errors)
        world.later(60)
    world.later(120)


def test_a_good_candidate_advances_and_traffic_is_shifted_at_once(world: World) -> None:
    known = world.at(CANARY)
    world.answered(known)
    traffic(world, 12)
    turn = ask(known.id)
    now = ledger.release(known.id)
    assert (turn["next"], turn["phase"], turn["wait_seconds"]) == ("shift", "BAKE", 0)
    assert (now.phase, now.step, now.in_place_at) == (Phase.BAKE, BAKE, None)
    assert world.told() == [f"ADVANCED: fraud release {known.id} baking at 100 %"]
    assert history(known.id)[-1] == ("BAKE", "judge")
    assert ledger.history(known.id)[-1].verdict is not None


def test_an_ab_test_is_judged_by_what_users_reported_of_its_own_step(world: World) -> None:
    test = replace(STEPS[CANARY], weight=50, goal=plan.Goal.SUPERIOR)
    chosen = plan.Plan(
        "ab", (STEPS[SHADOW], test, STEPS[BAKE]), guardrails=plan.UNSHOWN_QUALITY, outcomes=(OutcomeRule("bought"),)
    )
    known = ledger.write(replace(world.at(CANARY), plan=chosen))
    for step, bought in ((SHADOW, {"baseline": 0, "candidate": 0}), (CANARY, {"baseline": 500, "candidate": 900})):
        cell = pairing.Cell(known.id, step, 7)
        for role, k in bought.items():
            reports = Sample(3000, k * UNIT, k * UNIT**2, k * UNIT)
            sums = {cell: OutcomeSums({(role, "bought"): reports})}
            pairs.count("fraud", [pairing.Claim(f"{step}", f"report-{role}", sums)], START)
    world.answered(known)
    traffic(world, 12, share=0.5)
    assert ask(known.id)["phase"] == "BAKE"
    verdict = ledger.history(known.id)[-1].verdict
    assert verdict is not None
    (lift,) = verdict.lifts
    assert (lift.outcome, lift.candidate_n, lift.candidate, lift.baseline) == ("bought", 3000, 0.3, 1 / 6)


def test_after_the_last_step_a_release_settles(world: World) -> None:
    known = world.at(BAKE)
    world.answered(known)
    traffic(world, 12, share=1.0)
    turn = ask(known.id)
    assert (turn["next"], turn["phase"]) == ("settle", "SETTLING")


def test_a_candidate_that_fails_is_rolled_back(world: World) -> None:
    known = world.at(CANARY)
    traffic(world, 3, errors=200)
    turn = ask(known.id)
    assert (turn["next"], turn["phase"]) == ("roll_back", "ROLLING_BACK")
    assert world.told() == [f"ROLLING BACK: fraud release {known.id}"]
    assert "requests failed" in ledger.release(known.id).reason


def test_answers_that_are_no_numbers_are_seen_in_what_was_captured(world: World) -> None:
    known = world.at(CANARY)
    world.answered(known, PairSums(candidate=ArmSums(lines=50, captured=50, invalid=50)))
    traffic(world, 3)
    assert ask(known.id)["phase"] == "ROLLING_BACK"
    assert "50 of 50 captured answers are no finite number" in ledger.release(known.id).reason


def test_counts_of_earlier_steps_stay_and_those_outside_of_any_step_do_not_count(world: World) -> None:
    known = world.at(BAKE)
    for step, invalid in ((SHADOW, 20), (CANARY, 7), (pairing.OUTSIDE, 100)):
        world.answered(replace(known, step=step), PairSums(candidate=ArmSums(lines=200, captured=200, invalid=invalid)))
        world.later(60)
    traffic(world, 3, share=1.0)
    assert ask(known.id)["phase"] == "ROLLING_BACK"
    assert "27 of 400 captured answers are no finite number" in ledger.release(known.id).reason


def test_a_look_asks_for_the_sums_as_they_are_at_that_moment(world: World) -> None:
    known = world.at(CANARY)
    traffic(world, 1)
    ask(known.id)
    (query,) = world.wire.made("query")
    assert query["ConsistentRead"] and query["ExpressionAttributeValues"][":pk"] == {"S": f"PAIRS#{known.id}"}


def test_too_little_evidence_changes_nothing_and_tells_nobody(world: World) -> None:
    known = world.at(CANARY)
    traffic(world, 1)
    turn = ask(known.id)
    now = ledger.release(known.id)
    assert (turn["next"], turn["wait_seconds"]) == ("judge", 60)
    assert (now.step, now.phase, now.evidence.flow.requests) == (known.step, known.phase, 250)
    assert world.told() == [] and history(known.id)[-1] == ("verdict", "judge")


def test_silence_holds_and_people_are_told_once(world: World) -> None:
    known = world.at(CANARY)
    world.later(480)
    assert ask(known.id)["next"] == "judge"
    world.later(60)
    assert ask(known.id)["next"] == "judge"
    assert world.told() == [f"HELD: fraud release {known.id} at 25 %"]
    assert ledger.release(known.id).holding


def test_no_minute_is_counted_twice_and_none_is_left_out(world: World) -> None:
    known = world.at(CANARY)
    for _ in range(4):
        world.cloudwatch.minute(world.clock.at, "baseline", 75)
        world.cloudwatch.minute(world.clock.at, "candidate", 2)
        world.later(60)
        ask(known.id)
    world.later(120)
    ask(known.id)
    ask(known.id)
    assert ledger.release(known.id).evidence.flow.requests == 8


def test_minutes_before_the_step_was_in_place_are_no_evidence(world: World) -> None:
    for i in range(10):
        world.cloudwatch.minute(START - 600 + 60 * i, "candidate", 1000, errors=1000)
    known = world.at(CANARY)
    traffic(world, 1)
    ask(known.id)
    assert ledger.release(known.id).evidence.errors.whole.totals.candidate_errors == 0


def test_a_step_that_is_not_in_place_is_not_judged(world: World) -> None:
    known = world.entered(rel.advance(world.at(CANARY), world.clock.at, "test"))
    traffic(world, 12)
    world.wire.calls.clear()
    assert ask(known.id)["next"] == "shift"
    assert [call.method for call in world.wire.calls] == ["get_item"]
    assert ledger.release(known.id) == known


@pytest.mark.parametrize(("phase", "leads"), [("SETTLING", "settle"), ("ROLLING_BACK", "roll_back")])
def test_a_release_that_is_decided_is_not_judged(world: World, phase: str, leads: str) -> None:
    known = world.at(BAKE)
    moved = rel.advance(known, START, "test") if phase == "SETTLING" else rel.roll_back(known, START, "test")
    world.entered(moved)
    assert ask(known.id)["next"] == leads


def test_a_decision_made_during_the_look_wins(world: World) -> None:
    known = world.at(CANARY)
    traffic(world, 12)

    def alarm(call: Made) -> None:
        if call.method == "get_metric_data":
            world.wire.before = None
            world.entered(rel.roll_back(known, world.clock.at, "alarm"))

    world.wire.before = alarm
    with pytest.raises(ledger.StaleRelease):
        ask(known.id)
    assert ledger.release(known.id).phase is Phase.ROLLING_BACK and world.told() == []
    assert ask(known.id)["next"] == "roll_back"


@pytest.mark.parametrize("method", ["get_metric_data", "query"])
def test_a_look_that_could_not_see_decides_nothing(world: World, method: str) -> None:
    known = world.at(SHADOW)
    traffic(world, 12, share=0.5)
    world.wire.refuse(method)
    with pytest.raises(ClientError, match="Rate exceeded"):
        ask(known.id)
    assert ledger.release(known.id) == known


def test_the_candidates_weight_is_a_metric(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    known = world.at(CANARY)
    traffic(world, 1)
    ask(known.id)
    (metric,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert (metric["CandidateWeight"], metric["EndpointName"]) == ([25.0], "fraud")
