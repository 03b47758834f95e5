"""How long a plan takes, and what each step can see, before any release is started.

Mean times of the judge's own tests at a given traffic: what a request tells, the bar a test must reach, and the price
of looking all the time (measured by bench/efficiency). At 100 % no baseline answers, so nothing is compared there.
"""

import math
from dataclasses import dataclass

from slipway.guardrails.quality import WAIVER
from slipway.phases import Phase
from slipway.plan import Guardrail, Metric, Plan, Step
from slipway.stats import arguments
from slipway.stats.fixed import divergence
from slipway.stats.rates import BETTER

EFFECTS = (2.0, 4.0, 10.0)  # times the baseline's error rate
PRICE = 1.5  # mean delay of the sequential test over the information limit
WAIVE = f"An endpoint that gets no labels waives it among the plan's guardrails: {WAIVER}"
LAG_MINUTES = 3.0  # until a minute has ended, settled and been looked at


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


def table(plan: Plan, requests_per_second: float, base_error_rate: float) -> str:
    """The outlook as text, with what to do where it is poor."""
    rows = outlook(plan, requests_per_second, base_error_rate)
    head = ["step", "requests/min", "advances after", *(f"finds errors x{effect:g}" for effect in EFFECTS)]
    lines = [head]
    for row in rows:
        name = f"{row.step.phase.lower()} {row.step.weight:g} %"
        lines.append([name, f"{row.requests:,.1f}", span(row.advances), *map(span, row.detects)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    whole = sum(row.advances for row in rows)
    text += ["", f"The whole release takes at least {span(whole)}, endpoint updates not counted."]
    late = [row.step for row in rows if row.advances > row.step.at_most]
    text += [
        f"{step.phase.lower()} {step.weight:g} % ends undecided after {span(step.at_most)} and is rolled back: "
        "give it a larger weight, a longer at_most, or a higher `shown`."
        for step in late
    ]
    if plan.rule(Metric.QUALITY).required:
        text += ["Quality is required, so it also waits for labels, which these times do not include.", WAIVE]
    return "\n".join(text)


def span(minutes: float) -> str:
    if not math.isfinite(minutes):
        return "never"
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 6000 else f"{minutes / 1440:.1f} days"


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
