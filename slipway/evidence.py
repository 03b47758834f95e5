"""What a release has seen: each guardrail's running sums, small enough for the ledger, whatever the traffic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from slipway.guardrails.answers import Capture
from slipway.guardrails.errors import Errors
from slipway.guardrails.flow import Flow
from slipway.guardrails.latency import Latency
from slipway.minutes import Minute
from slipway.plan import GUARDRAILS, Metric, Plan

# CloudWatch's newest minute or two are partial: they are left for the next look.
SETTLED_AFTER = 120.0
PAST = 24 * 3600.0  # seconds before a release, by which the baseline's own variation is measured


@dataclass(frozen=True)
class Evidence:
    """through: end of the last minute folded in. Guardrails carry over the steps of a release; `flow` is the step's.

    What captured answers show is not here: those sums go on growing by themselves, until the last label has come.
    """

    through: float = 0.0
    flow: Flow = field(default_factory=Flow)
    errors: Errors = field(default_factory=lambda: Errors.start(GUARDRAILS[0]))
    latency: Latency = field(default_factory=Latency.start)
    capture: Capture = field(default_factory=Capture)

    def next_step(self) -> "Evidence":
        """What belongs to a step begins anew; what is known of the candidate stays."""
        errors, latency, capture = self.errors.next_step(), self.latency.next_step(), Capture(self.capture.lines)
        return replace(self, flow=Flow(), errors=errors, latency=latency, capture=capture)

    def starting(self, at: float) -> "Evidence":
        """A minute that began before the step's traffic was in place is no evidence for it."""
        return replace(self, through=math.ceil(at / 60) * 60.0)


def begin(plan: Plan, past: Sequence[Minute] = ()) -> Evidence:
    """past: minutes before the release, in time order; how the baseline varies by itself is measured by them."""
    return Evidence(errors=Errors.start(plan.rule(Metric.ERRORS), past), latency=Latency.start(past))


def past(now: float) -> tuple[float, float]:
    """The minutes to fetch before a release begins: [since, until), settled."""
    until = math.floor((now - SETTLED_AFTER) / 60) * 60.0
    return until - PAST, until


def window(evidence: Evidence, now: float) -> tuple[float, float]:
    """The minutes to fetch: [since, until), whole minutes that have settled; empty when until <= since."""
    return evidence.through, math.floor((now - SETTLED_AFTER) / 60) * 60.0


def fold(evidence: Evidence, minutes: Iterable[Minute], until: float, plan: Plan) -> Evidence:
    """With further minutes, in time order; a minute already folded in is left out."""
    for minute in sorted(minutes, key=lambda m: m.at):
        if evidence.through <= minute.at < until:
            evidence = Evidence(
                through=minute.at + 60,
                flow=evidence.flow.fold(minute),
                errors=evidence.errors.fold(minute),
                latency=evidence.latency.fold(minute, plan.rule(Metric.LATENCY)),
                capture=evidence.capture.fold(minute),
            )
    return replace(evidence, through=max(evidence.through, until))
