"""A release, as data, and the pure moves that change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slipway import codec, names, phases
from slipway.evidence import Evidence
from slipway.frame import Frame
from slipway.phases import Phase
from slipway.plan import Plan, Step
from slipway.traffic import Observed, Variant, Wanted, instances_for
from slipway.verdict import Verdict

OPERATOR_ACTS = ("pause", "resume", "advance", "abort")


@dataclass(frozen=True)
class Stay:
    """The time a step's traffic was in place: verified at `since`, left at `until` (None: it is there now)."""

    step: int
    since: float
    until: float | None = None


@dataclass(frozen=True)
class Release:
    """One candidate on its way. Times are unix seconds; `step` indexes `plan.steps` (-1: none yet).

    in_place_at: when the step's traffic was verified (the dwell clock starts there); attempts: how often the endpoint
    config now wanted was asked for; zero_at: when the candidate's weight was verified to be 0 in a rollback; urged: an
    operator asked for the next step; holding: the last look could not trust its data, and people have been told.
    threshold: the score from which on the model's answer means "positive"; stays: when each step's traffic was there;
    outlook: how long its steps take at the traffic there was at admission.
    """

    id: str
    endpoint: str
    package: str
    candidate: str
    baseline: str
    baseline_config: str
    instances: int
    plan: Plan
    created_at: float
    entered_at: float
    phase: Phase = Phase.CREATED
    step: int = -1
    probe: str = ""
    threshold: float = 0.5
    in_place_at: float | None = None
    zero_at: float | None = None
    attempts: int = 0
    execution: str = ""
    paused: bool = False
    urged: bool = False
    holding: bool = False
    stays: tuple[Stay, ...] = ()
    reason: str = ""
    outlook: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    version: int = 0

    @property
    def current(self) -> Step | None:
        return self.plan.steps[self.step] if self.phase in phases.JUDGED else None

    @property
    def weight(self) -> float:
        """The share of the users' requests, in percent, that the candidate should have now."""
        if self.phase in (Phase.SETTLING, Phase.PROMOTED):
            return 100.0
        return self.current.weight if self.current else 0.0

    def serves_since(self, role: str) -> float:
        """From when on all that this variant of the endpoint answers comes from the release's model (unix seconds)."""
        return self.entered_at if role == names.BASELINE else self.created_at

    @property
    def ended(self) -> bool:
        return phases.ended(self.phase)


@dataclass(frozen=True)
class Entry:
    """A line of a release's history: what changed, who did it, and the numbers it was decided on."""

    at: float
    what: str  # a phase entered, an operator's act, or `verdict`
    phase: Phase
    weight: float
    by: str
    reason: str
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Request:
    """What an operator sends: which release (by id, or by the endpoint it is on), what to do, who asks and why."""

    act: str
    by: str
    reason: str
    release_id: str = ""
    endpoint: str = ""


def request(data: Mapping[str, object]) -> Request:
    """An operator's request from its JSON form. Raises ValueError that names the field."""
    asked = codec.decode(Request, data, "request")
    if bool(asked.release_id) == bool(asked.endpoint):
        raise ValueError("request: give either release_id or endpoint")
    if not (asked.by and asked.reason):
        raise ValueError("request: by and reason must say who asks and why; they go into the release's history")
    return asked


def entry(release: Release, what: str, by: str, at: float, reason: str, verdict: Verdict | None = None) -> Entry:
    return Entry(at, what, release.phase, release.weight, by, reason, verdict)


def entered(release: Release, by: str) -> Entry:
    """The line for a phase just entered."""
    return entry(release, release.phase.value, by, release.entered_at, release.reason)


def advance(release: Release, at: float, reason: str) -> Release:
    """The next step of the plan, or SETTLING after the last one."""
    step = release.step + 1
    phase = release.plan.steps[step].phase if step < len(release.plan.steps) else Phase.SETTLING
    moved = _enter(release, phase, at, reason)
    return replace(
        moved, step=step if phase is not Phase.SETTLING else release.step, evidence=release.evidence.next_step()
    )


def roll_back(release: Release, at: float, reason: str) -> Release:
    """The decision to roll back; `rolled_back` is its verified end."""
    return _enter(release, Phase.ROLLING_BACK, at, reason)


def rolled_back(release: Release, at: float) -> Release:
    return _enter(release, Phase.ROLLED_BACK, at, release.reason)


def promoted(release: Release, at: float, reason: str) -> Release:
    return _enter(release, Phase.PROMOTED, at, reason)


def in_place(release: Release, at: float) -> Release:
    """The step's traffic is verified: from here the dwell clock runs, and older minutes are no evidence for it."""
    stays = (*release.stays, Stay(release.step, at))
    return replace(release, in_place_at=at, stays=stays, evidence=release.evidence.starting(at))


def operate(release: Release, act: str, at: float, reason: str) -> Release:
    """An operator's act. Raises ValueError for an unknown act, IllegalMove for one that comes too late."""
    if act not in OPERATOR_ACTS:
        raise ValueError(f"act: {act!r} is unknown; use one of {', '.join(OPERATOR_ACTS)}")
    if release.ended or release.phase in (Phase.ROLLING_BACK, Phase.SETTLING):
        raise phases.IllegalMove(f"release {release.id} is {release.phase}; nothing to {act}")
    if act == "abort":
        return roll_back(release, at, reason)
    if act == "advance":
        return replace(release, urged=True, paused=False)
    return replace(release, paused=act == "pause")


def _enter(release: Release, phase: Phase, at: float, reason: str) -> Release:
    phases.check(release.phase, phase)
    stays = tuple(replace(stay, until=at) if stay.until is None else stay for stay in release.stays)
    return replace(
        release,
        stays=stays,
        phase=phase,
        entered_at=at,
        reason=reason,
        in_place_at=None,
        attempts=0,
        urged=False,
        paused=False,
        holding=False,
    )


def wanted(release: Release, frame: Frame, observed: Observed) -> Wanted:
    """The layout this release wants of its endpoint now.

    Rolling back is a weight first (seconds), and only then a deployment that removes the idle candidate.
    """
    if release.phase in (Phase.SETTLING, Phase.PROMOTED):
        return _alone(release, frame, names.endpoint_config(release.id, "settled"), release.candidate, observed)
    if release.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.CREATED):
        if observed.config == names.endpoint_config(release.id, "canary") and release.zero_at is None:
            return _both(release, frame, 0.0)
        if observed.config == release.baseline_config:
            return _alone(release, frame, release.baseline_config, release.baseline, observed)
        return _alone(release, frame, names.endpoint_config(release.id, "restored"), release.baseline, observed)
    if release.phase is Phase.SHADOW:
        variants = (
            Variant(names.BASELINE, release.baseline, 100.0, release.instances),
            Variant(names.CANDIDATE, release.candidate, 0.0, release.instances, shadow=True),
        )
        return _wanted(release, frame, names.endpoint_config(release.id, "shadow"), variants, release.instances)
    return _both(release, frame, release.weight)


def _both(release: Release, frame: Frame, weight: float) -> Wanted:
    """Both variants behind weights, the baseline at full strength until the release has ended."""
    variants = (
        Variant(names.BASELINE, release.baseline, 100.0 - weight, release.instances),
        Variant(names.CANDIDATE, release.candidate, weight, instances_for(weight, release.instances)),
    )
    return _wanted(release, frame, names.endpoint_config(release.id, "canary"), variants, release.instances)


def _alone(release: Release, frame: Frame, config: str, model: str, observed: Observed) -> Wanted:
    """One variant again, as strong as the strongest one is now."""
    now = max((v.desired_instances for v in observed.variants), default=release.instances)
    variants = (Variant(names.BASELINE, model, 100.0, min(now, frame.max_instance_count)),)
    return _wanted(release, frame, config, variants, frame.initial_instance_count)


def _wanted(release: Release, frame: Frame, config: str, variants: tuple[Variant, ...], reserve: int) -> Wanted:
    made = {"candidate": release.candidate, "package": release.package, "release": release.id}
    return Wanted(frame, config, variants, reserve=reserve, **made)
