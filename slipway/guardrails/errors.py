"""Errors: is the candidate's rate too high for the baseline of the same minutes, and is it shown to be low enough?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from slipway.guardrails.opinion import Opinion, rate, weigh
from slipway.minutes import Minute
from slipway.plan import Guardrail
from slipway.stats.proportions import Proportion
from slipway.stats.rates import LATE_SHARE, Cell, RateRatio

# One minute may multiply the evidence by at most this, so that a burst of retries on one arm decides nothing;
# and by more where the endpoint's past has shown that its errors come one by one.
CLIP, CLIP_SINGLE = 3.0, 20.0
CLUSTERED = 1.5  # dispersion; 1 is that of errors that come one by one
KNOWN_ERRORS = 200  # of the past, from which on its dispersion is taken for known
LEAST_MINUTES = 3  # with candidate errors; retries of one client mostly fall into one or two
SAFE_RATIO = 2.0


@dataclass(frozen=True)
class Errors:
    """whole: both arms in the same minutes, over the release; step: since the step began; minutes: with candidate
    errors, over the release."""

    whole: RateRatio
    step: Cell = field(default_factory=lambda: Cell(0, 0, 0, 0))
    minutes: int = 0

    @classmethod
    def start(cls, rule: Guardrail, past: Sequence[Minute] = ()) -> "Errors":
        """past: minutes of the baseline before the release, in time order."""
        clip = CLIP_SINGLE if dispersion(past) < CLUSTERED else CLIP
        return cls(RateRatio.start(tolerance=rule.tolerance, margin=max(SAFE_RATIO, rule.tolerance), clip=clip))

    def fold(self, minute: Minute) -> "Errors":
        b, c = minute.baseline, minute.candidate
        cell = Cell(c.errors, c.requests, b.errors, b.requests)
        return Errors(self.whole.update(cell), self.step + cell, self.minutes + bool(c.errors))

    def next_step(self) -> "Errors":
        return replace(self, step=Cell(0, 0, 0, 0))


def dispersion(past: Sequence[Minute]) -> float:
    """Variance of the baseline's errors over that of errors that come one by one; inf if too few are known.

    Each minute is compared with the one before it, as binomial parts of their sum: slow changes don't count.
    """
    errors, squares = 0, 0.0
    for before, after in pairwise(minute.baseline for minute in past):
        both, requests = before.errors + after.errors, before.requests + after.requests
        if both and before.requests and after.requests:
            share = after.requests / requests
            squares += (after.errors - both * share) ** 2 / (share * (1 - share))
            errors += both
    return squares / errors if errors >= 2 * KNOWN_ERRORS else math.inf


def opinion(seen: Errors, rule: Guardrail, alpha: float) -> Opinion:
    totals, step = seen.whole.totals, seen.step
    harm = max(seen.whole.harm.log_e(LATE_SHARE), _against_history(seen, rule))
    under = Proportion(min(rule.shown, 0.5), above=False).update(step.candidate_errors, step.candidate_requests)
    safe = max(seen.whole.safe.log_e(0), under.result(alpha=alpha).log_e or 0.0)
    candidate = rate(totals.candidate_errors, totals.candidate_requests)
    baseline = rate(totals.baseline_errors, totals.baseline_requests)
    says = (
        f"errors {totals.candidate_errors:,} of {totals.candidate_requests:,} ({candidate:.2%}), baseline "
        f"{totals.baseline_errors:,} of {totals.baseline_requests:,} ({baseline:.2%}), "
        f"tolerated {rule.tolerance:g} times"
    )
    enough = totals.candidate_errors >= rule.minimum and seen.minutes >= LEAST_MINUTES
    return weigh(rule, alpha, says, candidate=candidate, baseline=baseline, harm=harm, safe=safe, enough=enough)


def _against_history(seen: Errors, rule: Guardrail) -> float:
    """At 100 % no baseline answers in the same minutes; then the step is held against the baseline's earlier ones."""
    totals, step = seen.whole.totals, seen.step
    if step.baseline_requests or not totals.baseline_requests:
        return 0.0
    cell = Cell(step.candidate_errors, step.candidate_requests, totals.baseline_errors, totals.baseline_requests)
    return RateRatio.start(tolerance=rule.tolerance).update(cell).harm.log_e(0)
