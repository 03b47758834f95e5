"""Our judge on simulated traffic: a real release in a canary step, one look a minute, minutes as CloudWatch has them.

The release is paused, so it stays in its step to the end of the horizon: a rollback counts whenever it comes, and the
first verdict that would have advanced the step is noted. Where the traffic changes weight, the release moves on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.decisions import NEVER, Decisions
from bench.calibration.traffic import Arm, Traffic
from slipway import evidence, judge, plan
from slipway import release as rel
from slipway.evidence import SETTLED_AFTER, Minute
from slipway.phases import Phase
from slipway.release import Release
from slipway.verdict import Decision

PLAN = plan.BUILTIN["canary-without-shadow"]


@dataclass(frozen=True)
class Run:
    """Minutes of the rollback and of the first verdict to advance, and what the judge said when it rolled back."""

    rolled_back: int
    advanced: int
    reason: str = ""


def ours(traffic: Traffic) -> Decisions:
    found = runs(traffic)
    return Decisions(np.array([run.rolled_back for run in found]), np.array([run.advanced for run in found]))


def runs(traffic: Traffic) -> list[Run]:
    return [_run(minutes, traffic.weights) for minutes in cells(traffic)]


def cells(traffic: Traffic) -> Iterator[list[Minute]]:
    """Each run's minutes, in the shape `lambdas.aws.metrics.minutes` gives them."""
    for baseline, candidate in zip(_arms(traffic.baseline), _arms(traffic.candidate), strict=True):
        pairs = enumerate(zip(baseline, candidate, strict=True))
        yield [Minute(60.0 * at, *arms) for at, arms in pairs]


def _arms(arm: Arm) -> Iterator[list[evidence.Arm]]:
    microseconds = (1000 * arm.p50, 1000 * arm.p90)
    for run in zip(arm.requests.tolist(), arm.errors.tolist(), arm.invalid.tolist(), *microseconds, strict=True):
        yield [_minute(*values) for values in zip(*run, strict=True)]


def _minute(requests: int, errors: int, invalid: int, p50: float, p90: float) -> evidence.Arm:
    latency = (float(p50), float(p90)) if requests else (None, None)
    return evidence.Arm(requests, errors, *latency, captured=requests, invalid=invalid)


def _run(minutes: list[Minute], weights: np.ndarray) -> Run:
    release, advanced = _begun(), NEVER
    for at, minute in enumerate(minutes):
        while release.weight < weights[at]:
            release = _next_step(release, minute.at)
        outcome = judge.look(release, [minute], minute.at + 60 + SETTLED_AFTER)
        release = outcome.release
        if release.phase is Phase.ROLLING_BACK:
            return Run(at, advanced, release.reason)
        if advanced == NEVER and outcome.line.verdict.decision is Decision.NON_INFERIOR:
            advanced = at
    return Run(NEVER, advanced)


def _begun() -> Release:
    fresh = Release("f.1.000000", "f", "p", "c", "b", "b", 1, PLAN, 0.0, 0.0, evidence=evidence.begin(PLAN.guardrails))
    return _next_step(fresh, 0.0)


def _next_step(release: Release, at: float) -> Release:
    return replace(rel.in_place(rel.advance(release, at, "bench"), at), paused=True)
