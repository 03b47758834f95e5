"""One variant's share of requests against a ceiling or a floor: a mixture of binomial likelihood ratios.

Where a baseline without errors leaves no ratio to judge, a ceiling on the candidate's own rate still can be tested.
"""

import math
from dataclasses import dataclass, replace

from slipway.stats import arguments
from slipway.stats.mixture import log_mean
from slipway.stats.rates import BETTER, WORSE
from slipway.stats.result import Result, p_from
from slipway.stats.search import border


@dataclass(frozen=True)
class Proportion:
    """Evidence that a share lies above (or below) `null`. Adds in any order."""

    null: float
    above: bool
    hits: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        arguments.share("null", self.null)
        arguments.part("hits", self.hits, self.n)

    def update(self, hits: int, n: int) -> "Proportion":
        arguments.part("hits", hits, n)
        return replace(self, hits=self.hits + hits, n=self.n + n)

    def __add__(self, other: "Proportion") -> "Proportion":
        if (self.null, self.above) != (other.null, other.above):
            raise ValueError("other must have the same null and direction")
        return self.update(other.hits, other.n)

    def result(self, *, alpha: float) -> Result:
        """H0: share <= null (above) or >= null (below); the confidence sequence is two-sided."""
        arguments.share("alpha", alpha)
        multiples = WORSE if self.above else BETTER
        # Alternatives multiply the null's odds, so that each stays below 1.
        log_e = log_mean([self.hits * math.log(a) - self.n * math.log1p((a - 1) * self.null) for a in multiples])
        estimate = self.hits / self.n if self.n else None
        return Result(estimate, share_interval(self.hits, self.n, alpha), log_e, p_from(log_e), self.n)


def share_interval(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """Confidence sequence of a share: the beta(1/2, 1/2) mixture against each share (Robbins 1970)."""
    arguments.part("hits", hits, n)
    arguments.share("alpha", alpha)
    if n == 0:
        return (0.0, 1.0)
    misses = n - hits
    mixture = math.lgamma(hits + 0.5) + math.lgamma(misses + 0.5) - math.lgamma(n + 1) - math.log(math.pi)
    least = mixture + math.log(alpha)

    def kept(share: float) -> bool:
        return hits * math.log(share) + misses * math.log1p(-share) > least

    low = border(kept, hits / n, 0.0) if hits else 0.0
    return (low, border(kept, hits / n, 1.0) if misses else 1.0)
