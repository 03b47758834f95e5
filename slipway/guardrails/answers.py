"""Answers that are no finite number, among those captured."""

from dataclasses import dataclass

from slipway.guardrails.opinion import Opinion, rate, weigh
from slipway.minutes import Minute
from slipway.plan import Guardrail
from slipway.stats.proportions import Proportion


@dataclass(frozen=True)
class Answers:
    captured: int = 0
    invalid: int = 0
    baseline_captured: int = 0
    baseline_invalid: int = 0

    def fold(self, minute: Minute) -> "Answers":
        b, c = minute.baseline, minute.candidate
        return Answers(
            self.captured + c.captured,
            self.invalid + c.invalid,
            self.baseline_captured + b.captured,
            self.baseline_invalid + b.invalid,
        )


def opinion(seen: Answers, rule: Guardrail, alpha: float) -> Opinion:
    """Against the tolerated share, or twice the baseline's if that is more: its callers live with it already."""
    baseline = rate(seen.baseline_invalid, seen.baseline_captured)
    tolerated = min(max(rule.tolerance, 2 * baseline, 1e-6), 0.5)
    harm = Proportion(tolerated, above=True, hits=seen.invalid, n=seen.captured).result(alpha=alpha).log_e or 0.0
    candidate = rate(seen.invalid, seen.captured)
    safe = float("inf") if candidate <= tolerated else 0.0
    says = (
        f"{seen.invalid:,} of {seen.captured:,} captured answers are no finite number, baseline "
        f"{seen.baseline_invalid:,} of {seen.baseline_captured:,}, tolerated {tolerated:.2%}"
    )
    enough = seen.invalid >= rule.minimum
    return weigh(rule, alpha, says, candidate=candidate, baseline=baseline, harm=harm, safe=safe, enough=enough)
