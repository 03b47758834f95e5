"""Lift where only some requests get a label, those that were acted on for instance, each with a logged propensity.

Losses over the labelled requests alone say little of all: a fraud team looks at what the baseline suspects. The three
estimators of `slipway.stats.weighted` stand in the verdict; the doubly robust one decides. Where few labels carry most
of the weight nothing is decided, and the verdict says so.
"""

from collections.abc import Callable, Collection
from typing import Literal

from slipway.guardrails import split
from slipway.guardrails.opinion import mixed
from slipway.pairsums import ArmSums, PairSums
from slipway.plan import Guardrail
from slipway.stats.weighted import Weighted

PARTS = (0.9, 0.1)  # of the money: on pairs, on a split
PLANNED = 1000  # labelled pairs
_ESTIMATORS: dict[str, Callable[[Weighted], tuple[float, float]]] = {
    "doubly robust": Weighted.dr,
    "SNIPS": Weighted.snips,
    "IPS": Weighted.ips,
}


def logged(total: PairSums) -> bool:
    """Whether any label came with a propensity; then those without one do not count."""
    return any(of.known for of in (total.weighted, total.baseline.weighted, total.candidate.weighted))


def evidence(steps: Collection[PairSums], rule: Guardrail, alpha: float) -> tuple[float, float, str]:
    """log e-values for harm and for safety, and what they rest on."""
    total, share = sum(steps, PairSums()), rule.alpha_share * alpha
    apart = split.comparable(steps, _mean)
    harm, safe = (
        mixed(
            PARTS,
            _on_pairs(total, margin, level, worse=worse),
            split.log_e(apart, max(margin, split.MARGIN), level, worse=worse),
        )
        for margin, level, worse in ((rule.tolerance, share, True), (rule.shown, alpha, False))
    )
    parts = [_says_of_pairs(total), _says_of_split(total)]
    return harm, safe, "; ".join(filter(None, parts))


def _on_pairs(total: PairSums, margin: float, alpha: float, *, worse: bool) -> float:
    """The null is a part of the baseline's mean loss, which is taken as known: it varies by far less."""
    seen = total.weighted
    if not split.enough(total.positives, seen.known):
        return 0.0
    null = margin * total.weighted_baseline / seen.w
    alternative: Literal["greater", "less"] = "greater" if worse else "less"
    return seen.result(alpha=alpha, planned=PLANNED, null=null, alternative=alternative).log_e or 0.0


def _mean(arm: ArmSums) -> split.Mean | None:
    if arm.weighted.refusal or not split.enough(arm.positives, arm.weighted.known):
        return None
    value, error = arm.weighted.dr()
    return split.Mean(value, error * error, arm.weighted.known)


def _says_of_pairs(total: PairSums) -> str:
    seen = total.weighted
    if not seen.known:
        return ""
    if seen.refusal:
        return f"corrected for who gets a label, the pairs say nothing: {seen.refusal}"
    shown = ", ".join(f"{name} {of(seen)[0]:+.4f}" for name, of in _ESTIMATORS.items())
    effective = seen.effective_sample_size
    return (
        f"corrected for who gets a label, the loss differs by {shown} ({seen.known:,} labels weigh as {effective:,.0f})"
    )


def _says_of_split(total: PairSums) -> str:
    b, c = total.baseline.weighted, total.candidate.weighted
    if not (b.known and c.known):
        return ""
    for name, arm in (("baseline", b), ("candidate", c)):
        if arm.refusal:
            return f"corrected for who gets a label, the split says nothing: {name}: {arm.refusal}"
    shown = ", ".join(f"{name} {of(c)[0] - of(b)[0]:+.4f}" for name, of in _ESTIMATORS.items())
    return f"on the split, corrected, it differs by {shown} ({c.known:,} and {b.known:,} labels)"
