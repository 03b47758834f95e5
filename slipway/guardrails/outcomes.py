"""What users report of their requests, compared in the one step that is an A/B test: lift, and what it leads to.

Each outcome is tested two-sided at its share of alpha (Bonferroni), so all intervals hold together, at every look. No
e-BH: what a look decides is final, and e-BH promises nothing for the first look at which it rejects.
"""

import math

from slipway import outcomes
from slipway.guardrails.flow import SRM_ALPHA
from slipway.guardrails.opinion import Opinion
from slipway.names import BASELINE, CANDIDATE
from slipway.outcomes import Better, OutcomeRule, OutcomeSums, Role
from slipway.plan import DAY, Goal, Plan, Step
from slipway.stats.srm import sample_ratio_mismatch
from slipway.verdict import Decision, Finding, Lift


def lifts(sums: OutcomeSums, plan: Plan, step: Step) -> tuple[Lift, ...]:
    """Each outcome's, in the plan's order; none in a step that is no A/B test.

    sums: of this step alone. Together with one of another split they would compare different days, not variants.
    """
    if step.goal is not Goal.SUPERIOR:
        return ()
    return tuple(outcomes.lift(sums, rule, plan.alpha) for rule in plan.outcomes)


def opinions(seen: tuple[Lift, ...], sums: OutcomeSums, plan: Plan, step: Step, minutes: int) -> list[Opinion]:
    """minutes: of the step, with traffic."""
    rules = zip(plan.outcomes, seen, strict=False)
    return [_unbalanced(rule, lift, step) or _opinion(rule, lift, _normal(sums, rule), minutes) for rule, lift in rules]


def _opinion(rule: OutcomeRule, lift: Lift, normal: bool, minutes: int) -> Opinion:
    says = _says(lift)
    if not min(lift.candidate_n, lift.baseline_n) and minutes >= DAY and rule.role is not Role.WATCHED:
        missing = f"a day of traffic, and no {rule.name} of both variants: send it in `outcomes` of ground truth"
        return Opinion(Decision.SUSPECT, missing)
    low, estimate, high = lift.difference or (-math.inf, 0.0, math.inf)
    if rule.better is Better.LOWER:
        low, estimate, high = -high, -estimate, -low
    better, worse = low > 0, high < 0
    finding = Finding(
        f"outcome {rule.name}",
        lift.candidate,
        lift.baseline,
        harm=_e(lift) if estimate < 0 else 1.0,
        safe=_e(lift) if estimate > 0 else 1.0,
        bar=round(1 / lift.level, 1),
        says=says,
    )
    if worse and normal and rule.role is not Role.WATCHED:
        return Opinion(Decision.REGRESSION, f"{says}: worse", finding)
    if rule.role is not Role.PRIMARY:
        return Opinion(Decision.NON_INFERIOR, says, finding)
    if better and normal:
        return Opinion(Decision.NON_INFERIOR, f"{says}: better", finding)
    return Opinion(Decision.UNDECIDED, f"{says}: no difference shown", finding)


def _unbalanced(rule: OutcomeRule, lift: Lift, step: Step) -> Opinion | None:
    """Reports must come from both variants as often as requests go to them: else those who report are not alike."""
    shares = (1 - step.weight / 100, step.weight / 100)
    mismatch = sample_ratio_mismatch((lift.baseline_n, lift.candidate_n), shares, alpha=SRM_ALPHA)
    if rule.role is Role.WATCHED or mismatch.estimate is None or mismatch.p_value > SRM_ALPHA:
        return None
    says = f"{mismatch.estimate:.1%} of the reports of {lift.outcome} are of the candidate's requests"
    return Opinion(Decision.INVALID, f"{says}, planned are {step.weight:g} %: they can't be compared")


def _normal(sums: OutcomeSums, rule: OutcomeRule) -> bool:
    """Whether both means rest on enough reports for their intervals to hold, however skewed the outcome is."""
    samples = [sums.of(role, rule.name) for role in (BASELINE, CANDIDATE)]
    return all(sample.n >= sample.needed for sample in samples)


def _says(lift: Lift) -> str:
    numbers = f"{lift.outcome} {lift.candidate:.4g} of {lift.candidate_n:,}, baseline {lift.baseline:.4g} of "
    numbers += f"{lift.baseline_n:,}"
    if lift.relative:
        low, estimate, high = (f"{end:+.2%}" for end in lift.relative)
    elif lift.difference:
        low, estimate, high = (f"{end:+.4g}" for end in lift.difference)
    else:
        return f"{numbers}: nothing to compare yet"
    return f"{numbers}: {estimate} ({low} to {high}, p {lift.p_value:.2g} at a level of {lift.level:.2g})"


def _e(lift: Lift) -> float:
    return round(1 / max(lift.p_value, 1e-20), 4)
