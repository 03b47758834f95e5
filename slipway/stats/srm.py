"""Sequential sample-ratio mismatch (Lindon & Malek 2022, arXiv:2011.03567): are requests split as planned?

Dirichlet-multinomial Bayes factor against the planned shares; needs only total counts, at any time. It gates every
verdict: when the split is off, rates of the variants can't be compared.
"""

import math
from collections.abc import Sequence

from slipway.stats import arguments
from slipway.stats.result import Result, p_from
from slipway.stats.search import border

CONCENTRATION = 1000.0


def sample_ratio_mismatch(
    counts: Sequence[int],
    shares: Sequence[float],
    *,
    alpha: float = 0.001,
    concentration: float = CONCENTRATION,
    variant: int = -1,
) -> Result:
    """H0: each request went to variant i with probability shares[i].

    The estimate and its confidence sequence are the share of `variant` (an index; the last one by default).
    """
    arguments.shares("shares", shares)
    arguments.share("alpha", alpha)
    arguments.positive("concentration", concentration)
    if len(counts) != len(shares) or min(counts) < 0:
        raise ValueError(f"counts must be one count of 0 or more for each of the {len(shares)} shares")
    arguments.within("variant", variant, -len(counts), len(counts) - 1)
    total, mine = sum(counts), counts[variant]
    log_e = log_bayes_factor(counts, shares, concentration)
    if total == 0:
        return Result(None, (0.0, 1.0), log_e, 1.0, 0, ("no requests yet",))
    interval = _interval(mine, total - mine, math.log(1 / alpha), concentration)
    return Result(mine / total, interval, log_e, p_from(log_e), total)


def log_bayes_factor(counts: Sequence[int], shares: Sequence[float], concentration: float = CONCENTRATION) -> float:
    """log e-value against the planned shares, for those who need no interval; arguments are not checked."""
    total = math.lgamma(concentration) - math.lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        total += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return total


def _interval(mine: int, others: int, most: float, concentration: float) -> tuple[float, float]:
    """Shares whose Bayes factor stays under exp(most); it grows on both sides of the observed share."""

    def kept(share: float) -> bool:
        return log_bayes_factor((mine, others), (share, 1 - share), concentration) < most

    observed = mine / (mine + others)
    low = border(kept, observed, 0.0) if mine else 0.0
    return (low, border(kept, observed, 1.0) if others else 1.0)
