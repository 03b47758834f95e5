"""The judge: from minutes of evidence to advance, hold or roll back.

Every test here is an e-value, so it may be looked at every minute: a candidate no worse than the plan tolerates makes
one reach 1/alpha at any time with a probability of at most alpha. The budget `guardrails.alpha` is split evenly
over the guardrails. Advancing needs positive evidence too; nothing is promoted because time ran out.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from slipway import evidence as ev
from slipway import release as rel
from slipway.evidence import Evidence, Minute
from slipway.phases import Phase
from slipway.plan import Guardrails, Step
from slipway.release import Entry, Release
from slipway.stats.mixture import log_mean
from slipway.stats.rates import LATE_SHARE, LEAST_ERRORS, Cell, RateRatio
from slipway.stats.srm import sample_ratio_mismatch
from slipway.verdict import HOLDS, ROLLS_BACK, Decision, Finding, Verdict, strongest

GUARDRAILS = 3
GRACE_MINUTES = 5  # of baseline traffic only, before a step counts as wrongly routed
SILENT_MINUTES = 5  # of no traffic at all, before people are told
HARD_STOP_REQUESTS, HARD_STOP_RATE, HARD_STOP_BASELINE = 20, 0.5, 0.1
SRM_ALPHA = 0.001
FRACTIONS = (0.1, 0.25, 0.5)
INVALID_RATES = (0.01, 0.05, 0.3)

Opinion = tuple[Decision, str, Finding | None]


@dataclass(frozen=True)
class Outcome:
    """What a look leads to: the release as it should be now, the line for its history, and whether to tell people."""

    release: Release
    line: Entry
    tell: bool


def look(release: Release, minutes: Iterable[Minute], now: float) -> Outcome:
    """One look at a release in a judged phase, with the settled minutes since the last one."""
    _, until = ev.window(release.evidence, now)
    seen = replace(release, evidence=ev.fold(release.evidence, minutes, until, release.plan.guardrails))
    verdict = judge(seen, now)
    moved = _act(seen, verdict, now)
    changed = moved.step != release.step or moved.phase != release.phase
    what = moved.phase.value if changed else "verdict"
    by = "operator" if release.urged and changed else "judge"
    line = rel.entry(moved, what, by, now, moved.reason if changed else verdict.reason, verdict)
    return Outcome(moved, line, tell=changed or (moved.holding and not release.holding))


def judge(release: Release, now: float) -> Verdict:
    """The verdict on the evidence a release carries."""
    step = release.current
    if step is None:
        raise ValueError(f"release: {release.id} is {release.phase}; there is nothing to judge")
    opinions = [opinion(release.evidence, release.plan.guardrails, step) for opinion in _OPINIONS]
    decision = strongest([opinion[0] for opinion in opinions])
    reasons = [reason for said, reason, _ in opinions if said is decision]
    findings = tuple(finding for _, _, finding in opinions if finding)
    return Verdict(decision, "; ".join(reasons), findings, now)


def _act(release: Release, verdict: Verdict, now: float) -> Release:
    step, seen = release.current, release.evidence
    assert step is not None
    if verdict.decision in ROLLS_BACK:
        return rel.roll_back(release, now, verdict.reason)
    holding = verdict.decision in HOLDS
    if release.urged and not holding:
        return rel.advance(release, now, f"an operator asked for it; verdict: {verdict.decision}")
    if release.paused:
        return replace(release, holding=holding)
    if verdict.decision is Decision.NON_INFERIOR:
        return rel.advance(release, now, verdict.reason)
    if seen.minutes >= step.at_most:
        return rel.roll_back(release, now, f"undecided after {seen.minutes} minutes of traffic: {verdict.reason}")
    return replace(release, holding=holding)


def _hard_stop(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    requests = sum(m.candidate.requests for m in seen.recent)
    errors = sum(m.candidate.errors for m in seen.recent)
    others = sum(m.baseline.requests for m in seen.recent) or seen.errors.totals.baseline_requests
    failed = sum(m.baseline.errors for m in seen.recent) if others else 0
    rate = errors / requests if requests else 0.0
    baseline = failed / others if others else 0.0
    if requests >= HARD_STOP_REQUESTS and rate >= HARD_STOP_RATE and baseline < HARD_STOP_BASELINE:
        says = f"{errors} of the last {requests} candidate requests failed ({rate:.0%}); baseline {baseline:.1%}"
        return Decision.HARD_STOP, says, _finding("outage", rate, baseline, math.inf, -math.inf, 1.0, says)
    return Decision.NON_INFERIOR, "no outage", None


def _errors(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    totals, bar = seen.errors.totals, _bar(guardrails)
    harm = max(seen.errors.harm.log_e(LATE_SHARE), _against_history(seen, guardrails, step))
    ceiling = _rate_stays_under(seen.candidate_errors, seen.candidate_requests, guardrails.error_floor)
    safe = max(seen.errors.safe.log_e(0), ceiling)
    candidate, baseline = (
        _rate(totals.candidate_errors, totals.candidate_requests),
        _rate(totals.baseline_errors, totals.baseline_requests),
    )
    says = (
        f"errors {totals.candidate_errors}/{totals.candidate_requests} ({candidate:.2%}) against "
        f"{totals.baseline_errors}/{totals.baseline_requests} ({baseline:.2%}); "
        f"tolerated ratio {guardrails.error_ratio:g}"
    )
    finding = _finding("errors", candidate, baseline, harm, safe, bar, says)
    enough = max(totals.candidate_errors, seen.candidate_errors) >= LEAST_ERRORS
    return _decide(finding, harm if enough else 0.0, safe, bar, guardrails)


def _latency(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    b, c = _latest(seen, "baseline"), _latest(seen, "candidate")
    if any(m.candidate.requests and m.candidate.p50 is None for m in seen.recent):
        return Decision.INVALID, "the candidate has requests but no latency: its metrics are incomplete", None
    harm = seen.latency.log_e(LATE_SHARE)
    # At 100 % there is nothing to compare with in the same minutes; the alarm on p90 watches alone.
    safe = _bets(seen.compared - seen.slower, seen.compared) if step.weight < 100 else math.inf
    says = (
        f"median slower than tolerated in {seen.slower} of {seen.compared} minutes (the baseline's + "
        f"{guardrails.latency_margin:.0%}, at least {guardrails.latency_floor_ms:g} ms); latest {_ms(c)} against {_ms(b)}"
    )
    finding = _finding("latency", c, b, harm, safe, _bar(guardrails), says)
    return _decide(finding, harm, safe, _bar(guardrails), guardrails)


def _invalid(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    baseline = _rate(seen.baseline_invalid, seen.baseline_captured)
    tolerated = min(max(guardrails.invalid_rate, 2 * baseline), 0.5)
    alternatives = [p for p in INVALID_RATES if p > tolerated] or [0.75]
    valid = seen.captured - seen.invalid
    harm = log_mean(
        [seen.invalid * math.log(p / tolerated) + valid * math.log((1 - p) / (1 - tolerated)) for p in alternatives]
        if tolerated
        else [math.log(1e9) if seen.invalid else 0.0]
    )
    rate = _rate(seen.invalid, seen.captured)
    says = f"{seen.invalid} of {seen.captured} captured answers are no finite number; tolerated {tolerated:.2%}"
    finding = _finding("invalid", rate, baseline, harm, math.inf if not seen.invalid else 0.0, _bar(guardrails), says)
    if harm >= math.log(_bar(guardrails)):
        return Decision.REGRESSION, says, finding
    return (Decision.NON_INFERIOR if rate <= tolerated else Decision.UNDECIDED), says, finding


def _routing(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    if seen.unseen >= GRACE_MINUTES:
        says = f"the candidate got no request for {seen.unseen} minutes while the baseline did: routing is broken"
        return Decision.REGRESSION, says, None
    if seen.unseen:
        return Decision.NO_DATA, f"the candidate got no request for {seen.unseen} minutes", None
    if seen.silent >= SILENT_MINUTES:
        return Decision.NO_DATA, f"no requests at all for {seen.silent} minutes; the dwell clock stands still", None
    if step.phase is Phase.CANARY and step.weight < 100:
        counts = (seen.baseline_requests, seen.candidate_requests)
        mismatch = sample_ratio_mismatch(counts, (1 - step.weight / 100, step.weight / 100), alpha=SRM_ALPHA)
        if mismatch.p_value <= SRM_ALPHA and mismatch.estimate is not None:
            says = f"the candidate gets {mismatch.estimate:.1%} of the requests, planned are {step.weight:g} %"
            return Decision.INVALID, says, None
    return Decision.NON_INFERIOR, "traffic is split as planned", None


def _exposure(seen: Evidence, guardrails: Guardrails, step: Step) -> Opinion:
    says = f"{seen.minutes} of {step.minutes} minutes, {seen.candidate_requests} of {step.requests} candidate requests"
    enough = seen.minutes >= step.minutes and seen.candidate_requests >= step.requests
    return (Decision.NON_INFERIOR if enough else Decision.UNDECIDED), f"seen {says}", None


_OPINIONS: tuple[Callable[[Evidence, Guardrails, Step], Opinion], ...] = (
    _hard_stop,
    _errors,
    _latency,
    _invalid,
    _routing,
    _exposure,
)


def _decide(finding: Finding, harm: float, safe: float, bar: float, guardrails: Guardrails) -> Opinion:
    if harm >= math.log(bar):
        return Decision.REGRESSION, finding.says, finding
    if safe >= math.log(1 / guardrails.alpha):
        return Decision.NON_INFERIOR, finding.says, finding
    return Decision.UNDECIDED, f"not enough evidence yet: {finding.says}", finding


def _against_history(seen: Evidence, guardrails: Guardrails, step: Step) -> float:
    """At 100 % no baseline answers in the same minutes: the step is held against the baseline's earlier ones."""
    if step.weight < 100:
        return 0.0
    totals = seen.errors.totals
    cell = Cell(seen.candidate_errors, seen.candidate_requests, totals.baseline_errors, totals.baseline_requests)
    return RateRatio.start(tolerance=guardrails.error_ratio).update(cell).harm.log_e(0)


def _rate_stays_under(errors: int, requests: int, ceiling: float) -> float:
    """log e-value against "the error rate is at least `ceiling`": mean of likelihood ratios of fractions of it."""
    fine = requests - errors
    return log_mean([errors * math.log(f) + fine * math.log((1 - ceiling * f) / (1 - ceiling)) for f in FRACTIONS])


def _bets(wins: int, rounds: int) -> float:
    """log e-value against "a minute is a win with a probability of at most one half"."""
    return log_mean([wins * math.log1p(bet) + (rounds - wins) * math.log1p(-bet) for bet in ev.BETS])


def _bar(guardrails: Guardrails) -> float:
    return GUARDRAILS / guardrails.alpha


def _finding(
    name: str, candidate: float | None, baseline: float | None, harm: float, safe: float, bar: float, says: str
) -> Finding:
    return Finding(name, candidate, baseline, _e(harm), _e(safe), bar, says)


def _e(log_e: float) -> float:
    """An e-value that JSON can hold."""
    return round(math.exp(min(log_e, 50.0)), 4)


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _latest(seen: Evidence, arm: str) -> float | None:
    medians = [getattr(m, arm).p50 for m in seen.recent]
    return next((m for m in reversed(medians) if m is not None), None)


def _ms(microseconds: float | None) -> str:
    return "nothing" if microseconds is None else f"{microseconds / 1000:.1f} ms"
