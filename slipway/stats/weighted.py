"""A mean over all, from outcomes that are known for some, each with the logged probability that it would be.

Inverse propensity scores (Horvitz & Thompson 1952), self-normalised (Hájek 1971), and doubly robust (Robins, Rotnitzky
& Zhao 1994) with influence-function errors: every case is first given the outcome a model expects, and the known ones
correct the model's mean. The correction is self-normalised: outcomes that come late are missing from all kinds alike,
and then they only make the sum of the weights smaller. Decide on doubly robust; show all three.
"""

import math
from dataclasses import dataclass

from slipway.stats import arguments
from slipway.stats.means import NOTHING, Alternative, Moments, asymptotic
from slipway.stats.result import REAL_LINE, Result
from slipway.stats.selective import LEAST_EFFECTIVE, LEAST_OVERLAP

MOST_WEIGHT = 1.5  # sum of the weights / n, beyond which the logged probabilities can't be right


@dataclass(frozen=True)
class Weighted:
    """Adds in any order. expected: the model's outcomes of all cases.

    With the weight w = 1 / probability, the outcome x, the model's m and the residual r = x - m, sums over the `known`
    cases, each named by its factors.
    """

    expected: Moments = NOTHING
    known: int = 0
    w: float = 0.0
    ww: float = 0.0
    wx: float = 0.0
    wwx: float = 0.0
    wwxx: float = 0.0
    wm: float = 0.0
    wr: float = 0.0
    wwr: float = 0.0
    wwrr: float = 0.0
    wmr: float = 0.0

    @classmethod
    def of(cls, outcome: float, expected: float, propensity: float) -> "Weighted":
        """A known outcome. Its case is to be added to `expected` by itself, once, whether or not it becomes known."""
        if not 0 < propensity <= 1:
            raise ValueError(f"propensity must lie above 0 and be at most 1, not {propensity!r}")
        w, x, m, r = 1 / propensity, outcome, expected, outcome - expected
        first = (w, w * w, w * x, w * w * x, (w * x) ** 2)
        return cls(NOTHING, 1, *first, w * m, w * r, w * w * r, (w * r) ** 2, w * m * r)

    def __add__(self, other: "Weighted") -> "Weighted":
        return Weighted(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    @property
    def n(self) -> int:
        return self.expected.n

    @property
    def effective_sample_size(self) -> float:
        return self.w * self.w / self.ww if self.ww else 0.0

    @property
    def refusal(self) -> str:
        """Why nothing can be said, or empty."""
        effective = self.effective_sample_size
        if effective < LEAST_EFFECTIVE or effective < LEAST_OVERLAP * self.known:
            return f"poor overlap: {self.known} labels weigh as much as {effective:.0f}"
        if self.w > MOST_WEIGHT * self.n:
            return f"wrong propensities: {self.known} labels stand for {self.w:,.0f} of {self.n:,} cases"
        return ""

    def ips(self) -> tuple[float, float]:
        """Estimate and standard error; here and below none of them asks for the refusal."""
        mean = self.wx / self.n
        return mean, math.sqrt(max(0.0, self.wwxx / self.n - mean * mean) / self.n)

    def snips(self) -> tuple[float, float]:
        mean = self.wx / self.w
        return mean, math.sqrt(max(0.0, self.wwxx - 2 * mean * self.wwx + mean * mean * self.ww)) / self.w

    def dr(self) -> tuple[float, float]:
        rest = self.wr / self.w
        residual = (self.wwrr - 2 * rest * self.wwr + rest * rest * self.ww) / (self.w * self.w)
        both = 2 * (self.wmr - rest * self.wm) / (self.n * self.w)
        variance = self.expected.variance / self.n + residual + both
        return self.expected.mean + rest, math.sqrt(max(0.0, variance))

    def result(
        self, *, alpha: float, planned: int, null: float = 0.0, alternative: Alternative = "two-sided"
    ) -> Result:
        """The doubly robust mean. H0: mean = null (two-sided), <= null (greater) or >= null (less)."""
        arguments.finite("null", null)
        if self.refusal:
            return Result(None, REAL_LINE, None, 1.0, self.known, (self.refusal,))
        mean, error = self.dr()
        return asymptotic(mean, error, self.known, alpha=alpha, planned=planned, null=null, alternative=alternative)
