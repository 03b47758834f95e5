"""Our judge on simulated traffic: a real release in a canary step, one look a minute, minutes as CloudWatch has them.

The release is paused, so it stays in its step to the end of the horizon: a rollback counts whenever it comes, and the
first verdict that would have advanced the step is noted. Where the traffic changes weight, the release moves on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench.calibration.decisions import NEVER, Decisions
from bench.calibration.traffic import P50_MS, Arm, Traffic
from slipway import evidence, judge, minutes, plan
from slipway import release as rel
from slipway.evidence import SETTLED_AFTER
from slipway.minutes import Minute
from slipway.pairsums import ArmSums, PairSums
from slipway.phases import Phase
from slipway.plan import Metric
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
    seen = zip(_pasts(traffic), cells(traffic), captured(traffic), strict=True)
    return [_run(*run, traffic.weights) for run in seen]


def cells(traffic: Traffic) -> Iterator[list[Minute]]:
    """Each run's minutes, in the shape `lambdas.aws.metrics.minutes` gives them."""
    threshold = _threshold(traffic.baseline)
    for baseline, candidate in zip(
        _arms(traffic.baseline, threshold), _arms(traffic.candidate, threshold), strict=True
    ):
        pairs = enumerate(zip(baseline, candidate, strict=True))
        yield [Minute(60.0 * at, *arms) for at, arms in pairs]


def captured(traffic: Traffic) -> Iterator[list[PairSums]]:
    """Each run's captured answers as of every minute: all of them, and how many were no number."""
    arms = [
        (arm.requests.cumsum(axis=1).tolist(), arm.invalid.cumsum(axis=1).tolist())
        for arm in (traffic.baseline, traffic.candidate)
    ]
    for run in zip(*arms[0], *arms[1], strict=True):
        yield [
            PairSums(ArmSums(lines=b, captured=b, invalid=bad), ArmSums(lines=c, captured=c, invalid=worse))
            for b, bad, c, worse in zip(*run, strict=True)
        ]


def _threshold(baseline: Arm) -> np.ndarray:
    """What each minute's requests are counted against, in ms: the baseline's median of the minute before."""
    before = np.concatenate([baseline.p50[:, :1], baseline.p50[:, :-1]], axis=1)
    return np.nan_to_num(before, nan=P50_MS) + PLAN.rule(Metric.LATENCY).floor


def _arms(arm: Arm, threshold: np.ndarray) -> Iterator[list[minutes.Arm]]:
    counts = (arm.requests.tolist(), arm.errors.tolist(), arm.slower_than(threshold).tolist())
    for run in zip(*counts, 1000 * arm.p50, 1000 * arm.p90, strict=True):
        yield [_minute(*values) for values in zip(*run, strict=True)]


def _minute(requests: int, errors: int, slower: int, p50: float, p90: float) -> minutes.Arm:
    latency = (float(p50), float(p90), slower) if requests else (None, None, None)
    return minutes.Arm(requests, errors, *latency)


def _pasts(traffic: Traffic) -> Iterator[list[Minute]]:
    """Each run's minutes before the release, as its admission sees them."""
    past = traffic.past
    if past is None:
        yield from ([] for _ in range(traffic.runs))
        return
    for run in zip(past.requests.tolist(), past.errors.tolist(), (1000 * past.p50).tolist(), strict=True):
        arms = [
            minutes.Arm(requests, errors, p50 if requests else None) for requests, errors, p50 in zip(*run, strict=True)
        ]
        yield [Minute(60.0 * at, arm, minutes.Arm()) for at, arm in enumerate(arms, -len(arms))]


def _run(past: list[Minute], series: list[Minute], answers: list[PairSums], weights: np.ndarray) -> Run:
    release, advanced = _begun(past), NEVER
    for at, (minute, answered) in enumerate(zip(series, answers, strict=True)):
        while release.weight < weights[at]:
            release = _next_step(release, minute.at)
        outcome = judge.look(release, [minute], {0: answered}, minute.at + 60 + SETTLED_AFTER)
        release = outcome.release
        if release.phase is Phase.ROLLING_BACK:
            return Run(at, advanced, release.reason)
        if advanced == NEVER and outcome.line.verdict.decision is Decision.NON_INFERIOR:
            advanced = at
    return Run(NEVER, advanced)


def _begun(past: list[Minute]) -> Release:
    fresh = Release("f.1.000000", "f", "p", "c", "b", "b", 1, PLAN, 0.0, 0.0, evidence=evidence.begin(PLAN, past))
    return _next_step(fresh, 0.0)


def _next_step(release: Release, at: float) -> Release:
    return replace(rel.in_place(rel.advance(release, at, "bench"), at), paused=True)
