"""The judge: from minutes of evidence to advance, hold or roll back.

Every guardrail is an e-value, so it may be looked at every minute: a candidate no worse than tolerated makes one
reach its bar, at any time, with a probability of at most its share of the plan's alpha. Evidence carries over the
steps. Advancing needs positive evidence; nothing is promoted because time ran out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from slipway import evidence as ev
from slipway import release as rel
from slipway.guardrails import answers, disagreement, errors, flow, latency, quality
from slipway.guardrails.opinion import Opinion, rate
from slipway.minutes import Minute
from slipway.pairsums import PairSums
from slipway.phases import Phase
from slipway.plan import Metric
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


def look(release: Release, minutes: Iterable[Minute], sums: Mapping[int, PairSums], now: float) -> Outcome:
    """One look at a release in a judged phase, with the settled minutes since the last one.

    sums: of captured answers and labels, by step, since the release began.
    """
    _, until = ev.window(release.evidence, now)
    seen = ev.fold(release.evidence, minutes, until, release.plan)
    lines = sum(step.candidate.lines for step in sums.values())
    looked = replace(release, evidence=replace(seen, capture=seen.capture.look(lines)))
    verdict = judge(looked, sums, now)
    moved = _act(looked, verdict, now)
    changed = moved.step != release.step or moved.phase != release.phase
    what = moved.phase.value if changed else "verdict"
    by = "operator" if release.urged and changed else "judge"
    line = rel.entry(moved, what, by, now, moved.reason if changed else verdict.reason, verdict)
    return Outcome(moved, line, tell=changed or (moved.holding and not release.holding))


def judge(release: Release, sums: Mapping[int, PairSums], now: float) -> Verdict:
    """The verdict on the evidence a release carries, and on sums. Raises ValueError outside the judged phases."""
    opinions = _opinions(release, sums)
    decision = strongest([opinion.decision for opinion in opinions])
    findings = tuple(opinion.finding for opinion in opinions if opinion.finding)
    open_ = [opinion for opinion in opinions if opinion.decision is not Decision.NON_INFERIOR]
    due = release.evidence.flow.minutes >= LABELS_DUE
    needs = open_[0].needs if due and len(open_) == 1 else ""
    return Verdict(decision, _reason(decision, opinions), findings, now, needs)


def _opinions(release: Release, sums: Mapping[int, PairSums]) -> list[Opinion]:
    step, plan, seen = release.current, release.plan, release.evidence
    if step is None:
        raise ValueError(f"release: {release.id} is {release.phase}; there is nothing to judge")
    totals = seen.errors.whole.totals
    steps = [sums[at] for at in sorted(sums) if 0 <= at < len(plan.steps)]
    now = sums.get(release.step, PairSums())
    shadow = [disagreement.opinion(now, plan.rule(Metric.DISAGREEMENT), plan.alpha)]
    return [
        flow.outage(seen.flow, rate(totals.baseline_errors, totals.baseline_requests)),
        errors.opinion(seen.errors, plan.rule(Metric.ERRORS), plan.alpha),
        latency.opinion(seen.latency, plan.rule(Metric.LATENCY), plan.alpha, comparable=step.weight < 100),
        latency.complete(seen.latency),
        answers.opinion(sum(steps, PairSums()), plan.rule(Metric.INVALID), plan.alpha),
        answers.coverage(seen.capture, seen.flow, now),
        quality.opinion(steps, plan.rule(Metric.QUALITY), plan.alpha),
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
        return rel.roll_back(release, now, f"undecided after {seen.minutes} minutes of traffic: {verdict.reason}")
    return replace(release, holding=holding)
