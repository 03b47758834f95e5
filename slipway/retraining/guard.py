"""Whether a trigger may begin a retraining: not twice, not too often, not on broken data, not before labels are in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.retraining.run import Kind, Run, State, Trigger, run_id

HOUR, DAY = 3600.0, 86400.0
MONTH = 30 * DAY
MOST_BACKOFF = 8
CALM = DAY  # a drift may pause for a night
# In the detectors' words (slipway.drift.findings), with what to do instead of retraining.
REPAIRS = {
    "schema": "repair what sends the requests: columns are absent, surplus or of another type",
    "units": "repair the unit or scale of {subject}",
    "nulls": "repair what leaves {subject} empty, or fills it with one value",
    "stuck": "repair the source of {subject}: all rows have the same value",
    "capture_stopped": "repair Data Capture (is a disk full?): the window lacks requests that were answered",
}
BLOCKS = {
    "label": "labels mean something else than they did; settle the policy and label again first",
    "infrastructure": "the serving stack has changed, not the world; roll it back first",
}


@dataclass(frozen=True)
class Settings:
    """cooldown_hours: after a run's end; doubled by each further refusal since the last approval, at most eightfold.

    runs_a_month, cost_a_month (US$): of the last 30 days. matured: share of the window's requests whose labels must be
    in. least_positives: of them. waits_days: for labels, after which the trigger is refused. look_hours: between two
    looks while waiting. run_cost: US$ that a run is expected to cost while none has ended.
    """

    enabled: bool = True
    cooldown_hours: float = 24.0
    runs_a_month: int = 8
    cost_a_month: float = 100.0
    matured: float = 0.95
    least_positives: int = 100
    waits_days: float = 14.0
    look_hours: float = 6.0
    run_cost: float = 1.0

    def __post_init__(self) -> None:
        for name in ("cooldown_hours", "cost_a_month", "waits_days", "run_cost"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: 0 or more, got {getattr(self, name)}")
        if not 0.25 <= self.look_hours <= 168:
            raise ValueError(f"look_hours: from 0.25 to 168, got {self.look_hours}")
        if not 0 < self.matured <= 1:
            raise ValueError(f"matured: more than 0, at most 1, got {self.matured}")
        if self.runs_a_month < 1 or self.least_positives < 1:
            raise ValueError("runs_a_month: at least 1, and least_positives too")


@dataclass(frozen=True)
class Labels:
    """Ground truth for the trigger's window by now: requests, labels that have come, positive ones."""

    requests: int
    labelled: int
    positives: int

    @property
    def share(self) -> float:
        return self.labelled / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Admitted:
    """run_id: begin it. despite: what a person's trigger was not held to."""

    run_id: str
    despite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """reasons: all of them, each with what to do. duplicate_of: a run that answers the trigger already."""

    reasons: tuple[str, ...]
    duplicate_of: str = ""


@dataclass(frozen=True)
class Waiting:
    """until: when to look again, unix seconds."""

    until: float
    reason: str


Answer = Admitted | Refused | Waiting


def admit(
    trigger: Trigger, labels: Labels, history: Sequence[Run], settings: Settings, now: float, calm: Sequence[str] = ()
) -> Answer:
    """The answer to a trigger. history: the endpoint's runs of the last 30 days at least, in any order. calm: remedies
    of the verdicts of the last CALM seconds, for a trigger that has waited.

    A person is held to all but the cooldown.
    """
    mine = (run for run in history if run.trigger.endpoint == trigger.endpoint)
    runs = sorted(mine, key=lambda run: (run.created_at, run.id))
    id, person = run_id(trigger), trigger.kind is Kind.PERSON
    if known := _answered_by(id, runs):
        return Refused((f"run {known.id} ({known.state}) answers it already",), known.id)
    reasons = [*_faults(trigger), *_over(trigger, calm, now), *_budget(runs, settings, now)]
    cooling = _cooldown(runs, settings, now)
    if not settings.enabled:
        reasons.append("retraining is switched off; set retraining.enabled in cdk.json and deploy")
    if cooling and not person:
        reasons.append(cooling)
    late = _labels(labels, settings)
    if late and now - trigger.at >= settings.waits_days * DAY:
        reasons.append(f"{late}, and {settings.waits_days:g} days of waiting are over; is the labels' source alive?")
    if reasons:
        return Refused(tuple(reasons))
    if late:
        return Waiting(min(now + settings.look_hours * HOUR, trigger.at + settings.waits_days * DAY), late)
    return Admitted(id, (cooling,) if cooling else ())


def _answered_by(id: str, runs: Sequence[Run]) -> Run | None:
    """The run of the same cause and window, or whichever is in progress: it trains on the newest data anyway."""
    return next((run for run in runs if run.id == id or not run.ended), None)


def _faults(trigger: Trigger) -> Iterator[str]:
    """Training on data that broke, or on labels that changed their meaning, makes the fault permanent."""
    for cause in trigger.causes:
        subject = cause.subject or "what is sent"
        says = cause.says or f"{cause.cause} of {subject}"
        if cause.cause in REPAIRS:
            yield f"data fault: {says}; {REPAIRS[cause.cause].format(subject=subject)}"
        elif cause.detector in BLOCKS:
            yield f"{cause.detector} drift: {says}; {BLOCKS[cause.detector]}"
    found = [cause for cause in trigger.causes if cause.cause in REPAIRS or cause.detector in BLOCKS]
    if trigger.remedy not in ("", "RETRAIN") and not found:
        yield f"the drift's remedy is {trigger.remedy}, not RETRAIN: {trigger.reason}"


def _over(trigger: Trigger, calm: Sequence[str], now: float) -> Iterator[str]:
    if trigger.kind is Kind.DRIFT and now - trigger.at >= CALM and set(calm) == {"NOTHING"}:
        yield f"the drift is over: all {len(calm)} verdicts of the last {_span(CALM)} say NOTHING"


def _budget(runs: Sequence[Run], settings: Settings, now: float) -> Iterator[str]:
    recent = [run for run in runs if run.created_at > now - MONTH]
    if len(recent) >= settings.runs_a_month:
        free = min(run.created_at for run in recent) + MONTH
        yield f"{len(recent)} runs in 30 days, at most {settings.runs_a_month}: free again in {_span(free - now)}"
    spent, next_ = sum(run.cost for run in recent), expected_cost(recent, settings)
    if spent + next_ > settings.cost_a_month:
        costs = f"US$ {spent:.2f} spent in 30 days and about {next_:.2f} for this run"
        yield f"{costs}, at most {settings.cost_a_month:.2f}; raise retraining.cost_a_month or wait"


def expected_cost(runs: Sequence[Run], settings: Settings) -> float:
    """US$: the dearest of the runs that ended, so that a budget is not overrun by an average."""
    return max((run.cost for run in runs if run.ended and run.cost), default=settings.run_cost)


def _cooldown(runs: Sequence[Run], settings: Settings, now: float) -> str:
    """Why it is too early, or "". The same data again gives the same refusal, so refusals in a row double the time."""
    ends = sorted(((run.ended_at, run) for run in runs if run.ended_at is not None), key=lambda end: end[0])
    if not ends:
        return ""
    refusals = 0
    for _, run in reversed(ends):
        if run.state is State.APPROVED:
            break
        refusals += run.state is State.REFUSED
    hours = settings.cooldown_hours * min(2 ** max(refusals - 1, 0), MOST_BACKOFF)
    at, last = ends[-1]
    left = at + hours * HOUR - now
    if left <= 0:
        return ""
    return f"run {last.id} ended ({last.state}) {_span(now - at)} ago; {_span(left)} of the cooldown are left"


def _labels(labels: Labels, settings: Settings) -> str:
    """What is missing, or ""."""
    if labels.share < settings.matured:
        return (
            f"{labels.labelled} of {labels.requests} requests have their label ({labels.share:.0%}); "
            f"{settings.matured:.0%} are needed, since early labels are no fair sample"
        )
    if labels.positives < settings.least_positives:
        return f"{labels.positives} positive labels in the window; at least {settings.least_positives} are needed"
    return ""


def _span(seconds: float) -> str:
    return f"{seconds / DAY:.1f} days" if seconds >= 2 * DAY else f"{seconds / HOUR:.1f} hours"
