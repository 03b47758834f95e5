"""The judge: from minutes of evidence to advance, hold or roll back.

Every guardrail is an e-value, so it may be looked at every minute: a candidate no worse than tolerated makes one
reach its bar, at any time, with a probability of at most its share of the plan's alpha. Evidence carries over the
steps. Advancing needs positive evidence; nothing is promoted because time ran out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from slipway import evidence as ev
from slipway import release as rel
from slipway.guardrails import answers, disagreement, errors, flow, latency, outcomes, quality
from slipway.guardrails.opinion import Opinion, rate
from slipway.minutes import Minute
from slipway.outcomes import OutcomeSums
from slipway.pairsums import PairSums
from slipway.phases import Phase
from slipway.plan import Goal, Metric, Step
from slipway.release import Entry, Release
from slipway.verdict import HOLDS, ROLLS_BACK, TELLS, Decision, Verdict, strongest

# Of traffic in a step that lacks nothing but labels, before people are told; most labels take a while.
LABELS_DUE = 60


@dataclass(frozen=True)
class Outcome:
    """What a look leads to: the release as it should be now, the line for its history, and whether to tell people."""

    release: Release
    line: Entry
    tell: bool


NO_REPORTS = OutcomeSums()


def look(
    release: Release,
    minutes: Iterable[Minute],
    sums: Mapping[int, PairSums],
    now: float,
    reported: OutcomeSums = NO_REPORTS,
) -> Outcome:
    """One look at a release in a judged phase, with the settled minutes since the last one.

    sums: of captured answers and labels, by step, since the release began; reported: of what users reported of the
    step's requests.
    """
    _, until = ev.window(release.evidence, now)
    seen = ev.fold(release.evidence, minutes, until, release.plan)
    lines = sum(step.candidate.lines for step in sums.values())
    looked = replace(release, evidence=replace(seen, capture=seen.capture.look(lines)))
    verdict = judge(looked, sums, now, reported)
    moved = _act(looked, verdict, now)
    changed = moved.step != release.step or moved.phase != release.phase
    what = moved.phase.value if changed else "verdict"
    by = "operator" if release.urged and changed else "judge"
    line = rel.entry(moved, what, by, now, moved.reason if changed else verdict.reason, verdict)
    return Outcome(moved, line, tell=changed or (moved.holding and not release.holding))


def judge(release: Release, sums: Mapping[int, PairSums], now: float, reported: OutcomeSums = NO_REPORTS) -> Verdict:
    """The verdict on the evidence a release carries, and on sums. Raises ValueError outside the judged phases."""
    step = release.current
    if step is None:
        raise ValueError(f"release: {release.id} is {release.phase}; there is nothing to judge")
    minutes = release.evidence.flow.minutes
    lifts = outcomes.lifts(reported, release.plan, step)
    opinions = _opinions(release, step, sums) + outcomes.opinions(lifts, reported, release.plan, step, minutes)
    decision = strongest([opinion.decision for opinion in opinions])
    findings = tuple(opinion.finding for opinion in opinions if opinion.finding)
    open_ = [opinion for opinion in opinions if opinion.decision is not Decision.NON_INFERIOR]
    needs = open_[0].needs if minutes >= LABELS_DUE and len(open_) == 1 else ""
    return Verdict(decision, _reason(decision, opinions), findings, now, needs, lifts)


def _opinions(release: Release, step: Step, sums: Mapping[int, PairSums]) -> list[Opinion]:
    plan, seen = release.plan, release.evidence
    totals = seen.errors.whole.totals
    steps = [sums[at] for at in sorted(sums) if 0 <= at < len(plan.steps)]
    now = sums.get(release.step, PairSums())
    labelled = quality.opinion(steps, plan.rule(Metric.QUALITY), plan.alpha)
    shown = quality.shown(labelled, plan.alpha)
    shadow = [disagreement.opinion(now, plan.rule(Metric.DISAGREEMENT), plan.alpha, shown=shown)]
    return [
        flow.outage(seen.flow, rate(totals.baseline_errors, totals.baseline_requests)),
        errors.opinion(seen.errors, plan.rule(Metric.ERRORS), plan.alpha),
        latency.opinion(seen.latency, plan.rule(Metric.LATENCY), plan.alpha, comparable=step.weight < 100),
        latency.complete(seen.latency),
        answers.opinion(sum(steps, PairSums()), plan.rule(Metric.INVALID), plan.alpha),
        answers.coverage(seen.capture, seen.flow, now),
        labelled,
        *(shadow if step.phase is Phase.SHADOW else []),
        flow.routing(seen.flow, step),
        flow.exposure(seen.flow, step),
    ]


def _reason(decision: Decision, opinions: list[Opinion]) -> str:
    """The sentences that led to the decision; for an advance, those with numbers."""
    said = [opinion for opinion in opinions if opinion.decision is decision]
    if decision is Decision.NON_INFERIOR:
        return "shown to be no worse: " + "; ".join(opinion.says for opinion in said if opinion.finding)
    prefix = {Decision.UNDECIDED: "not enough evidence yet: "}.get(decision, "")
    return prefix + "; ".join(opinion.says for opinion in said)


def _act(release: Release, verdict: Verdict, now: float) -> Release:
    step, seen = release.current, release.evidence.flow
    assert step is not None
    if verdict.decision in ROLLS_BACK:
        return rel.roll_back(release, now, verdict.reason)
    holding = verdict.decision in TELLS or bool(verdict.needs)
    if release.urged and verdict.decision not in HOLDS:
        return rel.advance(release, now, f"an operator asked for it; verdict: {verdict.decision}")
    if release.paused:
        return replace(release, holding=holding)
    if verdict.decision is Decision.NON_INFERIOR:
        return rel.advance(release, now, verdict.reason)
    if seen.minutes >= step.at_most:
        ended = "the test has ended" if step.goal is Goal.SUPERIOR else "undecided"
        return rel.roll_back(release, now, f"{ended} after {seen.minutes} minutes of traffic: {verdict.reason}")
    return replace(release, holding=holding)
