"""Quality: is the candidate's log-loss greater than the baseline's, on the same labels?

Pairs first: in a shadow both variants answer the same requests, so their losses differ by the models alone. Bets on the
difference are exact at any number of labels, and of the pairs they alone may roll back. That two models are as good as
equal they learn slowly, so for that the normal mixture is asked too, once both classes have been seen often enough. On
a split (`split`) the variants' means are compared. Where only some requests get a label, by a logged propensity, `lift`
corrects for it.
"""

import math
from collections.abc import Collection

from slipway.guardrails import lift, split
from slipway.guardrails.opinion import Opinion, mixed, rate, weigh
from slipway.pairsums import ArmSums, PairSums
from slipway.plan import Guardrail
from slipway.stats.adjusted import Covaried
from slipway.stats.means import NOTHING, asymptotic
from slipway.stats.srm import sample_ratio_mismatch
from slipway.verdict import Decision

# Parts of the money: on bets on pairs, and on the split; on both and the mean of the pairs.
WORSE_PARTS, SAFE_PARTS = (0.9, 0.1), (0.4, 0.2, 0.4)
PLANNED = 1000  # labelled pairs
COVERAGE_ALPHA = 0.001
WAIVER = '{"metric": "quality", "required": false}'
NO_LABELS = f"no label yet: upload ground truth, waive it with {WAIVER} in the plan, or advance by hand"


def opinion(steps: Collection[PairSums], rule: Guardrail, alpha: float) -> Opinion:
    """steps: sums of each step of the plan."""
    total = sum(steps, PairSums())
    selected = lift.logged(total)
    unlike = "" if selected else next(filter(None, map(_unlike, steps)), "")
    harm, safe, how = lift.evidence(steps, rule, alpha) if selected else _evidence(steps, rule, alpha, bool(unlike))
    says = f"{_pairs(total)}{_arms(total)}, tolerated {rule.tolerance:.0%}, to be shown {rule.shown:.0%}"
    says += "".join(f"; {more}" for more in (how, unlike, _waived(rule, safe, alpha)) if more)
    baseline, candidate = _means(total)
    found = weigh(rule, alpha, says, candidate=candidate, baseline=baseline, harm=harm, safe=safe)
    if found.decision is not Decision.UNDECIDED:
        return found
    if not sum(total.delays):
        return Opinion(Decision.UNDECIDED, f"quality: {NO_LABELS}", found.finding, needs="labels")
    return Opinion(Decision.INVALID, says, found.finding) if unlike else found


def shown(found: Opinion, alpha: float) -> bool:
    """Whether labels show the candidate to be no worse, and not a waiver."""
    no_worse = found.finding is not None and found.finding.safe >= 1 / alpha
    return found.decision is Decision.NON_INFERIOR and no_worse


def _evidence(steps: Collection[PairSums], rule: Guardrail, alpha: float, unlike: bool) -> tuple[float, float, str]:
    """log e-values for harm and for safety where labels come whatever was done, and nothing to add."""
    total = sum(steps, PairSums())
    apart = [] if unlike else split.comparable(steps, lambda arm: _plain(arm, rule.minimum))
    share = rule.alpha_share * alpha
    on_split = split.log_e(apart, max(rule.tolerance, split.MARGIN), share, worse=True)
    harm = mixed(WORSE_PARTS, total.harm, on_split)
    on_split = split.log_e(apart, max(rule.shown, split.MARGIN), alpha, worse=False)
    return harm, mixed(SAFE_PARTS, total.safe, on_split, _on_pairs(total, rule, alpha)), ""


def _plain(arm: ArmSums, least: int) -> split.Mean | None:
    """Of a variant with labels enough, in all and of either value."""
    n = arm.log_loss.n
    if not split.enough(arm.positives, n, least):
        return None
    return split.Mean(arm.log_loss.mean, arm.log_loss.variance / n, n)


def _on_pairs(total: PairSums, rule: Guardrail, alpha: float) -> float:
    """log e-value for the mean difference of the pairs' losses being less than what must be shown."""
    n = total.log_loss.n
    if not split.enough(total.positives, n, rule.minimum):
        return 0.0
    losses = Covaried(total.log_loss, total.baseline_log_loss, total.loss_products)
    mean = losses.y.mean - rule.shown * losses.x.mean
    error = math.sqrt(losses.residual_variance(rule.shown) / n)
    return asymptotic(mean, error, n, alpha=alpha, planned=PLANNED, alternative="less").log_e or 0.0


def _unlike(step: PairSums) -> str:
    """On a split the variants' answers must have got labels alike, or the labelled ones can't be compared."""
    b, c = step.baseline, step.candidate
    labels, sampled = (_labels(b), _labels(c)), (b.sampled, c.sampled)
    if not (all(sampled) and any(labels)):
        return ""
    shares = (sampled[0] / sum(sampled), sampled[1] / sum(sampled))
    if sample_ratio_mismatch(labels, shares, alpha=COVERAGE_ALPHA).p_value > COVERAGE_ALPHA:
        return ""
    return (
        f"labels came for {rate(labels[1], sampled[1]):.1%} of the candidate's answers, but for "
        f"{rate(labels[0], sampled[0]):.1%} of the baseline's: on this split they can't be compared"
    )


def _labels(arm: ArmSums) -> int:
    return arm.log_loss.n + arm.unscored


def _means(total: PairSums) -> tuple[float | None, float | None]:
    """Mean losses of baseline and candidate: of pairs, or without any of the variants' own labels."""
    pairs = total.baseline_log_loss
    if pairs.n:
        return pairs.mean, pairs.mean + total.log_loss.mean
    b, c = total.baseline.log_loss, total.candidate.log_loss
    return (b.mean if b.n else None), (c.mean if c.n else None)


def _pairs(total: PairSums) -> str:
    n = total.log_loss.n
    if not n:
        return "no labelled pairs"
    baseline, difference = total.baseline_log_loss.mean, total.log_loss.mean
    part = f" ({difference / baseline:+.1%})" if baseline else ""
    return f"log-loss {baseline + difference:.4f}, baseline {baseline:.4f}{part} on {n:,} labelled pairs"


def _arms(total: PairSums) -> str:
    b, c = total.baseline.log_loss, total.candidate.log_loss
    if NOTHING in (b, c):
        return ""
    return f"; {c.mean:.4f} on {c.n:,} labels, baseline {b.mean:.4f} on {b.n:,} on a split"


def _waived(rule: Guardrail, safe: float, alpha: float) -> str:
    shown = safe >= math.log(1 / alpha)
    return "" if rule.required or shown else "not shown to be no worse: the plan waives that"
