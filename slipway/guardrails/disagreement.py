"""Disagreement: do both variants' answers to the same requests have anything to do with each other?

Only a shadow can tell, and it needs no label. A better model changes some decisions, so small changes pass; features in
the wrong order, another scale or another target show within minutes. Three looks at it: decisions that change at the
operating threshold; a shift of the log-odds; and log-odds that no longer move together, which sees what is wrong also
where positives are so rare that hardly any decision can change.
"""

import math
from dataclasses import replace

from slipway.guardrails.opinion import Opinion, rate, weigh
from slipway.pairsums import PairSums
from slipway.plan import Action, Guardrail
from slipway.stats.adjusted import Covaried
from slipway.stats.means import LEAST_PER_VARIANT, asymptotic
from slipway.stats.mixture import log_mean
from slipway.stats.proportions import Proportion
from slipway.verdict import Decision

MOST_SHIFT = 1.0  # of the mean log-odds: odds 2.7 times, or a 2.7th, of the baseline's
LEAST_CORRELATION = 0.5
# Log-odds have heavier tails than the normal ones for which Fisher's z has the variance 1 / n.
Z_VARIANCE = 2.0
PLANNED = 1000  # pairs
ANSWER = "labels of the same requests show that it is no worse"


def opinion(step: PairSums, rule: Guardrail, alpha: float, *, shown: bool = False) -> Opinion:
    """step: sums of the shadow. shown: whether labels show the candidate to be no worse, which answers a suspicion; a
    plan that acts on disagreement by itself is not told."""
    compared = step.pairs - step.baseline_invalid
    changed = step.changed + compared - step.shift.n  # no probability instead of one is a change too
    over = Proportion(rule.tolerance, above=True, hits=changed, n=compared).result(alpha=alpha).log_e or 0.0
    harm = log_mean([over, *_shifted(step.log_odds, alpha), _unrelated(step.log_odds, alpha)])
    safe = Proportion(rule.shown, above=False, hits=changed, n=compared).result(alpha=alpha).log_e or 0.0
    share = rate(changed, compared)
    says = f"{changed:,} of {compared:,} decisions differ ({share:.1%}), tolerated {rule.tolerance:.0%}"
    if step.log_odds.n > 1:
        shift, r = _shift(step.log_odds), correlation(step.log_odds)
        says += f"; log-odds moved by {shift:+.2f}, tolerated {MOST_SHIFT:g}; correlation {r:.2f}, not below "
        says += f"{LEAST_CORRELATION:g}"
    enough = compared >= rule.minimum
    found = weigh(rule, alpha, says, candidate=share, baseline=None, harm=harm, safe=safe, enough=enough)
    if found.decision is Decision.NON_INFERIOR or not shown or rule.action is not Action.PAGE:
        return found
    return replace(found, decision=Decision.NON_INFERIOR, says=f"{says}; {ANSWER}")


def _shift(odds: Covaried) -> float:
    return odds.y.mean - odds.x.mean


def _shifted(odds: Covaried, alpha: float) -> tuple[float, float]:
    """log e-values against "the mean log-odds moved up, down, by at most MOST_SHIFT"."""
    if odds.n < LEAST_PER_VARIANT:
        return (0.0, 0.0)
    error = math.sqrt(odds.residual_variance(1) / odds.n)
    up, down = (
        asymptotic(
            sign * _shift(odds), error, odds.n, alpha=alpha, planned=PLANNED, null=MOST_SHIFT, alternative="greater"
        )
        for sign in (1, -1)
    )
    return (up.log_e or 0.0, down.log_e or 0.0)


def _unrelated(odds: Covaried, alpha: float) -> float:
    """log e-value against "the correlation is at least LEAST_CORRELATION", by Fisher's z."""
    if odds.n < LEAST_PER_VARIANT or not odds.x.variance:
        return 0.0
    z, null = math.atanh(max(-0.999, min(0.999, correlation(odds)))), math.atanh(LEAST_CORRELATION)
    error = math.sqrt(Z_VARIANCE / odds.n)
    found = asymptotic(z, error, odds.n, alpha=alpha, planned=PLANNED, null=null, alternative="less")
    return found.log_e or 0.0


def correlation(odds: Covaried) -> float:
    """Pearson's; 0 where one of both does not vary."""
    spread = math.sqrt(odds.x.variance * odds.y.variance)
    return odds.covariance / spread if spread else 0.0
