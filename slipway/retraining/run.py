"""A retraining run, as data, and the pure moves that change it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from slipway import names


class Kind(StrEnum):
    """Who asks."""

    DRIFT = "drift"
    SCHEDULE = "schedule"
    LABELS = "labels"  # enough new ones have come
    PERSON = "person"


@dataclass(frozen=True)
class Cause:
    """An alarming finding behind a trigger, in the detectors' words (slipway.drift.findings)."""

    detector: str
    cause: str
    subject: str = ""
    says: str = ""


@dataclass(frozen=True)
class Trigger:
    """A wish to retrain. since, until: the window of traffic it rests on; at: when it came; unix seconds.

    remedy: what the drift verdict recommends, "" for other kinds. by, reason: who asks and why.
    """

    endpoint: str
    kind: Kind
    since: float
    until: float
    at: float
    reason: str
    causes: tuple[Cause, ...] = ()
    remedy: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if not self.since < self.until <= self.at:
            raise ValueError(f"since: since < until <= at must hold, got {self.since}, {self.until}, {self.at}")
        if self.kind is Kind.PERSON and not (self.by and self.reason):
            raise ValueError("by: a person's trigger says who asks and why; it goes into the run's history")


def run_id(trigger: Trigger) -> str:
    """The run that a trigger asks for: the same causes in the same window ask for the same one."""
    causes = sorted({f"{cause.detector} {cause.cause} {cause.subject}" for cause in trigger.causes})
    asked = trigger.by if trigger.kind is Kind.PERSON else ""
    window = f"{trigger.since:.0f} {trigger.until:.0f}"
    return names.retraining(trigger.endpoint, "|".join([trigger.kind, asked, window, *causes]))


class State(StrEnum):
    """A leg at a time; the champion is untouched in all of them."""

    ADMITTED = "ADMITTED"
    ASSEMBLING = "ASSEMBLING"
    TUNING = "TUNING"  # where the settings ask for it
    TRAINING = "TRAINING"
    COMPARING = "COMPARING"
    PROFILING = "PROFILING"  # the baseline that the challenger's traffic will be watched by
    REGISTERING = "REGISTERING"
    AWAITING = "AWAITING"  # a person's approval
    APPROVED = "APPROVED"  # the release has begun: from here on it is the promotion's
    REFUSED = "REFUSED"  # by a check of the data or by the gate
    REJECTED = "REJECTED"  # by a person, or nobody answered in time
    FAILED = "FAILED"  # a job or a call
    STOPPED = "STOPPED"  # by a person, in the middle


_ENDS = frozenset({State.FAILED, State.STOPPED})
MOVES: dict[State, frozenset[State]] = {
    State.ADMITTED: frozenset({State.ASSEMBLING}) | _ENDS,
    State.ASSEMBLING: frozenset({State.TUNING, State.TRAINING, State.REFUSED}) | _ENDS,
    State.TUNING: frozenset({State.TRAINING}) | _ENDS,
    State.TRAINING: frozenset({State.COMPARING}) | _ENDS,
    State.COMPARING: frozenset({State.PROFILING, State.REFUSED}) | _ENDS,
    State.PROFILING: frozenset({State.REGISTERING}) | _ENDS,
    State.REGISTERING: frozenset({State.AWAITING, State.APPROVED}) | _ENDS,
    State.AWAITING: frozenset({State.APPROVED, State.REJECTED}) | _ENDS,
    State.APPROVED: frozenset(),
    State.REFUSED: frozenset(),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset(  # a redrive
        {State.ASSEMBLING, State.TUNING, State.TRAINING, State.COMPARING, State.PROFILING, State.REGISTERING}
    ),
    State.STOPPED: frozenset(),
}


class IllegalMove(Exception):
    """A move the table does not have: somebody acted on a stale picture."""


@dataclass(frozen=True)
class Leg:
    """One state's stay. until: None while it lasts; cost: US$ of its jobs; says: what came out, or what went wrong.

    job: name of the job that ran, so that a stop can stop it.
    """

    state: State
    since: float
    until: float | None = None
    cost: float = 0.0
    says: str = ""
    job: str = ""


@dataclass(frozen=True)
class Run:
    """package: the model package it registered; outputs: S3 addresses and digests by name, for those who come after."""

    id: str
    trigger: Trigger
    champion: str
    created_at: float
    state: State = State.ADMITTED
    legs: tuple[Leg, ...] = ()
    reasons: tuple[str, ...] = ()
    package: str = ""
    execution: str = ""
    outputs: tuple[tuple[str, str], ...] = ()
    folded: int = 0  # further triggers that this run answers
    version: int = 0

    @property
    def ended(self) -> bool:
        return not MOVES[self.state] or self.state is State.FAILED

    @property
    def ended_at(self) -> float | None:
        return self.legs[-1].since if self.ended and self.legs else None

    @property
    def cost(self) -> float:
        """US$ so far."""
        return sum(leg.cost for leg in self.legs)

    def output(self, name: str, default: str | None = None) -> str:
        """Raises KeyError where there is none, and no default."""
        outputs = dict(self.outputs)
        return outputs[name] if default is None else outputs.get(name, default)


def begin(id: str, trigger: Trigger, champion: str, execution: str, at: float) -> Run:
    """champion: the model package that serves now."""
    return Run(id, trigger, champion, at, legs=(Leg(State.ADMITTED, at, says=trigger.reason),), execution=execution)


def move(run: Run, state: State, at: float, *, says: str = "", cost: float = 0.0, job: str = "") -> Run:
    """Into another state. says, cost: what the leg that ends came to; job: what the new one runs.

    The same move again changes nothing, so a repeated call is harmless. Raises IllegalMove.
    """
    if state is run.state:
        return run
    if state not in MOVES[run.state]:
        allowed = ", ".join(sorted(MOVES[run.state])) or "nothing: it has ended"
        raise IllegalMove(f"run {run.id} is {run.state} and can't become {state}; it can become {allowed}")
    *before, last = run.legs
    closed = replace(last, until=at, cost=last.cost + cost, says=says or last.says)
    return replace(run, state=state, legs=(*before, closed, Leg(state, at, job=job)))


def refuse(run: Run, state: State, at: float, reasons: tuple[str, ...], cost: float = 0.0) -> Run:
    """Into an end that is not APPROVED, with every reason."""
    return replace(move(run, state, at, says="; ".join(reasons), cost=cost), reasons=reasons)


def with_outputs(run: Run, **found: str) -> Run:
    return replace(run, outputs=tuple(sorted((dict(run.outputs) | found).items())))


def fold(run: Run) -> Run:
    """A further trigger that this run answers."""
    return replace(run, folded=run.folded + 1)
