"""Quality and disagreement: what the judge makes of captured answers and of labels, and of their absence."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import judge, scores
from slipway import release as rel
from slipway.guardrails import answers as captured_answers
from slipway.guardrails import disagreement, quality, split
from slipway.guardrails.flow import Flow
from slipway.minutes import Arm, Minute
from slipway.pairsums import ArmSums, PairSums
from slipway.phases import Phase
from slipway.plan import BUILTIN, GUARDRAILS, Action, Guardrail, Metric, Plan
from slipway.release import Release
from slipway.verdict import Decision
from tests.slipway import answers

ALPHA = 0.05
RULE = {rule.metric: rule for rule in GUARDRAILS}
GOOD = answers.shadow(pairs=1500, labels=1500)


def quality_of(*steps: PairSums, rule: Guardrail = RULE[Metric.QUALITY]) -> quality.Opinion:
    return quality.opinion(steps, rule, ALPHA)


def disagreement_of(step: PairSums) -> Decision:
    return disagreement.opinion(step, RULE[Metric.DISAGREEMENT], ALPHA).decision


def in_shadow(release: Release, plan: Plan | None = None) -> Release:
    chosen = replace(release, plan=plan or release.plan)
    return rel.in_place(rel.advance(chosen, 0.0, "test"), 0.0)


def follow(
    release: Release, sums: Mapping[int, PairSums], minutes: int, requests: int = 600, captured: bool = True
) -> list[judge.Outcome]:
    """Looks at as many healthy minutes, or until something moves; captured: whether each brings lines as it should."""
    seen = []
    for i in range(minutes):
        arm, lines = Arm(requests, 1, 2000.0, 4000.0), ArmSums(lines=requests * (i + 1))
        now = {**sums, release.step: sums.get(release.step, PairSums()) + PairSums(lines, lines)} if captured else sums
        seen.append(judge.look(release, [Minute(60.0 * i, arm, arm)], now, 60.0 * i + 180))
        if seen[-1].release.step != release.step or seen[-1].release.phase is Phase.ROLLING_BACK:
            break
        release = seen[-1].release
    return seen


def decisions(outcomes: list[judge.Outcome]) -> list[Decision]:
    return [outcome.line.verdict.decision for outcome in outcomes if outcome.line.verdict]


def test_a_candidate_as_good_as_the_baseline_leaves_its_shadow(release: Release) -> None:
    last = follow(in_shadow(release), {0: GOOD}, 60)[-1]
    assert last.release.step == 1
    assert "1,500 labelled pairs" in last.release.reason


def test_a_worse_model_is_rolled_back_from_its_shadow(release: Release) -> None:
    worse = answers.shadow(pairs=1500, labels=1500, noise=1.2)
    last = follow(in_shadow(release), {0: worse}, 60)[-1]
    assert last.release.phase is Phase.ROLLING_BACK
    assert "labelled pairs, tolerated 0%" in last.release.reason


def test_labels_that_come_in_the_canary_still_count_against_the_shadow(release: Release) -> None:
    canary = rel.in_place(rel.advance(in_shadow(release), 0.0, "test"), 0.0)
    late = {0: answers.shadow(pairs=1500, labels=1500, noise=1.2)}
    assert follow(canary, late, 1)[-1].release.phase is Phase.ROLLING_BACK


def test_without_labels_quality_is_undecided_and_the_reason_says_how_to_waive(release: Release) -> None:
    seen = follow(in_shadow(release), {0: answers.shadow(pairs=1500)}, 100)
    assert set(decisions(seen)) == {Decision.UNDECIDED} and seen[-1].release.step == 0
    assert quality.WAIVER in seen[-1].line.reason
    assert "no label yet" in seen[-1].line.reason


def test_without_labels_people_are_told_once_after_an_hour(release: Release) -> None:
    seen = follow(in_shadow(release), {0: answers.shadow(pairs=1500)}, 100)
    assert [i for i, outcome in enumerate(seen) if outcome.tell] == [judge.LABELS_DUE - 1]
    assert seen[-1].line.verdict is not None and seen[-1].line.verdict.needs == "labels"


def test_without_labels_the_step_ends_in_a_rollback_never_in_a_promotion(release: Release) -> None:
    steps = tuple(replace(step, at_most=30) for step in release.plan.steps)
    last = follow(in_shadow(release, replace(release.plan, steps=steps)), {0: answers.shadow(pairs=1500)}, 60)[-1]
    assert last.release.phase is Phase.ROLLING_BACK
    assert "undecided after 30 minutes" in last.release.reason and quality.WAIVER in last.release.reason


def waived(plan: Plan) -> Plan:
    rules = tuple(replace(rule, required=rule.metric is not Metric.QUALITY) for rule in plan.guardrails)
    return replace(plan, guardrails=rules)


def test_a_plan_that_waives_quality_advances_and_the_history_says_so(release: Release) -> None:
    last = follow(in_shadow(release, waived(release.plan)), {0: answers.shadow(pairs=1500)}, 60)[-1]
    assert last.release.step == 1
    assert "not shown to be no worse: the plan waives that" in last.line.reason


def test_a_waiver_does_not_switch_the_brake_off(release: Release) -> None:
    worse = answers.shadow(pairs=1500, labels=1500, noise=1.2)
    last = follow(in_shadow(release, waived(release.plan)), {0: worse}, 60)[-1]
    assert last.release.phase is Phase.ROLLING_BACK


def test_an_operator_can_advance_a_release_that_lacks_nothing_but_labels(release: Release) -> None:
    held = follow(in_shadow(release), {0: answers.shadow(pairs=1500)}, 70)[-1].release
    assert held.holding
    urged = replace(held, urged=True)
    arm = Arm(600, 1, 2000.0, 4000.0)
    outcome = judge.look(urged, [Minute(4200.0, arm, arm)], {0: answers.shadow(pairs=1500)}, 4380.0)
    assert (outcome.release.step, outcome.line.by) == (1, "operator")


def test_no_built_in_plan_can_be_left_by_a_release_without_labels_unless_it_says_so() -> None:
    required = {plan.name for plan in BUILTIN.values() if plan.rule(Metric.QUALITY).required}
    assert required == {"canary", "blue-green"}


def test_a_share_of_labels_that_differs_between_the_variants_of_a_split_is_invalid() -> None:
    found = quality_of(answers.split(6000, 0.5, mine=0.3))
    assert found.decision is Decision.INVALID
    assert "labels came for 30" in found.says


def test_variants_that_got_labels_unlike_are_not_compared_even_if_the_candidate_looks_bad() -> None:
    assert quality_of(answers.split(6000, 0.5, noise=3.0, mine=0.3)).decision is Decision.INVALID
    assert quality_of(answers.split(6000, 0.5, noise=3.0)).decision is Decision.REGRESSION


def test_unlike_labels_of_a_split_do_not_mask_what_the_pairs_show() -> None:
    worse = answers.shadow(pairs=1500, labels=1500, noise=1.2)
    assert quality_of(worse, answers.split(6000, 0.5, mine=0.3)).decision is Decision.REGRESSION
    assert quality_of(GOOD, answers.split(6000, 0.5, mine=0.3)).decision is Decision.NON_INFERIOR


def test_a_split_needs_200_labels_of_each_variant() -> None:
    assert quality_of(answers.split(300, 0.5, noise=9.0)).decision is Decision.UNDECIDED
    assert quality_of(answers.split(3000, 0.05, noise=9.0)).decision is Decision.UNDECIDED
    assert quality_of(answers.split(3000, 0.5, noise=9.0)).decision is Decision.REGRESSION


def evidence(steps: list[PairSums], *, worse: bool) -> float:
    means = split.comparable(steps, lambda arm: quality._plain(arm, 100))
    return split.log_e(means, 0.01, ALPHA, worse=worse)


def test_cohorts_of_different_age_are_not_pooled() -> None:
    """At first the candidate gets few requests and all labels are in; later many, and few of the positive ones are."""
    rng, steps = random.Random(3), []
    for share, positives in ((0.1, 1.0), (0.9, 0.2)):
        arms = [ArmSums(), ArmSums()]
        for _ in range(3000):
            truth, baseline, candidate = answers.draw(rng, answers.NOISE)
            label, mine = int(rng.random() < answers.probability(truth)), rng.random() < share
            if not label or rng.random() < positives:
                arms[mine] += scores.of_labelled(answers.probability(candidate) if mine else baseline, label)
        steps.append(PairSums(*arms))
    old, young = steps
    pooled = old + young
    assert pooled.candidate.log_loss.mean < 0.8 * pooled.baseline.log_loss.mean
    for harm in (True, False):
        assert evidence([old, young], worse=harm) < 4 < evidence([pooled], worse=False)


@given(st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=40)
def test_more_bad_predictions_never_turn_a_rollback_into_an_advance(bad: int, more: int) -> None:
    order = list(Decision)

    def decide(count: int) -> int:
        """A frequent event that the candidate alone calls improbable."""
        worse = scores.of_labelled_pair(0.9, 0.05, 1, 60.0, **answers.MARGINS)
        total = GOOD
        for _ in range(count):
            total += worse
        return order.index(quality_of(total).decision)

    assert decide(bad + more) <= decide(bad)


@given(st.integers(0, 300), st.integers(1, 300))
@settings(max_examples=40)
def test_more_changed_decisions_never_turn_a_page_into_an_advance(changed: int, more: int) -> None:
    order = list(Decision)

    def decide(count: int) -> int:
        step = replace(GOOD, log_odds=PairSums().log_odds, changed=min(count, GOOD.pairs))
        return order.index(disagreement_of(step))

    assert decide(changed + more) <= decide(changed)


def test_wrong_features_are_seen_within_minutes_without_a_label() -> None:
    """Decisions hardly change, since nearly nothing is positive; but the scores no longer move together."""
    rng = random.Random(11)
    step = PairSums()
    for _ in range(600):
        step += scores.of_pair(*(answers.probability(rng.gauss(-5, 1)) for _ in range(2)), 0.5)
    assert step.changed == 0
    assert disagreement_of(step) is Decision.SUSPECT


@pytest.mark.parametrize(
    "change",
    [{"shift": 2.5}, {"shift": -2.5}, {"noise": 6.0}],
    ids=["odds too high", "odds too low", "hardly a score right"],
)
def test_gross_disagreement_stops_a_release_in_its_shadow(release: Release, change: dict[str, float]) -> None:
    seen = follow(in_shadow(release), {0: answers.shadow(pairs=900, **change)}, 30)
    assert decisions(seen)[-1] is Decision.SUSPECT and seen[-1].release.step == 0
    assert [outcome.tell for outcome in seen].count(True) == 1


def test_labels_that_show_a_candidate_to_be_better_answer_for_its_disagreement(release: Release) -> None:
    """A model retrained after a drift disagrees with a champion that is wrong: nobody needs to look."""
    other = answers.shadow(pairs=900, shift=2.5)
    better = replace(GOOD, pairs=other.pairs, changed=other.changed, shift=other.shift, log_odds=other.log_odds)
    assert disagreement_of(better) is Decision.SUSPECT
    assert quality_of(better).decision is Decision.NON_INFERIOR
    last = follow(in_shadow(release), {0: better}, 60)[-1]
    assert last.release.step == 1 and "labels of the same requests show" in last.line.reason
    waiving = waived(release.plan)
    assert decisions(follow(in_shadow(release, waiving), {0: other}, 60))[-1] is Decision.SUSPECT, (
        "a waiver shows nothing"
    )


def test_after_a_look_at_a_disagreement_an_operator_may_go_on(release: Release) -> None:
    sums = {0: answers.shadow(pairs=900, shift=2.5)}
    held = follow(in_shadow(release), sums, 20)[-1].release
    arm = Arm(600, 1, 2000.0, 4000.0)
    moved = judge.look(replace(held, urged=True), [Minute(1200.0, arm, arm)], sums, 1380.0).release
    assert moved.step == 1
    assert Decision.SUSPECT not in decisions(follow(rel.in_place(moved, 1400.0), sums, 5))


def test_a_plan_may_roll_back_at_once_for_disagreement(release: Release) -> None:
    strict = replace(RULE[Metric.DISAGREEMENT], action=Action.ROLL_BACK)
    plan = replace(release.plan, guardrails=(*(r for r in GUARDRAILS if r.metric is not strict.metric), strict))
    last = follow(in_shadow(release, plan), {0: answers.shadow(pairs=900, shift=2.5)}, 5)[-1]
    assert last.release.phase is Phase.ROLLING_BACK and "log-odds moved by +2." in last.release.reason


def test_a_better_model_that_changes_some_decisions_is_not_suspected() -> None:
    assert disagreement_of(answers.shadow(pairs=1500, noise=0.6)) is Decision.NON_INFERIOR


def test_no_probability_instead_of_one_is_a_changed_decision() -> None:
    step = sum((scores.of_pair(0.2, None if i % 4 == 0 else 0.2, 0.5) for i in range(400)), PairSums())
    found = disagreement.opinion(step, RULE[Metric.DISAGREEMENT], ALPHA)
    assert (found.decision, found.says[:10]) == (Decision.SUSPECT, "100 of 400")


def test_a_shadow_without_pairs_is_not_left(release: Release) -> None:
    last = follow(in_shadow(release, waived(release.plan)), {0: answers.captured(1500)}, 60)[-1]
    assert last.release.step == 0 and "0 of 0 decisions differ" in last.line.reason


def test_without_captured_answers_none_of_them_being_invalid_says_nothing(release: Release) -> None:
    step = replace(GOOD, candidate=answers.captured(50).candidate, baseline=answers.captured(50).baseline)
    last = follow(in_shadow(release), {0: step}, 30, requests=60)[-1]
    assert last.release.step == 0 and "0 of 50 captured answers" in last.line.reason


def test_capture_that_stopped_holds_instead_of_finding_nothing_invalid(release: Release) -> None:
    paused = replace(in_shadow(release), paused=True)
    seen = follow(paused, {0: answers.shadow(pairs=1500, labels=0)}, 40, requests=100, captured=False)
    assert decisions(seen)[-1] is Decision.INVALID
    assert "capture has stopped" in seen[-1].line.reason
    assert [outcome.tell for outcome in seen].count(True) == 1


def test_a_candidate_captured_less_than_the_baseline_is_not_trusted(release: Release) -> None:
    lame = replace(GOOD, candidate=replace(GOOD.candidate, lines=400, captured=400))
    seen = follow(in_shadow(release), {0: lame}, 13, captured=False)
    assert decisions(seen)[-1] is Decision.INVALID and "captured are 400 of" in seen[-1].line.reason
    assert Decision.INVALID not in decisions(seen)[:9], "its files may only be late"


def test_capture_that_stopped_does_not_mask_invalid_answers(release: Release) -> None:
    bad = replace(GOOD, candidate=replace(GOOD.candidate, invalid=60))
    assert follow(in_shadow(release), {0: bad}, 40, captured=False)[-1].release.phase is Phase.ROLLING_BACK


def test_what_was_captured_while_no_step_was_in_place_is_no_evidence(release: Release) -> None:
    seen = follow(in_shadow(release), {0: GOOD, -1: answers.captured(900, invalid=300)}, 3)
    assert Phase.ROLLING_BACK not in [outcome.release.phase for outcome in seen]


def acted_on(pairs: int, *, noise: float = answers.NOISE, floor: float = 0.1) -> PairSums:
    """A team looks at what the baseline suspects, and at few others: only those requests get a label."""
    rng, total = random.Random(9), PairSums()
    for _ in range(pairs):
        truth, baseline, log_odds = answers.draw(rng, noise)
        candidate, chance = answers.probability(log_odds), floor if baseline < 0.5 else 1.0
        total += scores.of_pair(baseline, candidate, 0.5)
        label = int(rng.random() < answers.probability(truth))
        if rng.random() < chance:
            total += scores.of_labelled_pair(baseline, candidate, label, 60.0, propensity=chance, **answers.MARGINS)
    return total


def test_all_estimators_are_shown_and_the_doubly_robust_one_decides() -> None:
    found = quality_of(acted_on(3000, noise=1.5))
    assert found.decision is Decision.REGRESSION
    assert all(name in found.says for name in ("doubly robust +0.", "SNIPS +0.", "IPS +0."))
    assert quality_of(acted_on(6000)).decision is Decision.NON_INFERIOR


def test_who_got_a_label_is_corrected_for() -> None:
    """The candidate is worse where the baseline suspects nothing, and better where it does: labels show the latter."""
    rng, total = random.Random(2), PairSums()
    for _ in range(5000):
        suspect = rng.random() < 0.2
        label, baseline = int(rng.random() < (0.6 if suspect else 0.1)), 0.9 if suspect else 0.1
        candidate = 0.6 if suspect else 0.4
        total += scores.of_pair(baseline, candidate, 0.5)
        if rng.random() < (chance := 1.0 if suspect else 0.1):
            total += scores.of_labelled_pair(baseline, candidate, label, 60.0, propensity=chance, **answers.MARGINS)
    assert total.log_loss.mean < 0 < total.weighted.dr()[0]
    assert quality_of(total).decision is Decision.REGRESSION


def test_poor_overlap_decides_nothing_and_says_why() -> None:
    found = quality_of(acted_on(3000, noise=3.0, floor=0.002))
    assert found.decision is Decision.UNDECIDED
    assert "the pairs say nothing: poor overlap" in found.says


def selected(noise: float) -> PairSums:
    """A split; of its answers mostly the suspicious ones get a label."""
    rng, arms = random.Random(4), [ArmSums(), ArmSums()]
    for _ in range(8000):
        truth, baseline, log_odds = answers.draw(rng, noise)
        mine = rng.random() < 0.5
        score, label = (
            answers.probability(log_odds) if mine else baseline,
            int(rng.random() < answers.probability(truth)),
        )
        arms[mine] += scores.of_single(score)
        if rng.random() < (chance := 0.2 if score < 0.5 else 0.9):
            arms[mine] += scores.of_labelled(score, label, chance)
    return PairSums(*arms)


def test_on_a_split_each_variants_labels_are_corrected() -> None:
    bad = quality_of(selected(2.0))
    assert bad.decision is Decision.REGRESSION and "on the split, corrected, it differs by doubly robust +" in bad.says
    assert quality_of(selected(answers.NOISE)).decision is not Decision.REGRESSION


def test_labels_without_a_propensity_are_judged_as_before() -> None:
    assert GOOD.weighted.known == 0 and "corrected" not in quality_of(GOOD).says


def test_a_bakes_first_look_compares_no_captured_shares_with_a_baselines_last_request() -> None:
    """Seen in the sandbox: 3 lines of 1 request, since lines and requests are counted at other moments."""
    flow = Flow(minutes=20, requests=263, baseline_requests=1)
    step = PairSums(candidate=ArmSums(lines=277), baseline=ArmSums(lines=3))
    assert captured_answers.coverage(captured_answers.Capture(), flow, step).decision is Decision.NON_INFERIOR
    flow = replace(flow, baseline_requests=300)
    lost = PairSums(candidate=ArmSums(lines=40), baseline=ArmSums(lines=295))
    assert captured_answers.coverage(captured_answers.Capture(), flow, lost).decision is Decision.INVALID
