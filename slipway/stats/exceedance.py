"""How much more often is the candidate slow? Two-variant binomial e-process on counts over a threshold.

The threshold is the baseline's median (or another quantile), taken before the minute whose requests are counted.
H0 is a difference of shares: candidate - baseline <= margin. Each alternative is divided by the null's closest point;
that is an e-value whatever the true shares, because the null is convex (Turner, Ly & Grünwald 2024, arXiv:2106.02693).
Requests of one minute share noise (a busy host, a burst), so a cell may be made to count as fewer: its factor is
raised to effective / requests, and a power below 1 of an e-value is an e-value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.stats import arguments
from slipway.stats.means import ASYMPTOTIC, LEAST_PER_VARIANT, asymptotic
from slipway.stats.mixture import Mixture
from slipway.stats.rates import Cell
from slipway.stats.result import Result, p_from
from slipway.stats.search import root

# Alternatives: how far the candidate's share lies from the null's edge towards 1 (worse) or towards `margin` (better).
WORSE = (0.05, 0.15, 0.3, 0.6, 0.9)
BETTER = (0.05, 0.1, 0.2, 0.4)
LATE_SHARE = 0.1
LATE_PER_CELL = math.log1p(-1 / 200)


@dataclass(frozen=True)
class Exceedance:
    """Running evidence; a `Cell`'s errors are the requests over the threshold. `earlier + later` joins times.

    margin: difference of shares still harmless. share: expected of the baseline; it costs power only if wrong.
    effective: candidate requests one cell counts for at most; None trusts all.
    difference: numerator, denominator and variance sum of the stratified difference.
    """

    margin: float
    share: float
    effective: float | None
    harm: Mixture
    safe: Mixture
    difference: tuple[float, float, float]
    totals: Cell

    @classmethod
    def start(cls, *, margin: float = 0.05, share: float = 0.5, effective: float | None = None) -> "Exceedance":
        arguments.share("share", share)
        arguments.fraction("margin", margin)
        arguments.share("share + margin", share + margin)
        if effective is not None:
            arguments.positive("effective", effective)
        none = Mixture.none
        return cls(margin, share, effective, none(len(WORSE)), none(len(BETTER)), (0.0, 0.0, 0.0), Cell(0, 0, 0, 0))

    def update(self, cell: Cell) -> "Exceedance":
        """With the next minute; a minute in which one variant had no requests says nothing."""
        if cell.candidate_requests == 0 or cell.baseline_requests == 0:
            return self
        power = min(1.0, self.effective / cell.candidate_requests) if self.effective else 1.0
        edge = self.share + self.margin
        worse = [edge + way * (1 - edge) for way in WORSE]
        better = [edge - way * self.share for way in BETTER]
        return replace(
            self,
            harm=self.harm + Mixture.step(self._gains(cell, worse, power), LATE_PER_CELL),
            safe=self.safe + Mixture.step(self._gains(cell, better, power)),
            difference=_sum(self.difference, _difference(cell, power)),
            totals=self.totals + cell,
        )

    def __add__(self, later: "Exceedance") -> "Exceedance":
        if (self.margin, self.share, self.effective) != (later.margin, later.share, later.effective):
            raise ValueError("later must have the same margin, share and effective")
        return replace(
            self,
            harm=self.harm + later.harm,
            safe=self.safe + later.safe,
            difference=_sum(self.difference, later.difference),
            totals=self.totals + later.totals,
        )

    def harm_test(self, *, alpha: float, planned: int, late_share: float = LATE_SHARE) -> Result:
        """H0: candidate share - baseline share <= margin."""
        arguments.fraction("late_share", late_share)
        return self._result(self.harm.log_e(late_share), alpha, planned)

    def non_inferiority(self, *, alpha: float, planned: int) -> Result:
        """H0: candidate share - baseline share >= margin."""
        return self._result(self.safe.log_e(0), alpha, planned)

    def _result(self, log_e: float, alpha: float, planned: int) -> Result:
        """The interval is an asymptotic confidence sequence, tightest at `planned` requests of both variants."""
        above, below, spread = self.difference
        n = self.totals.requests
        if below == 0:
            return Result(None, (-1.0, 1.0), log_e, p_from(log_e), n, ("no minute with requests in both variants",))
        few = min(self.totals.candidate_requests, self.totals.baseline_requests) < LEAST_PER_VARIANT
        shape = asymptotic(above / below, math.sqrt(spread) / below, n, alpha=alpha, planned=planned)
        interval = (max(-1.0, shape.interval[0]), min(1.0, shape.interval[1]))
        return Result(shape.estimate, interval, log_e, p_from(log_e), n, (ASYMPTOTIC,) if few else ())

    def _gains(self, cell: Cell, alternatives: Sequence[float], power: float) -> list[float]:
        gains = []
        for share in alternatives:
            null = _closest(cell, self.share, share, self.margin)
            baseline = _log_ratio(cell.baseline_errors, cell.baseline_requests, self.share, null)
            candidate = _log_ratio(cell.candidate_errors, cell.candidate_requests, share, null + self.margin)
            gains.append(power * (baseline + candidate))
        return gains


def _closest(cell: Cell, baseline: float, candidate: float, margin: float) -> float:
    """The baseline share p for which (p, p + margin) has the least divergence from the alternative's shares."""
    n_c, n_b = cell.candidate_requests, cell.baseline_requests

    def slope(p: float) -> float:
        q = p + margin
        return n_b * (p - baseline) / (p * (1 - p)) + n_c * (q - candidate) / (q * (1 - q))

    # Of opposite signs at the two ends, and 0 between them.
    return root(slope, baseline, candidate - margin)


def _log_ratio(hits: int, n: int, share: float, null: float) -> float:
    return hits * math.log(share / null) + (n - hits) * math.log((1 - share) / (1 - null))


def _difference(cell: Cell, power: float) -> tuple[float, float, float]:
    """Mantel-Haenszel difference of shares with the Greenland-Robins variance, which 1 / power inflates."""
    k_c, n_c, k_b, n_b = cell.candidate_errors, cell.candidate_requests, cell.baseline_errors, cell.baseline_requests
    n = n_c + n_b
    spread = (k_c * (n_c - k_c) * n_b**3 + k_b * (n_b - k_b) * n_c**3) / (n_c * n_b * n * n)
    return ((k_c * n_b - k_b * n_c) / n, n_c * n_b / n, spread / power)


def _sum(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])
