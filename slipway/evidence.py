"""What was seen of both variants: minutes of counts, folded into running sums small enough for the ledger."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from slipway.names import BASELINE, CANDIDATE
from slipway.plan import Guardrails
from slipway.stats.mixture import Mixture
from slipway.stats.rates import Cell, RateRatio

# CloudWatch's newest minute or two are partial: they are left for the next look.
SETTLED_AFTER = 120.0
RECENT = 3
BETS = (0.5, 0.9)
LATE_PER_MINUTE = math.log1p(-1 / 20)  # of the prior on when a slow-down begins


@dataclass(frozen=True)
class Arm:
    """One variant in one minute. errors: requests without a 2xx; p50, p90: model latency in microseconds.

    captured and invalid count captured answers, and those of them that are no finite number.
    """

    requests: int = 0
    errors: int = 0
    p50: float | None = None
    p90: float | None = None
    captured: int = 0
    invalid: int = 0

    @property
    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Minute:
    """Both variants in the minute that begins at `at` (unix seconds)."""

    at: float
    baseline: Arm
    candidate: Arm


@dataclass(frozen=True)
class Evidence:
    """Running sums. Those of the release carry over the steps, those of the step begin anew with it.

    through: end of the last minute folded in; latency: bets that the candidate's median is beyond the margin in more
    than every second minute; slower, compared: such minutes of the step, of those compared; unseen: consecutive minutes
    in which only the baseline had requests; silent: in which nobody had; recent: the last minutes of the step as they
    were.
    """

    through: float = 0.0
    errors: RateRatio = field(default_factory=RateRatio.start)
    latency: Mixture = field(default_factory=lambda: Mixture.none(len(BETS)))
    captured: int = 0
    invalid: int = 0
    baseline_captured: int = 0
    baseline_invalid: int = 0
    minutes: int = 0
    slower: int = 0
    compared: int = 0
    candidate_requests: int = 0
    candidate_errors: int = 0
    baseline_requests: int = 0
    unseen: int = 0
    silent: int = 0
    recent: tuple[Minute, ...] = ()

    def next_step(self) -> "Evidence":
        return replace(
            self,
            minutes=0,
            slower=0,
            compared=0,
            candidate_requests=0,
            candidate_errors=0,
            baseline_requests=0,
            unseen=0,
            silent=0,
            recent=(),
        )

    def starting(self, at: float) -> "Evidence":
        """A minute that began before the step's traffic was in place is no evidence for it."""
        return replace(self, through=math.ceil(at / 60) * 60.0)


def begin(guardrails: Guardrails) -> Evidence:
    margin = max(2.0, guardrails.error_ratio)
    return Evidence(errors=RateRatio.start(tolerance=guardrails.error_ratio, margin=margin, clip=5.0))


def window(evidence: Evidence, now: float) -> tuple[float, float]:
    """The minutes to fetch: [since, until), whole minutes that have settled; empty when until <= since."""
    return evidence.through, math.floor((now - SETTLED_AFTER) / 60) * 60.0


def with_captured(minutes: list[Minute], counts: Mapping[str, tuple[int, int]]) -> list[Minute]:
    """The minutes of one look, with its counts of captured and invalid answers per variant noted in the last one."""
    if not minutes or not counts:
        return minutes
    arms = {role: dict(zip(("captured", "invalid"), counts[role], strict=True)) for role in (BASELINE, CANDIDATE)}
    last = minutes[-1]
    return [
        *minutes[:-1],
        Minute(last.at, replace(last.baseline, **arms[BASELINE]), replace(last.candidate, **arms[CANDIDATE])),
    ]


def fold(evidence: Evidence, minutes: Iterable[Minute], until: float, guardrails: Guardrails) -> Evidence:
    """With further minutes, in time order; a minute already folded in is left out."""
    for minute in sorted(minutes, key=lambda m: m.at):
        if evidence.through <= minute.at < until:
            evidence = _with(evidence, minute, guardrails)
    return replace(evidence, through=max(evidence.through, until))


def _with(evidence: Evidence, minute: Minute, guardrails: Guardrails) -> Evidence:
    b, c = minute.baseline, minute.candidate
    comparable = b.p50 is not None and c.p50 is not None
    slower = comparable and guardrails.too_slow(c.p50 or 0.0, b.p50 or 0.0)
    bets = [math.log1p(bet if slower else -bet) for bet in BETS]
    return replace(
        evidence,
        through=minute.at + 60,
        errors=evidence.errors.update(Cell(c.errors, c.requests, b.errors, b.requests)),
        latency=evidence.latency + Mixture.step(bets, LATE_PER_MINUTE) if comparable else evidence.latency,
        slower=evidence.slower + slower,
        compared=evidence.compared + comparable,
        captured=evidence.captured + c.captured,
        invalid=evidence.invalid + c.invalid,
        baseline_captured=evidence.baseline_captured + b.captured,
        baseline_invalid=evidence.baseline_invalid + b.invalid,
        minutes=evidence.minutes + bool(c.requests),
        candidate_requests=evidence.candidate_requests + c.requests,
        candidate_errors=evidence.candidate_errors + c.errors,
        baseline_requests=evidence.baseline_requests + b.requests,
        unseen=evidence.unseen + 1 if b.requests and not c.requests else 0,
        silent=0 if b.requests or c.requests else evidence.silent + 1,
        recent=(*evidence.recent, minute)[-RECENT:],
    )
