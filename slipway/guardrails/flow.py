"""Whether there is anything to judge: outage, routing, silence, share, exposure."""

import math
from dataclasses import dataclass, replace

from slipway.guardrails.opinion import Opinion, rate
from slipway.minutes import Minute
from slipway.phases import Phase
from slipway.plan import Step
from slipway.stats.srm import log_bayes_factor
from slipway.verdict import Decision, Finding

GRACE_MINUTES = 5  # of baseline traffic only, before a step counts as wrongly routed,
GRACE_REQUESTS = 20  # if that many candidate requests were due: at a few a minute, none in a row is chance
SILENT_MINUTES = 5  # of no traffic at all, before people are told
OUTAGE_REQUESTS, OUTAGE_RATE, OUTAGE_BASELINE = 20, 0.5, 0.1
OUTAGE_MINUTES = 2  # a client that tries again and again fails within one
SRM_ALPHA = 0.001
RECENT = 3


@dataclass(frozen=True)
class Flow:
    """Of the step: minutes with candidate requests (the dwell clock), requests, consecutive minutes in which only the
    baseline had requests (unseen; missed: requests of the baseline in them) or nobody (silent), and the last minutes as
    they were."""

    minutes: int = 0
    requests: int = 0
    baseline_requests: int = 0
    unseen: int = 0
    missed: int = 0
    silent: int = 0
    recent: tuple[Minute, ...] = ()

    def fold(self, minute: Minute) -> "Flow":
        b, c = minute.baseline, minute.candidate
        return replace(
            self,
            minutes=self.minutes + bool(c.requests),
            requests=self.requests + c.requests,
            baseline_requests=self.baseline_requests + b.requests,
            unseen=0 if c.requests else self.unseen + bool(b.requests),
            missed=0 if c.requests else self.missed + b.requests,
            silent=0 if b.requests or c.requests else self.silent + 1,
            recent=(*self.recent, minute)[-RECENT:],
        )


def outage(seen: Flow, baseline_rate: float) -> Opinion:
    """Most of the last requests failed, and the baseline's did not. baseline_rate: over the whole release."""
    requests = sum(m.candidate.requests for m in seen.recent)
    errors = sum(m.candidate.errors for m in seen.recent)
    others = sum(m.baseline.requests for m in seen.recent)
    baseline = rate(sum(m.baseline.errors for m in seen.recent), others) if others else baseline_rate
    failed = rate(errors, requests)
    failing = [m.candidate.errors >= OUTAGE_RATE * m.candidate.requests > 0 for m in seen.recent[-OUTAGE_MINUTES:]]
    lasts = len(failing) == OUTAGE_MINUTES and all(failing)
    if lasts and requests >= OUTAGE_REQUESTS and failed >= OUTAGE_RATE and baseline < OUTAGE_BASELINE:
        says = (
            f"outage: {errors} of the last {requests} candidate requests failed ({failed:.0%}), baseline {baseline:.1%}"
        )
        return Opinion(Decision.HARD_STOP, says, Finding("outage", failed, baseline, 1.0, 0.0, 1.0, says))
    return Opinion(Decision.NON_INFERIOR, "no outage")


def routing(seen: Flow, step: Step) -> Opinion:
    due = seen.missed if step.weight in (0, 100) else seen.missed * step.weight / (100 - step.weight)
    if seen.unseen >= GRACE_MINUTES and due >= GRACE_REQUESTS:
        says = f"routing is broken: no candidate request for {seen.unseen} minutes while the baseline had some"
        return Opinion(Decision.REGRESSION, says)
    if due >= GRACE_REQUESTS / 2:
        return Opinion(Decision.NO_DATA, f"no candidate request for {seen.unseen} minutes while the baseline had some")
    if seen.silent >= SILENT_MINUTES:
        return Opinion(Decision.NO_DATA, f"no requests at all for {seen.silent} minutes; the dwell clock stands still")
    if step.phase is Phase.CANARY and step.weight < 100:
        shares = (1 - step.weight / 100, step.weight / 100)
        counts = (seen.baseline_requests, seen.requests)
        if log_bayes_factor(counts, shares) >= math.log(1 / SRM_ALPHA):
            says = (
                f"the candidate gets {rate(counts[1], sum(counts)):.1%} of the requests, planned are {step.weight:g} %"
            )
            return Opinion(Decision.INVALID, says)
    return Opinion(Decision.NON_INFERIOR, "traffic is split as planned")


def exposure(seen: Flow, step: Step) -> Opinion:
    enough = seen.minutes >= step.minutes and seen.requests >= step.requests
    says = f"seen {seen.minutes} of {step.minutes} minutes, {seen.requests:,} of {step.requests:,} candidate requests"
    return Opinion(Decision.NON_INFERIOR if enough else Decision.UNDECIDED, says)
