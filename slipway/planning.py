"""How long a plan takes, and what each step can see, before any release is started.

Mean times of the judge's own tests at a given traffic: what a request tells, the bar a test must reach, and the price
of looking all the time (measured by bench/efficiency). At 100 % no baseline answers, so nothing is compared there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.guardrails.quality import WAIVER
from slipway.minutes import Minute
from slipway.outcomes import Role
from slipway.phases import Phase
from slipway.plan import DAY, Goal, Guardrail, Metric, Plan, Step
from slipway.stats import arguments
from slipway.stats.fixed import divergence
from slipway.stats.means import asymptotic_detectable
from slipway.stats.rates import BETTER

EFFECTS = (2.0, 4.0, 10.0)  # times the baseline's error rate
PRICE = 1.5  # mean delay of the sequential test over the information limit
WAIVE = f"An endpoint that gets no labels waives it among the plan's guardrails: {WAIVER}"
LAG_MINUTES = 3.0  # until a minute has ended, settled and been looked at
POWER = 0.8
TEST_LOOKS = (DAY, 7 * DAY, 14 * DAY, 21 * DAY)


@dataclass(frozen=True)
class Recent:
    """What an endpoint's baseline was sent of late, in the `minutes` that had requests."""

    minutes: int
    requests: int
    errors: int

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.minutes / 60

    @property
    def error_rate(self) -> float:
        """Jeffreys' estimate: of few requests without an error it does not follow that there are none."""
        return (self.errors + 0.5) / (self.requests + 1)


@dataclass(frozen=True)
class Outlook:
    """One step. Minutes are means at the traffic asked about; inf: never, at this traffic.

    advances: until a candidate as good as the baseline has shown enough; detects: by EFFECTS, until that many times the
    baseline's errors roll the release back; requests: candidate requests a minute.
    """

    step: Step
    requests: float
    advances: float
    detects: tuple[float, ...]


def outlook(plan: Plan, requests_per_second: float, base_error_rate: float) -> list[Outlook]:
    """Step by step. Raises ValueError that names the argument."""
    arguments.positive("requests_per_second", requests_per_second)
    arguments.share("base_error_rate", base_error_rate)
    return [_step(plan, step, 60 * requests_per_second, base_error_rate) for step in plan.steps]


def table(
    plan: Plan, requests_per_second: float, base_error_rate: float, mean: float = 0.0, deviation: float = 0.0
) -> str:
    """The outlook as text, with what to do where it is poor. mean, deviation: see `detectable`."""
    rows = outlook(plan, requests_per_second, base_error_rate)
    head = ["step", "requests/min", "advances after", *(f"finds errors x{effect:g}" for effect in EFFECTS)]
    lines = [head]
    for row in rows:
        lines.append([_name(row.step), f"{row.requests:,.1f}", span(row.advances), *map(span, row.detects)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    whole = sum(row.advances for row in rows)
    text += ["", f"The whole release takes at least {span(whole)}, endpoint updates not counted."]
    late = [row.step for row in rows if row.advances > row.step.at_most]
    text += [
        f"{_name(step)} ends undecided after {span(step.at_most)} and is rolled back: "
        "give it a larger weight, a longer at_most, or a higher `shown`."
        for step in late
    ]
    if plan.rule(Metric.QUALITY).required:
        text += ["Quality is required, so it also waits for labels, which these times do not include.", WAIVE]
    return "\n".join([*text, *detectable(plan, requests_per_second, mean, deviation)])


def recent(past: Sequence[Minute] | None) -> Recent | None:
    """What the baseline was sent in those minutes; None if nobody knows."""
    if past is None:
        return None
    busy = [minute.baseline for minute in past if minute.baseline.requests]
    return Recent(len(busy), sum(arm.requests for arm in busy), sum(arm.errors for arm in busy))


def forecast(plan: Plan, recent: Recent | None) -> str:
    """The outlook at the endpoint's own traffic, step by step, for a message and the history."""
    if recent is None:
        return "how long each step takes is not known: CloudWatch did not say what users sent in the last day"
    if not recent.requests:
        return "how long each step takes is not known: there was no request in the last day"
    errors = f"{100 * recent.error_rate:.2g} % errors"
    lines = [f"at {recent.requests_per_second:.3g} requests/s with {errors}, as in the last day"]
    for row in outlook(plan, recent.requests_per_second, recent.error_rate):
        times = {effect: span(time) for effect, time in zip(EFFECTS, row.detects, strict=True) if math.isfinite(time)}
        found = ", ".join(f"x{effect:g} in {time}" for effect, time in times.items())
        finds = f"finds errors {found}" if found else "compares no errors"
        ends = "" if row.advances <= row.step.at_most else f", and is rolled back undecided at {span(row.step.at_most)}"
        lines.append(f"{_name(row.step)} advances after {span(row.advances)}, {finds}{ends}")
    return "; ".join([*lines, *detectable(plan, recent.requests_per_second)])


def detectable(plan: Plan, requests_per_second: float, mean: float = 0.0, deviation: float = 0.0) -> list[str]:
    """How small a difference an A/B test finds by when, if users report on each sampled request.

    mean, deviation: of the primary outcome today; with both, differences are lifts, else parts of the deviation.
    """
    lines = []
    for step in (step for step in plan.steps if step.goal is Goal.SUPERIOR):
        rule = next(rule for rule in plan.outcomes if rule.role is Role.PRIMARY)
        level, share = plan.alpha * rule.alpha_share, step.weight / 100
        looks = [look for look in TEST_LOOKS if step.minutes <= look <= step.at_most] or [step.at_most]
        for look in looks:
            reports = max(2, round(min(60 * requests_per_second, plan.sampled_a_minute) * look))
            size = asymptotic_detectable(reports, share, alpha=level, planned=rule.planned, power=POWER)
            says = f"{size:.3f} standard deviations"
            if mean and deviation:
                says = f"a lift of {size * deviation / abs(mean):.2%}"
            lines.append(f"{_name(step)} finds {says} of {rule.name} after {span(look)}, in {POWER:.0%} of tests")
    return lines


def span(minutes: float) -> str:
    if not math.isfinite(minutes):
        return "never"
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 6000 else f"{minutes / 1440:.1f} days"


def _name(step: Step) -> str:
    return f"{step.phase.lower()} {step.weight:g} %"


def _step(plan: Plan, step: Step, traffic: float, base: float) -> Outlook:
    shadow = step.phase is Phase.SHADOW
    requests = traffic if shadow else traffic * step.weight / 100
    rule = plan.rule(Metric.ERRORS)
    shown = _requests_to_show(rule, plan.alpha, base) if step.weight < 100 else 0.0
    advances = max(step.minutes, step.requests / requests, shown / requests) + LAG_MINUTES
    share = 0.5 if shadow else step.weight / 100
    detects = tuple(
        _requests_to_find(rule, plan.alpha, base, effect, share) / requests + LAG_MINUTES for effect in EFFECTS
    )
    return Outlook(step, requests, advances, detects)


def _requests_to_show(rule: Guardrail, alpha: float, base: float) -> float:
    """Candidate requests until its rate, equal to the baseline's, is shown to be under `rule.shown`."""
    gain = max(base * math.log(a) - math.log1p((a - 1) * rule.shown) for a in BETTER)
    return (math.log(1 / alpha) + math.log(len(BETTER))) / gain if gain > 0 else math.inf


def _requests_to_find(rule: Guardrail, alpha: float, base: float, effect: float, share: float) -> float:
    """Candidate requests until `effect` times the baseline's error rate is found beyond what is tolerated."""
    if share >= 1 or effect <= rule.tolerance or effect * base >= 1:
        return math.inf
    mine, others = effect * base, base * (1 - share) / share  # errors a candidate request
    seen = mine / (mine + others)
    tolerated = rule.tolerance * share / (rule.tolerance * share + 1 - share)
    information = (mine + others) * divergence(seen, tolerated)
    return max(PRICE * math.log(1 / (rule.alpha_share * alpha)) / information, rule.minimum / mine)
