"""A plan: the steps of a release, and its guardrails. Every strategy is a list of steps for one loop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from slipway import codec, outcomes
from slipway.outcomes import OutcomeRule, Role
from slipway.phases import JUDGED, Phase

DAY = 24 * 60
WEEKS_3 = 21 * DAY


class Goal(StrEnum):
    """What must be shown of the candidate before a step is left for the next one."""

    NON_INFERIOR = "non_inferior"  # no worse, by every guardrail
    SUPERIOR = "superior"  # no worse, and better by the plan's primary outcome


@dataclass(frozen=True)
class Step:
    """One stage. The dwell clock counts minutes with traffic, so a quiet night does not promote anybody.

    weight: the candidate's share of the users' requests, in percent (0 in shadow, 100 in a bake).
    minutes: least minutes of traffic seen; requests: least candidate requests seen.
    at_most: minutes of traffic after which an undecided step pages and rolls back (never promotes). goal: see Goal.
    """

    phase: Phase
    weight: float = 0.0
    minutes: int = 10
    requests: int = 300
    at_most: int = DAY
    goal: Goal = Goal.NON_INFERIOR

    def __post_init__(self) -> None:
        if self.phase not in JUDGED:
            raise ValueError(f"phase: {self.phase} is not a step; use one of {', '.join(JUDGED)}")
        if self.phase is Phase.SHADOW and self.weight != 0:
            raise ValueError(f"weight: a shadow answers nobody, so its weight is 0, not {self.weight}")
        if self.phase is Phase.BAKE and self.weight != 100:
            raise ValueError(f"weight: a bake is at 100 %, not {self.weight}")
        if self.phase is Phase.CANARY and not 0 < self.weight <= 100:
            raise ValueError(f"weight: a canary takes more than 0 and at most 100 %, not {self.weight}")
        if self.goal is Goal.SUPERIOR and not 0 < self.weight < 100:
            raise ValueError(f"goal: superior needs users on both sides, a canary under 100 %, not {self.weight:g} %")
        if not 1 <= self.minutes <= self.at_most <= WEEKS_3:
            raise ValueError(
                f"minutes: 1 <= minutes <= at_most <= {WEEKS_3} must hold, got {self.minutes}, {self.at_most}"
            )
        if self.requests < 1:
            raise ValueError(f"requests: at least 1, got {self.requests}; nothing is promoted unseen")


class Metric(StrEnum):
    ERRORS = "errors"  # requests without a 2xx
    LATENCY = "latency"  # model latency, against the baseline's median
    INVALID = "invalid"  # captured answers that are no finite number
    QUALITY = "quality"  # log-loss, once labels have come
    DISAGREEMENT = "disagreement"  # answers of both variants to one request, in shadow; no labels


class Action(StrEnum):
    """What evidence of harm leads to."""

    ROLL_BACK = "roll_back"
    HOLD = "hold"
    PAGE = "page"


@dataclass(frozen=True)
class Guardrail:
    """What one metric may not do.

    tolerance: how much worse is still tolerated; evidence beyond it leads to `action`.
    shown: what must be shown to stay under before a release advances. Both in the metric's own unit:
        errors: ratio of the rates (tolerance), rate (shown; or twice the baseline's);
        latency: slow-down of the median, as a fraction; invalid: share of the answers;
        quality: part by which the log-loss is greater; disagreement: share of changed decisions.
    floor: latency only: a slow-down in milliseconds that nobody minds.
    minimum: least sample before harm is acted on (candidate errors, compared minutes, invalid answers, pairs);
        quality: labels, on a split of each variant, before mean losses are compared.
    alpha_share: part of the plan's alpha. required: whether a release must show `shown` to advance.
    """

    metric: Metric
    tolerance: float
    shown: float
    alpha_share: float
    minimum: int = 0
    floor: float = 0.0
    action: Action = Action.ROLL_BACK
    required: bool = True

    def __post_init__(self) -> None:
        limits = _LIMITS[self.metric]
        for name in ("tolerance", "shown"):
            least, most = limits
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: for {self.metric} from {least:g} to {most:g}, got {getattr(self, name)}")
        if not 0 < self.alpha_share <= 1:
            raise ValueError(f"alpha_share: more than 0 and at most 1, got {self.alpha_share}")
        if self.minimum < 0 or self.floor < 0:
            raise ValueError("minimum: 0 or more, and floor too")


_LIMITS = {
    Metric.ERRORS: (0.0001, 20.0),
    Metric.LATENCY: (0.0, 10.0),
    Metric.INVALID: (0.0, 0.5),
    Metric.QUALITY: (0.0, 1.0),
    Metric.DISAGREEMENT: (0.001, 0.5),
}

GUARDRAILS = (
    Guardrail(Metric.ERRORS, tolerance=1.25, shown=0.02, alpha_share=0.35, minimum=3),
    Guardrail(Metric.LATENCY, tolerance=0.05, shown=0.2, alpha_share=0.25, minimum=5, floor=5.0),
    Guardrail(Metric.INVALID, tolerance=0.001, shown=0.001, alpha_share=0.05, minimum=3),
    Guardrail(Metric.QUALITY, tolerance=0.0, shown=0.05, alpha_share=0.25, minimum=200),
    Guardrail(Metric.DISAGREEMENT, 0.1, 0.1, alpha_share=0.1, minimum=100, action=Action.PAGE),
)


@dataclass(frozen=True)
class Plan:
    name: str
    steps: tuple[Step, ...]
    soak_seconds: int = 60  # between two looks
    alpha: float = 0.05  # chance of rolling back an innocent candidate, over the whole release
    guardrails: tuple[Guardrail, ...] = GUARDRAILS
    outcomes: tuple[OutcomeRule, ...] = ()
    sampled_a_minute: int = 300  # requests whose answers are compared one by one; the evidence on quality

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("steps: a plan has at least one")
        order = [(JUDGED.index(step.phase), step.weight) for step in self.steps]
        if order != sorted(set(order)):
            raise ValueError("steps: shadow, then canaries with rising weights, then one bake")
        if self.steps[-1].weight != 100:
            raise ValueError("steps: the last one is at weight 100; a promoted candidate answers everyone")
        if not 1e-6 <= self.alpha <= 0.2:
            raise ValueError(f"alpha: from 0.000001 to 0.2, got {self.alpha}")
        metrics = [rule.metric for rule in self.guardrails]
        if len(set(metrics)) < len(metrics):
            raise ValueError("guardrails: at most one a metric")
        if (spent := sum(rule.alpha_share for rule in self.guardrails)) > 1 + 1e-9:
            raise ValueError(f"guardrails: the alpha shares sum to {spent:g}; at most 1 can be spent")
        outcomes.check(self.outcomes, needed=any(step.goal is Goal.SUPERIOR for step in self.steps))
        if not 10 <= self.soak_seconds <= 3600:
            raise ValueError(f"soak_seconds: from 10 to 3600, got {self.soak_seconds}")
        if not 10 <= self.sampled_a_minute <= 6000:
            raise ValueError(f"sampled_a_minute: from 10 to 6000, got {self.sampled_a_minute}")

    def rule(self, metric: Metric) -> Guardrail:
        """The guardrail of a metric; one that a plan leaves out is watched by its default."""
        return next(rule for rule in (*self.guardrails, *GUARDRAILS) if rule.metric is metric)


def _canaries(*weights: float) -> tuple[Step, ...]:
    return tuple(Step(Phase.CANARY, weight) for weight in weights)


# A few percent of the requests show within a day whether a candidate is much worse, but not that it is as good.
UNSHOWN_QUALITY = tuple(replace(rule, required=rule.metric is not Metric.QUALITY) for rule in GUARDRAILS)
SHADOW = Step(Phase.SHADOW, minutes=15, requests=1000)
BAKE = Step(Phase.BAKE, 100, minutes=30, requests=1000)

# A whole week at least: users differ by its days, and what is new wears off.
TEST = Step(Phase.CANARY, 50, minutes=7 * DAY, requests=1000, at_most=14 * DAY, goal=Goal.SUPERIOR)

BUILTIN = {
    plan.name: plan
    for plan in (
        Plan("canary", (SHADOW, *_canaries(5, 25, 50, 100), BAKE)),
        Plan("canary-without-shadow", (*_canaries(5, 25, 50, 100), BAKE), guardrails=UNSHOWN_QUALITY),
        Plan("blue-green", (replace(SHADOW, minutes=30), BAKE)),
        Plan(
            "ab-test",
            (SHADOW, *_canaries(5), TEST, BAKE),
            guardrails=UNSHOWN_QUALITY,
            outcomes=(OutcomeRule("success"),),
        ),
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
    given = {**base, **value}
    if isinstance(value.get("guardrails"), list):
        given["guardrails"] = _over_defaults(value["guardrails"])
    if isinstance(value.get("outcomes"), list):
        given["outcomes"] = _with_roles_and_shares(value["outcomes"])
    return codec.decode(Plan, given, "plan")


def _over_defaults(guardrails: list[Any]) -> list[Any]:
    """Each default guardrail, with the keys given for its metric; so a user writes only what differs."""
    defaults = {rule.metric.value: codec.encode(rule) for rule in GUARDRAILS}
    for given in guardrails:
        if not isinstance(given, Mapping) or given.get("metric") not in defaults:
            return guardrails  # malformed: decoding says how
        defaults[given["metric"]] = {**defaults[given["metric"]], **given}
    return list(defaults.values())


def _with_roles_and_shares(given: list[Any]) -> list[Any]:
    """Unless given: the first outcome is primary, the others are guardrails, and what alpha is left is shared alike."""
    if not all(isinstance(one, Mapping) for one in given):
        return given  # malformed: decoding says how
    shares = [one["alpha_share"] for one in given if isinstance(one.get("alpha_share"), int | float)]
    left = max(0.0, 1 - sum(shares)) / max(1, len(given) - len(shares))
    roles = [Role.PRIMARY, *[Role.GUARDRAIL] * len(given)]
    return [{"role": role.value, "alpha_share": left, **one} for role, one in zip(roles, given, strict=False)]
