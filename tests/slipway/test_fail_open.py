"""Ways in which others' release tools pass what they should not. Here each one fails closed.

What needs AWS's answers is beside its adapter: a metric that could not be read (tests/lambdas/test_metrics.py), a
rollback that has not been seen to end (tests/lambdas/test_roll_back.py).
"""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from slipway import evidence as ev
from slipway import plan as plans
from slipway import traffic
from slipway.frame import Frame
from slipway.guardrails.flow import SILENT_MINUTES
from slipway.judge import Outcome
from slipway.minutes import Arm, Minute
from slipway.phases import Phase
from slipway.plan import Metric
from slipway.release import Release
from slipway.verdict import Decision
from tests.slipway.test_judge import arm, at_canary, healthy, run
from tests.slipway.test_traffic import endpoint, settle, walk

WORKFLOW = Path(__file__).parents[2] / "infra" / "workflows" / "promotion.asl.json"
STEP = 1  # canary 5 %


def decided(outcome: Outcome) -> Decision:
    assert outcome.line.verdict is not None
    return outcome.line.verdict.decision


def stays(outcome: Outcome) -> bool:
    return outcome.release.phase is Phase.CANARY and outcome.release.step == STEP


# Every metric in error: a score of 100, and a pass.


def test_metrics_without_a_single_value_hold_and_tell_people(release: Release) -> None:
    minutes = [replace(m, candidate=replace(m.candidate, p50=None, p90=None, slower=None)) for m in healthy(40)]
    outcome = run(at_canary(release), minutes)
    assert stays(outcome) and outcome.release.holding and decided(outcome) is Decision.INVALID


def test_an_error_of_the_judge_itself_is_tried_again_and_then_rolls_back() -> None:
    judge = json.loads(WORKFLOW.read_text())["States"]["Judge"]
    assert judge["Retry"][0]["ErrorEquals"] == ["States.ALL"]
    assert [(c["ErrorEquals"], c["Next"]) for c in judge["Catch"]] == [(["States.ALL"], "RollBack")]


# No data, replaced by a pass.


def test_nothing_is_promoted_because_nothing_was_measured(release: Release) -> None:
    outcome = run(at_canary(release), [Minute(60.0 * i, Arm(), Arm()) for i in range(2000)])
    assert stays(outcome) and decided(outcome) is Decision.NO_DATA
    assert outcome.release.evidence.flow.minutes == 0, "the dwell clock stands still"


def test_a_candidate_that_gets_no_request_while_the_baseline_does_is_rolled_back_as_misrouted(
    release: Release,
) -> None:
    rng = random.Random(3)
    outcome = run(at_canary(release), [Minute(60.0 * i, arm(rng, 600, 0.005, 2000), Arm()) for i in range(30)])
    assert outcome.release.phase is Phase.ROLLING_BACK and "routing is broken" in outcome.release.reason


def test_traffic_that_ceases_before_enough_was_seen_advances_nothing(release: Release) -> None:
    silence = [Minute(60.0 * i, Arm(), Arm()) for i in range(8, 8 + SILENT_MINUTES)]
    outcome = run(at_canary(release), [*healthy(8, errors=0.0), *silence])
    assert stays(outcome) and decided(outcome) is Decision.NO_DATA


def test_no_errors_reported_is_no_error_but_still_needs_its_sample(release: Release) -> None:
    outcome = run(at_canary(release), healthy(9, errors=0.0))
    assert stays(outcome) and decided(outcome) is Decision.UNDECIDED
    assert "of 300 candidate requests" in outcome.line.verdict.reason  # type: ignore[union-attr]


# A group without a weight, silently ignored.


@pytest.mark.parametrize("share", [0, -0.1])
def test_a_guardrail_without_a_share_of_alpha_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="alpha_share"):
        plans.parse({"name": "canary", "guardrails": [{"metric": "errors", "alpha_share": share}]})


@pytest.mark.parametrize("metric", [Metric.ERRORS, Metric.LATENCY])
def test_a_guardrail_that_a_plan_leaves_out_is_watched_all_the_same(release: Release, metric: Metric) -> None:
    rest = tuple(rule for rule in release.plan.guardrails if rule.metric is not metric)
    without = replace(release, plan=replace(release.plan, guardrails=rest))
    worse = {Metric.ERRORS: {"errors": 0.2}, Metric.LATENCY: {"p50": 9000.0}}[metric]
    assert run(at_canary(without), healthy(60, **worse)).release.phase is Phase.ROLLING_BACK


# A run that ended before its first measurement: successful.


def test_a_look_before_the_first_minute_has_settled_decides_nothing(release: Release) -> None:
    since, until = ev.window(ev.begin(release.plan), now=119.0)
    assert until <= since
    outcome = run(at_canary(release), healthy(1))
    assert stays(outcome) and decided(outcome) is Decision.UNDECIDED


# A threshold that is not looked at while traffic is still rising.


def test_an_outage_in_a_steps_first_minutes_rolls_back_at_once(release: Release) -> None:
    outcome = run(at_canary(release), healthy(2, errors=1.0))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert decided(outcome) is Decision.HARD_STOP


def test_errors_while_traffic_rises_minute_by_minute_roll_back(release: Release) -> None:
    rising = [m for i in range(20) for m in healthy(i + 1, seed=i, requests=200 * (i + 1), errors=0.1)[-1:]]
    outcome = run(at_canary(release), rising)
    assert outcome.release.phase is Phase.ROLLING_BACK and "errors" in outcome.release.reason


# Inconclusive at the end: shipped.


def test_an_undecided_step_ends_in_a_rollback_never_in_a_promotion(release: Release) -> None:
    steps = tuple(replace(step, at_most=30, minutes=20) for step in release.plan.steps)
    short = replace(release, plan=replace(release.plan, steps=steps))
    outcome = run(at_canary(short), healthy(120, requests=40))
    assert outcome.release.phase is Phase.ROLLING_BACK
    assert "undecided after 30 minutes" in outcome.release.reason


# "The split is off" in place of "roll back now".


def test_a_split_that_is_not_the_planned_one_holds(release: Release) -> None:
    outcome = run(at_canary(release), healthy(60, share=0.15))
    assert outcome.release.holding and "planned are 5 %" in outcome.line.verdict.reason  # type: ignore[union-attr]


def test_a_doubt_about_validity_never_masks_a_rollback(release: Release) -> None:
    assert run(at_canary(release), healthy(60, share=0.15, errors=1.0)).release.phase is Phase.ROLLING_BACK


# The newest datapoint, read while it is still partial.


def test_the_newest_two_minutes_are_left_for_the_next_look(release: Release) -> None:
    fresh = replace(release.evidence, through=0.0)
    assert ev.window(fresh, now=600.0) == (0.0, 480.0)
    partial = Minute(480.0, Arm(10, 0, 2000.0), Arm(1, 1, 2000.0))
    assert ev.fold(fresh, [partial], 480.0, release.plan).flow.requests == 0


# Success, because the endpoint is InService, although on its old config.


def test_an_endpoint_in_service_on_its_old_config_is_no_success(release: Release, frame: Frame) -> None:
    place = endpoint(frame)
    place.refuses_update = True
    assert place.observed.status == "InService"
    with pytest.raises(traffic.UpdateRolledBack, match="was asked for 2 times"):
        settle(place, walk(release, 1)[-1], frame)
