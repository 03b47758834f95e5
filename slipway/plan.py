"""A plan: the steps of a release and what must be shown at each. Every strategy is a list of steps for one loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slipway import codec
from slipway.phases import JUDGED, Phase

WEEKS_3 = 3 * 7 * 24 * 60


@dataclass(frozen=True)
class Step:
    """One stage. The dwell clock counts minutes with traffic, so a quiet night does not promote anybody.

    weight: the candidate's share of the users' requests, in percent (0 in shadow, 100 in a bake).
    minutes: least minutes of traffic seen; requests: least candidate requests seen.
    at_most: minutes of traffic after which an undecided step pages and rolls back (never promotes).
    """

    phase: Phase
    weight: float = 0.0
    minutes: int = 10
    requests: int = 300
    at_most: int = 24 * 60

    def __post_init__(self) -> None:
        if self.phase not in JUDGED:
            raise ValueError(f"phase: {self.phase} is not a step; use one of {', '.join(JUDGED)}")
        if self.phase is Phase.SHADOW and self.weight != 0:
            raise ValueError(f"weight: a shadow answers nobody, so its weight is 0, not {self.weight}")
        if self.phase is Phase.BAKE and self.weight != 100:
            raise ValueError(f"weight: a bake is at 100 %, not {self.weight}")
        if self.phase is Phase.CANARY and not 0 < self.weight <= 100:
            raise ValueError(f"weight: a canary takes more than 0 and at most 100 %, not {self.weight}")
        if not 1 <= self.minutes <= self.at_most <= WEEKS_3:
            raise ValueError(
                f"minutes: 1 <= minutes <= at_most <= {WEEKS_3} must hold, got {self.minutes}, {self.at_most}"
            )
        if self.requests < 1:
            raise ValueError(f"requests: at least 1, got {self.requests}; nothing is promoted unseen")


@dataclass(frozen=True)
class Guardrails:
    """How much worse a candidate may be, and how sure the judge must be.

    alpha: the chance of rolling back an innocent candidate, over the whole release and all guardrails.
    error_ratio: the candidate's error rate over the baseline's that is still tolerated.
    error_floor: to advance, a candidate is shown to stay under this rate, or under twice the baseline's.
    latency_margin: the tolerated slow-down of the median, as a fraction; latency_floor_ms: a slow-down nobody minds.
    invalid_rate: the tolerated share of answers that are no finite number.
    """

    alpha: float = 0.05
    error_ratio: float = 1.25
    error_floor: float = 0.02
    latency_margin: float = 0.20
    latency_floor_ms: float = 5.0
    invalid_rate: float = 0.001

    def __post_init__(self) -> None:
        for name, least, most in (
            ("alpha", 1e-6, 0.2),
            ("error_ratio", 1.0, 10.0),
            ("error_floor", 1e-4, 0.2),
            ("latency_margin", 0.0, 10.0),
            ("latency_floor_ms", 0.0, 60_000.0),
            ("invalid_rate", 0.0, 0.2),
        ):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: from {least} to {most}, got {getattr(self, name)}")

    def too_slow(self, candidate: float, baseline: float) -> bool:
        """Whether a median latency is beyond what is tolerated; both in microseconds."""
        return candidate > baseline + max(self.latency_margin * baseline, 1000 * self.latency_floor_ms)


@dataclass(frozen=True)
class Plan:
    name: str
    steps: tuple[Step, ...]
    soak_seconds: int = 60  # between two looks
    guardrails: Guardrails = field(default_factory=Guardrails)

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("steps: a plan has at least one")
        order = [(JUDGED.index(step.phase), step.weight) for step in self.steps]
        if order != sorted(set(order)):
            raise ValueError("steps: shadow, then canaries with rising weights, then one bake")
        if self.steps[-1].weight != 100:
            raise ValueError("steps: the last one is at weight 100; a promoted candidate answers everyone")
        if not 10 <= self.soak_seconds <= 3600:
            raise ValueError(f"soak_seconds: from 10 to 3600, got {self.soak_seconds}")


def _canaries(*weights: float) -> tuple[Step, ...]:
    return tuple(Step(Phase.CANARY, weight) for weight in weights)


SHADOW = Step(Phase.SHADOW, minutes=15, requests=1000)
BAKE = Step(Phase.BAKE, 100, minutes=30, requests=1000)

BUILTIN = {
    plan.name: plan
    for plan in (
        Plan("canary", (SHADOW, *_canaries(5, 25, 50, 100), BAKE)),
        Plan("canary-without-shadow", (*_canaries(5, 25, 50, 100), BAKE)),
        Plan("blue-green", (replace(SHADOW, minutes=30), BAKE)),
    )
}


def parse(value: object) -> Plan:
    """A plan from `cdk.json`: a built-in's name, or an object (its keys over those of the built-in it names).

    Raises ValueError that names the key and says what is allowed.
    """
    if isinstance(value, str):
        if value not in BUILTIN:
            raise ValueError(
                f"plan: {value!r} is not built in; use one of {', '.join(BUILTIN)}, or an object with steps"
            )
        return BUILTIN[value]
    if not isinstance(value, Mapping):
        raise ValueError(f"plan: expected a built-in's name or an object, got {value!r}")
    base: dict[str, Any] = {}
    if value.get("name") in BUILTIN:
        base = codec.encode(BUILTIN[str(value["name"])])
    return codec.decode(Plan, {**base, **value}, "plan")
