"""The judge on minutes of simulated traffic: independent requests, one generator, seeded."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import evidence as ev
from slipway import judge
from slipway import release as rel
from slipway.minutes import Arm, Minute
from slipway.pairsums import PairSums
from slipway.phases import Phase
from slipway.release import Release
from slipway.verdict import Decision
from tests.slipway import answers

MINUTES_LATE = 3
THRESHOLD = 7000.0  # microseconds: the baseline's 2 ms and what nobody minds
ANSWERED = {0: answers.shadow(pairs=1500, labels=1500)}


def at_canary(release: Release, step: int = 1) -> Release:
    moved = release
    for _ in range(step + 1):
        moved = rel.in_place(rel.advance(moved, 0.0, "test"), 0.0)
    return moved


def arm(rng: random.Random, requests: int, errors: float, p50: float) -> Arm:
    failed = sum(rng.random() < errors for _ in range(requests))
    noisy = p50 * (1 + rng.gauss(0, 0.05))
    beyond = 1 - NormalDist(math.log(noisy), 0.5).cdf(math.log(THRESHOLD))
    slower = sum(rng.random() < beyond for _ in range(requests))
    return Arm(requests, failed, noisy if requests else None, 3 * noisy if requests else None, slower)


def minute(
    at: int, rng: random.Random, *, share: float = 0.05, requests: int = 600, errors: float = 0.0, p50: float = 2000.0
) -> Minute:
    """A minute with a healthy baseline of .5 % errors and 2 ms; the arguments are the candidate's."""
    mine = round(requests * share)
    return Minute(60.0 * at, arm(rng, requests - mine, 0.005, 2000.0), arm(rng, mine, errors, p50))


def run(release: Release, minutes: list[Minute], sums: Mapping[int, PairSums] = ANSWERED) -> judge.Outcome:
    """Looks each minute, as the workflow does, until something moves. sums: what captured answers have come to."""
    outcome = None
    for i, now in enumerate(minutes):
        outcome = judge.look(release, [now], sums, now.at + 60 * MINUTES_LATE)
        if outcome.release.step != release.step or outcome.release.phase is Phase.ROLLING_BACK:
            return outcome
        release = outcome.release
        assert release.evidence.through == 60.0 * (i + 1)
    assert outcome is not None
    return outcome


def healthy(count: int, seed: int = 1, **change: float) -> list[Minute]:
    rng = random.Random(seed)
    return [minute(i, rng, **{"errors": 0.005, **change}) for i in range(count)]


def test_a_healthy_candidate_advances_once_enough_is_seen(release: Release) -> None:
    outcome = run(at_canary(release), healthy(60))
    assert outcome.release.step == 2
    assert outcome.tell
    assert outcome.release.evidence.flow.minutes == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_candidate_is_not_rolled_back_in_six_hours_of_looking(release: Release, seed: int) -> None:
    stuck = replace(at_canary(release), paused=True)
    outcome = run(stuck, healthy(360, seed))
    assert outcome.release.phase is Phase.CANARY


@pytest.mark.parametrize(("rate", "most"), [(1.0, 2), (0.2, 8), (0.05, 40)])
def test_errors_roll_back_the_sooner_the_more_there_are(release: Release, rate: float, most: int) -> None:
    outcome = run(at_canary(release), healthy(60, errors=rate))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert outcome.release.evidence.flow.minutes <= most
    assert "errors" in outcome.release.reason or "failed" in outcome.release.reason


def test_a_slower_median_rolls_back(release: Release) -> None:
    outcome = run(at_canary(release), healthy(60, p50=9000.0))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert "median" in outcome.release.reason


def test_a_candidate_that_slows_down_in_a_late_step_is_caught_in_spite_of_its_good_past(release: Release) -> None:
    canary = at_canary(release)
    paused = replace(canary, paused=True)
    for past in healthy(120):
        paused = judge.look(paused, [past], ANSWERED, past.at + 180).release
    later = [replace(m, at=m.at + 120 * 60) for m in healthy(60, seed=2, p50=9000.0)]
    moved = replace(paused, paused=False, evidence=paused.evidence.next_step())
    slow = None
    for now in later:
        slow = judge.look(moved, [now], ANSWERED, now.at + 180)
        moved = slow.release
        if moved.phase is Phase.ROLLING_BACK:
            break
    assert slow is not None and slow.release.phase is Phase.ROLLING_BACK


def test_answers_that_are_no_number_roll_back(release: Release) -> None:
    outcome = run(at_canary(release), healthy(30), {**ANSWERED, 1: answers.captured(900, invalid=30)})
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert "no finite number" in outcome.release.reason


def test_a_paused_release_does_not_advance_but_still_rolls_back(release: Release) -> None:
    paused = replace(at_canary(release), paused=True)
    assert run(paused, healthy(120)).release.step == 1
    assert run(paused, healthy(120, errors=0.5)).release.phase is Phase.ROLLING_BACK


def test_an_operator_can_urge_an_undecided_release_on_but_not_a_harmful_one(release: Release) -> None:
    urged = replace(at_canary(release), urged=True)
    assert run(urged, healthy(1)).line.by == "operator"
    assert judge.look(urged, healthy(2, errors=1.0), ANSWERED, 240.0).release.phase is Phase.ROLLING_BACK


def test_a_repeated_look_at_the_same_minutes_counts_them_once(release: Release) -> None:
    canary = at_canary(release)
    first = judge.look(canary, healthy(1), ANSWERED, 180.0).release
    again = judge.look(first, healthy(1), ANSWERED, 180.0).release
    assert again.evidence == first.evidence


@given(st.integers(0, 50), st.integers(1, 50), st.data())
@settings(max_examples=60)
def test_more_candidate_errors_never_turn_a_rollback_into_an_advance(
    errors: int, more: int, data: st.DataObject
) -> None:
    from slipway import plan

    chosen = plan.BUILTIN["canary"]
    begun = ev.begin(chosen)
    fresh = Release("f.1.000000", "f", "p", "c", "b", "b", 1, chosen, 0, 0, evidence=begun)
    requests = data.draw(st.integers(100, 1000))
    canary = at_canary(fresh)

    def decide(failed: int) -> Decision:
        seen = Minute(0.0, Arm(5000, 25, 2000.0), Arm(requests, min(failed, requests), 2000.0))
        verdict = judge.look(canary, [seen], ANSWERED, 180.0).line.verdict
        assert verdict is not None
        return verdict.decision

    order = list(Decision)
    assert order.index(decide(errors + more)) <= order.index(decide(errors))


def test_a_reason_names_the_numbers(release: Release) -> None:
    outcome = run(at_canary(release), healthy(60, errors=0.2))
    assert "tolerated 1.25 times" in outcome.release.reason
    assert "baseline" in outcome.release.reason
