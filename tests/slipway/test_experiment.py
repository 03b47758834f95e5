"""An A/B test on its way: a winner goes on, a loser leaves at once, no difference ends it, guardrails watch it all."""

import random
from dataclasses import replace

import pytest

from slipway import judge, outcomes, plan
from slipway import release as rel
from slipway.minutes import Arm, Minute
from slipway.outcomes import UNIT, OutcomeSums, Sample
from slipway.phases import Phase
from slipway.plan import Goal
from slipway.release import Release
from slipway.verdict import Decision
from tests.slipway.answers import captured

DAYS_2 = 2 * plan.DAY


@pytest.fixture
def test(release: Release) -> Release:
    """In its A/B step, of at least 20 and at most 40 minutes; two outcomes."""
    shortened = plan.parse(
        {"name": "ab-test", "outcomes": [{"name": "bought"}, {"name": "returned", "better": "lower"}]}
    )
    steps = [replace(s, minutes=20, at_most=40) if s.goal is Goal.SUPERIOR else s for s in shortened.steps]
    moved = replace(release, plan=replace(shortened, steps=tuple(steps)))
    for _ in range(3):
        moved = rel.in_place(rel.advance(moved, 0.0, "test"), 0.0)
    assert moved.current is not None and moved.current.goal is Goal.SUPERIOR
    return moved


def arm(rng: random.Random, requests: int, errors: float = 0.001) -> Arm:
    failed = sum(rng.random() < errors for _ in range(requests))
    return Arm(requests, failed, 2000 * (1 + rng.gauss(0, 0.03)), 6000.0, requests // 20)


def reported(c: dict[str, tuple[int, int]], b: dict[str, tuple[int, int]]) -> OutcomeSums:
    """Of 0 or 1: how many reports, and how many 1."""
    of = {(role, name): n for role, arms in (("candidate", c), ("baseline", b)) for name, n in arms.items()}
    return OutcomeSums({key: Sample(n, k * UNIT, k * UNIT**2, k * UNIT) for key, (n, k) in of.items()})


def run(release: Release, minutes: int, total: OutcomeSums, errors: float = 0.001) -> judge.Outcome:
    """Looks each minute, until something moves; of `total`, each minute brings its part."""
    rng = random.Random(6)
    outcome = None
    for i in range(minutes):
        so_far = OutcomeSums(
            {k: Sample(*(v * (i + 1) // minutes for v in vars(s).values())) for k, s in total.samples.items()}
        )
        now = Minute(60.0 * i, arm(rng, 300), arm(rng, 300, errors))
        outcome = judge.look(release, [now], {2: captured(300 * (i + 1))}, now.at + 180, so_far)
        if (outcome.release.step, outcome.release.phase) != (release.step, release.phase):
            return outcome
        release = outcome.release
    assert outcome is not None
    return outcome


def counts(bought: int, returned: int = 600, n: int = 6000) -> dict[str, tuple[int, int]]:
    return {"bought": (n, bought), "returned": (n, returned)}


def test_a_winner_goes_on_to_the_next_step_with_its_numbers(test: Release) -> None:
    outcome = run(test, 40, reported(counts(2600), counts(2000)))
    assert outcome.release.phase is Phase.BAKE
    assert "bought" in outcome.release.reason and ": better" in outcome.release.reason
    verdict = outcome.line.verdict
    assert verdict is not None and [lift.outcome for lift in verdict.lifts] == ["bought", "returned"]
    (lift, _) = verdict.lifts
    assert lift.relative is not None and lift.relative[0] > 0 and lift.p_value <= lift.level == 0.025


def test_a_winner_waits_for_the_least_time_of_the_test(test: Release) -> None:
    outcome = run(test, 19, reported(counts(2600), counts(2000)))
    assert (outcome.release.phase, outcome.release.step) == (Phase.CANARY, 2)


def test_no_difference_ends_the_test_and_the_baseline_stays(test: Release) -> None:
    outcome = run(test, 60, reported(counts(2010), counts(2000)))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert outcome.release.reason.startswith("the test has ended after 40 minutes of traffic")
    assert "no difference shown" in outcome.release.reason


def test_a_loser_leaves_before_the_least_time(test: Release) -> None:
    outcome = run(test, 19, reported(counts(1500), counts(2000)))
    assert outcome.release.phase is Phase.ROLLING_BACK and ": worse" in outcome.release.reason


def test_a_winner_that_is_worse_by_another_outcome_is_rolled_back(test: Release) -> None:
    outcome = run(test, 40, reported(counts(2600, returned=1000), counts(2000)))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert "returned" in outcome.release.reason and "bought" not in outcome.release.reason.split(": worse")[0]


def test_a_watched_outcome_is_reported_and_decides_nothing(test: Release) -> None:
    rules = (test.plan.outcomes[0], replace(test.plan.outcomes[1], role=outcomes.Role.WATCHED))
    watched = replace(test, plan=replace(test.plan, outcomes=rules))
    unbalanced = counts(2600) | {"returned": (1000, 1000)}
    for candidate in (counts(2600, returned=1000), unbalanced):
        assert run(watched, 40, reported(candidate, counts(2000))).release.phase is Phase.BAKE


def test_guardrails_roll_back_a_winner_that_fails_requests(test: Release) -> None:
    outcome = run(test, 40, reported(counts(2600), counts(2000)), errors=0.2)
    assert outcome.release.phase is Phase.ROLLING_BACK and "errors" in outcome.release.reason


@pytest.mark.parametrize("bought", [2600, 1000])
def test_reports_that_come_from_one_variant_more_than_planned_hold_the_test(test: Release, bought: int) -> None:
    outcome = run(test, 20, reported(counts(bought), {"bought": (4000, 1333), "returned": (4000, 400)}))
    assert outcome.release.phase is Phase.CANARY and outcome.release.holding
    assert outcome.line.verdict is not None and outcome.line.verdict.decision is Decision.INVALID
    assert "can't be compared" in outcome.line.verdict.reason


def test_a_win_of_a_handful_of_events_is_not_believed(test: Release) -> None:
    """3 % of 600 have something like a lift of 200 %, and 18 events are no normal mean."""
    one = replace(test.plan, outcomes=(replace(test.plan.outcomes[0], alpha_share=1.0, planned=1000),))
    sums = reported({"bought": (600, 40)}, {"bought": (600, 4)})
    outcome = run(replace(test, plan=one), 30, sums)
    assert outcome.line.verdict is not None
    (lift,) = outcome.line.verdict.lifts
    assert lift.p_value < lift.level and outcome.release.phase is Phase.CANARY


def test_a_day_without_any_report_pages_and_says_where_they_are_expected(test: Release) -> None:
    steps = tuple(replace(s, minutes=s.minutes, at_most=DAYS_2) for s in test.plan.steps)
    known = replace(test, plan=replace(test.plan, steps=steps))
    flow = replace(known.evidence.flow, minutes=plan.DAY, requests=10**6, baseline_requests=10**6)
    outcome = run(replace(known, evidence=replace(known.evidence, flow=flow)), 1, OutcomeSums())
    assert outcome.line.verdict is not None and outcome.line.verdict.decision is Decision.SUSPECT
    assert outcome.tell and "send it in `outcomes` of ground truth" in outcome.line.verdict.reason


def test_what_users_report_in_other_steps_is_not_compared(test: Release) -> None:
    bake = rel.in_place(rel.advance(test, 0.0, "test"), 0.0)
    outcome = judge.look(
        bake, [Minute(0.0, Arm(), arm(random.Random(1), 300))], {}, 180.0, reported(counts(1), counts(2000))
    )
    assert outcome.line.verdict is not None and outcome.line.verdict.lifts == ()
    assert outcome.release.phase is Phase.BAKE
