"""Is the candidate's error rate too high? Conditional-binomial rate-ratio e-process.

Lindon & Malek 2022 (arXiv:2011.03567). A cell is one minute (or stage) of both variants with the *realised* share s of
candidate requests. Of a cell's errors, a fraction theta(rho) = rho s / (rho s + 1 - s) is the candidate's if the ratio
of the rates is rho, so the likelihood ratio of rho to rho0 is
    (rho/rho0)^candidate_errors * ((rho0 s + 1 - s) / (rho s + 1 - s))^errors.
Its mean is at most 1 for independent requests at any rate level, on the whole null: with D(rho) = rho s + 1 - s,
log E <= n_c p_c (rho D(rho0) / (rho0 D(rho)) - 1) + n_b p_b (D(rho0) / D(rho) - 1), which is 0 at p_c = rho0 p_b.
Count an error once a client or session: retries that stick to one variant are one error, not many.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slipway.stats import arguments
from slipway.stats.boost import log_boost
from slipway.stats.mixture import Mixture, log_mean
from slipway.stats.result import Result, p_from

# Alternatives as multiples of the null's ratio.
WORSE = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
BETTER = tuple(1 / ratio for ratio in (1.1, 1.25, 1.5, 2.0, 3.0, 5.0))
LATE_SHARE = 0.1  # of the prior: costs 2 % on immediate faults, makes late ones 1.2-4x sooner
LATE_PER_ERROR = math.log1p(-1 / 1000)
LEAST_ERRORS = 3
# Log ratios at which the likelihood is kept for the confidence sequence: 3 % apart near 1, 1/430 to 430 overall.
GRID = tuple(0.3 * math.sinh(0.0925 * i) for i in range(-40, 41))
_RATIOS_LESS_1 = tuple(math.expm1(u) for u in GRID)


@dataclass(frozen=True)
class Cell:
    """Both variants in the same minute. Cells of one minute add; cells of different minutes must not (Simpson)."""

    candidate_errors: int
    candidate_requests: int
    baseline_errors: int
    baseline_requests: int

    def __post_init__(self) -> None:
        arguments.part("candidate_errors", self.candidate_errors, self.candidate_requests)
        arguments.part("baseline_errors", self.baseline_errors, self.baseline_requests)

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(
            self.candidate_errors + other.candidate_errors,
            self.candidate_requests + other.candidate_requests,
            self.baseline_errors + other.baseline_errors,
            self.baseline_requests + other.baseline_requests,
        )

    @property
    def errors(self) -> int:
        return self.candidate_errors + self.baseline_errors

    @property
    def requests(self) -> int:
        return self.candidate_requests + self.baseline_requests


@dataclass(frozen=True)
class RateRatio:
    """Running evidence on candidate rate / baseline rate. `earlier + later` joins stretches of time.

    tolerance: the ratio up to which the candidate counts as harmless (null of the harm test: ratio <= tolerance).
    margin: the ratio it must be shown to stay under (null of the non-inferiority test: ratio >= margin).
    clip: largest factor one cell may add to the evidence, so that one burst decides nothing; None is no limit.
    likelihood: log-likelihood of the ratios exp(GRID) less that of ratio 1.
    mantel_haenszel: numerator and denominator of the stratified estimate.
    """

    tolerance: float
    margin: float
    clip: float | None
    harm: Mixture
    safe: Mixture
    likelihood: tuple[float, ...]
    mantel_haenszel: tuple[float, float]
    totals: Cell

    @classmethod
    def start(cls, *, tolerance: float = 1.25, margin: float = 2.0, clip: float | None = None) -> "RateRatio":
        arguments.positive("tolerance", tolerance)
        arguments.positive("margin", margin)
        if clip is not None and not clip > 1:
            raise ValueError(f"clip must be above 1, not {clip!r}")
        none = Mixture.none
        zeros = (0.0,) * len(GRID)
        return cls(tolerance, margin, clip, none(len(WORSE)), none(len(BETTER)), zeros, (0.0, 0.0), Cell(0, 0, 0, 0))

    def update(self, cell: Cell) -> "RateRatio":
        """With the next minute."""
        if cell.requests == 0:
            return self
        share = cell.candidate_requests / cell.requests
        waiting = cell.errors * LATE_PER_ERROR
        return replace(
            self,
            harm=self.harm + Mixture.step(log_factors(cell, self.tolerance, WORSE, self.clip), waiting),
            safe=self.safe + Mixture.step(log_factors(cell, self.margin, BETTER, self.clip)),
            likelihood=_add(self.likelihood, _likelihood(cell, share)),
            mantel_haenszel=_pair(
                self.mantel_haenszel, (cell.candidate_errors * (1 - share), cell.baseline_errors * share)
            ),
            totals=self.totals + cell,
        )

    def __add__(self, later: "RateRatio") -> "RateRatio":
        if (self.tolerance, self.margin, self.clip) != (later.tolerance, later.margin, later.clip):
            raise ValueError("later must have the same tolerance, margin and clip")
        return replace(
            self,
            harm=self.harm + later.harm,
            safe=self.safe + later.safe,
            likelihood=_add(self.likelihood, later.likelihood),
            mantel_haenszel=_pair(self.mantel_haenszel, later.mantel_haenszel),
            totals=self.totals + later.totals,
        )

    def harm_test(self, *, alpha: float, late_share: float = LATE_SHARE) -> Result:
        """H0: ratio <= tolerance. `p_value` is that of this look: keep the smallest over looks, if looks are kept."""
        arguments.fraction("late_share", late_share)
        limits = () if self.totals.candidate_errors >= LEAST_ERRORS else (_FEW_ERRORS,)
        return self._result(self.harm.log_e(late_share), alpha, limits)

    def non_inferiority(self, *, alpha: float) -> Result:
        """H0: ratio >= margin. A large log_e is positive evidence that the candidate stays under the margin."""
        limits = () if self.totals.errors else (_NO_ERRORS,)
        return self._result(self.safe.log_e(0), alpha, limits)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Confidence sequence of the ratio at 1 - alpha: the mixture over GRID against each ratio."""
        arguments.share("alpha", alpha)
        if self.totals.errors == 0:
            return (0.0, math.inf)
        least = log_mean(self.likelihood) + math.log(alpha)
        low = -_edge([-u for u in reversed(GRID)], self.likelihood[::-1], least)
        return (math.exp(low), math.exp(_edge(GRID, self.likelihood, least)))

    def _result(self, log_e: float, alpha: float, limits: tuple[str, ...]) -> Result:
        above, below = self.mantel_haenszel
        estimate = above / below if below else None
        return Result(estimate, self.interval(alpha), log_e, p_from(log_e), self.totals.requests, limits)


_FEW_ERRORS = f"fewer than {LEAST_ERRORS} candidate errors: not enough to act on"
_NO_ERRORS = "no errors in either variant: a ratio of rates can't be judged, only a ceiling on the rate can"


def rate_ratio(
    cells: Iterable[Cell],
    *,
    tolerance: float = 1.25,
    alpha: float,
    clip: float | None = None,
    late_share: float = LATE_SHARE,
) -> Result:
    """Harm test over cells in time order; `p_value` is the smallest of all looks."""
    state, p_value = RateRatio.start(tolerance=tolerance, clip=clip), 1.0
    for cell in cells:
        state = state.update(cell)
        p_value = min(p_value, p_from(state.harm.log_e(late_share)))
    return replace(state.harm_test(alpha=alpha, late_share=late_share), p_value=p_value)


def log_factors(cell: Cell, null: float, multiples: Sequence[float], clip: float | None = None) -> list[float]:
    """log of the cell's likelihood ratios of null * multiples to null, each at most log clip.

    Multiples above 1 are boosted by what the clip takes away.
    """
    share = cell.candidate_requests / cell.requests
    theta = null * share / (null * share + 1 - share)
    gains = [cell.candidate_errors * math.log(a) - cell.errors * math.log1p((a - 1) * theta) for a in multiples]
    if clip is None:
        return gains
    boosts = [log_boost(cell.errors, theta, a, clip) if a > 1 else 0.0 for a in multiples]
    return [min(gain + boost, math.log(clip)) for gain, boost in zip(gains, boosts, strict=True)]


def _likelihood(cell: Cell, share: float) -> list[float]:
    k, m = cell.candidate_errors, cell.errors
    if m == 0:
        return [0.0] * len(GRID)
    return [k * u - m * math.log1p(r * share) for u, r in zip(GRID, _RATIOS_LESS_1, strict=True)]


def _edge(grid: Iterable[float], likelihood: Iterable[float], least: float) -> float:
    """Where a concave likelihood falls under `least`, going up the grid; inf if it doesn't.

    Between the last point kept and the first refused, the line through the two points before lies above the curve.
    """
    points = list(zip(grid, likelihood, strict=True))
    kept = max(i for i, (_, height) in enumerate(points) if height >= least)
    if kept + 1 == len(points):
        return math.inf
    (u0, l0), (u1, l1) = points[max(kept - 1, 0)], points[kept]
    refused = points[kept + 1][0]
    return min(refused, u1 + (l1 - least) * (u1 - u0) / (l0 - l1)) if l0 > l1 else refused


def _add(a: Iterable[float], b: Iterable[float]) -> tuple[float, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _pair(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return (a[0] + b[0], a[1] + b[1])
