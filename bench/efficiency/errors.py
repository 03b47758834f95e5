"""Errors: 5 % of requests go to the candidate, the baseline fails 0.5 % of the time, each request is a look."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from bench.efficiency import ALPHA, ENOUGH, Row, standard_error
from slipway.stats import fixed
from slipway.stats.means import Moments, asymptotic_difference
from slipway.stats.mixture import Mixture
from slipway.stats.rates import LATE_PER_ERROR, LATE_SHARE, LEAST_ERRORS, WORSE, Cell, log_factors

BASE, SHARE = 0.005, 0.05
CALIBRATED = math.log(12.34)  # on the early mixture, it spends alpha within HORIZON
HORIZON = 2600  # errors
MOST = {0.01: 1.5, 0.02: 1.5, 0.05: 1.75}  # delay / limit, at each canary error rate
PLANNED = 40_000  # requests, for the asymptotic confidence sequence
FEW = 100  # candidate requests, under which normal approximations aren't asked


@dataclass(frozen=True)
class Seen:
    """Counts after an error, and whose it was."""

    requests: int
    candidate_errors: int
    errors: int
    is_candidate: bool

    @property
    def candidate_requests(self) -> int:
        return max(round(self.requests * SHARE), self.candidate_errors)

    @property
    def cell(self) -> Cell:
        n_c, k_b = self.candidate_requests, self.errors - self.candidate_errors
        return Cell(self.candidate_errors, n_c, k_b, max(self.requests - n_c, k_b))


Test = Callable[[Seen], bool]


def rate_ratio_test(late_share: float, enough: float, least: int = 0) -> Test:
    """The library's rate-ratio test; cells of one error and a share of exactly 5 %."""
    steps = {}
    for is_candidate, cell in ((True, Cell(1, 1, 0, 19)), (False, Cell(0, 1, 1, 19))):
        steps[is_candidate] = Mixture.step(log_factors(cell, 1.0, WORSE), LATE_PER_ERROR)
    state = Mixture.none(len(WORSE))

    def test(seen: Seen) -> bool:
        nonlocal state
        state = state + steps[seen.is_candidate]
        return seen.is_candidate and seen.candidate_errors >= least and state.log_e(late_share) >= enough

    return test


def asymptotic_test(seen: Seen) -> bool:
    if not seen.is_candidate or seen.candidate_requests < FEW:
        return False
    c = seen.cell
    candidate = Moments(c.candidate_requests, c.candidate_errors, c.candidate_errors)
    baseline = Moments(c.baseline_requests, c.baseline_errors, c.baseline_errors)
    result = asymptotic_difference(candidate, baseline, alpha=ALPHA, planned=PLANNED, alternative="greater")
    return result.p_value <= ALPHA


def naive_test(seen: Seen) -> bool:
    """A fixed-horizon z test, repeated: what must not be done."""
    if not seen.is_candidate or seen.candidate_requests < FEW:
        return False
    result = fixed.two_proportion(seen.cell, alpha=2 * ALPHA)
    return result.estimate is not None and result.estimate > 0 and result.p_value <= 2 * ALPHA


def oracle_test(rate: float) -> Test:
    """Wald's sequential probability ratio test, told both rates."""
    per_error, per_success = math.log(rate / BASE), math.log((1 - rate) / (1 - BASE))

    def test(seen: Seen) -> bool:
        successes = seen.candidate_requests - seen.candidate_errors
        return seen.candidate_errors * per_error + successes * per_success >= ENOUGH

    return test


TESTS: dict[str, Callable[[float], Test]] = {
    "rate ratio, start-time mixture (default)": lambda _: rate_ratio_test(LATE_SHARE, ENOUGH),
    "the same, at 3 candidate errors or more": lambda _: rate_ratio_test(LATE_SHARE, ENOUGH, LEAST_ERRORS),
    "rate ratio, immediate start only": lambda _: rate_ratio_test(0.0, ENOUGH),
    "rate ratio, calibrated to 2,600 errors": lambda _: rate_ratio_test(0.0, CALIBRATED),
    "asymptotic confidence sequence": lambda _: asymptotic_test,
    "z test at each look": lambda _: naive_test,
    "oracle: both rates known": oracle_test,
}
BARRED = ("rate ratio, start-time mixture (default)", "rate ratio, immediate start only")
EXACT = {"rate ratio, immediate start only": ENOUGH, "rate ratio, calibrated to 2,600 errors": CALIBRATED}


def path(rng: np.random.Generator, rate: float) -> Iterator[Seen]:
    """Requests go to the candidate with P = SHARE, independently; only those that fail are drawn."""
    failing = SHARE * rate + (1 - SHARE) * BASE
    requests = k = 0
    for m in count(1):
        requests += int(rng.geometric(failing))
        is_candidate = bool(rng.random() < SHARE * rate / failing)
        k += is_candidate
        yield Seen(requests, k, m, is_candidate)


def delay(name: str, rate: float, paths: int) -> float:
    """Mean candidate requests at detection over the information limit.

    Simulated tests run beside the immediate one, on the same paths, and are corrected by its known mean.
    """
    limit = fixed.information_limit(BASE, rate, ALPHA) / SHARE
    if name in EXACT:
        return exact_requests(EXACT[name], rate) / limit
    rng = np.random.default_rng([17, round(rate * 1000)])
    later = [
        np.subtract(*_detections(path(rng, rate), TESTS[name](rate), rate_ratio_test(0.0, ENOUGH)))
        for _ in range(paths)
    ]
    return (exact_requests(ENOUGH, rate) + float(np.mean(later))) / limit


def exact_requests(enough: float, rate: float) -> float:
    """Mean requests at detection. Wald: mean errors at detection over the chance that a request fails."""
    failing = SHARE * rate + (1 - SHARE) * BASE
    return sum(surviving(enough, SHARE * rate / failing)) / failing


def _detections(seen: Iterator[Seen], *tests: Test) -> list[int]:
    """Requests at which each test first rejects."""
    found: dict[int, int] = {}
    while len(found) < len(tests):
        now = next(seen)
        found |= {i: now.requests for i, test in enumerate(tests) if i not in found and test(now)}
    return [found[i] for i in range(len(tests))]


def type_i(name: str, paths: int) -> tuple[float, float | None]:
    """P(rejection within HORIZON errors) of equal rates, and its standard error."""
    if name in EXACT:
        return 1 - next(islice(surviving(EXACT[name], SHARE), HORIZON, None)), None
    rng = np.random.default_rng(23)
    tests = (TESTS[name](2 * BASE) for _ in range(paths))
    share = float(np.mean([any(test(seen) for seen in islice(path(rng, BASE), HORIZON)) for test in tests]))
    return share, standard_error(share, paths)


def surviving(enough: float, chance: float, least: int = 0) -> Iterator[float]:
    """P(no rejection within m errors), m = 0, 1, ...: the exact dynamic programme over the candidate's errors.

    chance: of an error to be the candidate's. It ends once next to nothing survives, or never.
    """
    alive, edge = np.ones(1), 0
    for m in count(1):
        yield float(alive.sum())
        if alive.sum() < 1e-9:
            return
        edge = _first_crossing(m, edge, enough)
        alive = np.append(alive * (1 - chance), 0.0) + np.append(0.0, alive * chance)
        alive = alive[: max(edge, least)]


def _first_crossing(m: int, edge: int, enough: float) -> int:
    """Fewest candidate errors among m with enough evidence; it never falls as m grows."""
    while edge <= m:
        cell = Cell(edge, 20 * m, m - edge, 380 * m)
        if Mixture.step(log_factors(cell, 1.0, WORSE)).log_e(0) >= enough:
            return edge
        edge += 1
    return edge


def rows(paths: int, null_paths: int) -> Iterator[Row]:
    for name in TESTS:
        share, error = type_i(name, null_paths)
        delays = {f"{rate:.0%}": delay(name, rate, paths) for rate in MOST}
        bar = {f"{rate:.0%}": most for rate, most in MOST.items()} if name in BARRED else None
        yield Row(name, share, error, delays, bar)
