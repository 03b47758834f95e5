"""Sums over sampled requests: all that the judge needs of them. They add in any order, exactly.

Every number added is a multiple of 2^-30 (weighted ones: 2^-20), so sums of floats below 2^23 (2^33) have no rounding
error, and neither order nor grouping shows in a total. `slipway.scores` makes them of a request's answers and label.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.stats.adjusted import Covaried
from slipway.stats.means import NOTHING, Moments
from slipway.stats.mixture import log_mean, log_sum
from slipway.stats.weighted import Weighted

GRID = 2.0**30
WEIGHT_GRID = 2.0**20  # squares of weights are large, and a table's numbers have 38 digits
BETS = 7
LEAD = 2 / 3  # losses are bounded by far more than they vary, so the greatest bet is mostly the best one
DELAYS = (3600.0, 6 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0)  # seconds; upper ends, the last bucket has none
_NO_WEALTH, _UNSEEN, _UNWEIGHTED = (0.0,) * BETS, Covaried(), Weighted()


@dataclass(frozen=True)
class Rejected:
    """Lines that can't be paired: no JSON of the expected form, no answer, no id or time, several numbers."""

    unreadable: int = 0
    unanswered: int = 0
    unidentified: int = 0
    several_scores: int = 0

    @property
    def total(self) -> int:
        return self.unreadable + self.unanswered + self.unidentified + self.several_scores


@dataclass(frozen=True)
class ArmSums:
    """One variant. The first counts are of all captured lines, the quality of labelled requests of canary steps.

    lines = rejected + sampled + those the sample left out. captured: lines with an answer; invalid: of them, answers
    that are no finite number; late: sampled rows handled long after their request; unscored: labelled, but the answer
    is no probability; weighted: the log-loss by labels with a propensity, and as its own scores expect it.
    """

    lines: int = 0
    captured: int = 0
    invalid: int = 0
    rejected: Rejected = Rejected()
    sampled: int = 0
    late: int = 0
    positives: int = 0
    unscored: int = 0
    log_loss: Moments = NOTHING
    brier: Moments = NOTHING
    weighted: Weighted = _UNWEIGHTED

    def __add__(self, other: "ArmSums") -> "ArmSums":
        total: ArmSums = _sum(self, other)
        return total


@dataclass(frozen=True)
class LabelSums:
    """Lines of ground-truth files: those with nothing of use, and labels and reports whose ids are in the sample.

    malformed_reports: lines whose outcomes can't be taken; their label still counts.
    """

    lines: int = 0
    rejected: int = 0
    sampled: int = 0
    reports: int = 0
    malformed_reports: int = 0


@dataclass(frozen=True)
class PairSums:
    """Differences are candidate - baseline, so more is worse for losses.

    pairs: requests that both answered; *_invalid: of them, the answer is no probability; shift: of the score, where
    both are; log_odds: of the scores, candidate's (y) and baseline's (x); changed: the two decide differently at the
    operating threshold; raised: of them, the candidate's decision is the positive one. log_loss, brier: of pairs with
    a label, of which `positives` are 1; loss_products: log_loss times baseline_log_loss; unscored: labelled, but not
    both answers are probabilities. worse: log wealth of each bet on the candidate's mean log-loss being more than
    tolerated; not_worse: less than must be shown. weighted: the difference of log-losses by labels with a propensity,
    and as both models' scores expect it; weighted_baseline: the baseline's log-loss times the weight. delays: labels by
    the time they took; the buckets end at DELAYS.
    """

    baseline: ArmSums = ArmSums()
    candidate: ArmSums = ArmSums()
    labels: LabelSums = LabelSums()
    pairs: int = 0
    baseline_invalid: int = 0
    candidate_invalid: int = 0
    changed: int = 0
    raised: int = 0
    shift: Moments = NOTHING
    log_odds: Covaried = _UNSEEN
    positives: int = 0
    unscored: int = 0
    baseline_log_loss: Moments = NOTHING
    log_loss: Moments = NOTHING
    loss_products: float = 0.0
    brier: Moments = NOTHING
    worse: tuple[float, ...] = _NO_WEALTH
    not_worse: tuple[float, ...] = _NO_WEALTH
    weighted: Weighted = _UNWEIGHTED
    weighted_baseline: float = 0.0
    delays: tuple[int, ...] = field(default=(0,) * (len(DELAYS) + 1))

    def __add__(self, other: "PairSums") -> "PairSums":
        total: PairSums = _sum(self, other)
        return total

    @property
    def harm(self) -> float:
        """log e-value against "the candidate's mean log-loss is at most what is tolerated"."""
        return _mixed(self.worse)

    @property
    def safe(self) -> float:
        """log e-value against "it is at least as much as must be shown to be excluded"."""
        return _mixed(self.not_worse)

    def numbers(self) -> dict[str, int | float]:
        """The non-zero numbers by flat names, such as `candidate.log_loss.total` and `worse.0`."""
        return {name: number for name, number in _leaves(self, "") if number}


def from_numbers(numbers: Mapping[str, Any]) -> PairSums:
    """The inverse of `numbers`, of anything `int` and `float` take; names it does not know are left out."""
    sums: PairSums = _filled(PairSums(), "", numbers)
    return sums


def on_grid(value: float, grid: float = GRID) -> float:
    """Rounded to a multiple of 1 / grid, so that sums are exact."""
    return round(value * grid) / grid


def _mixed(wealth: tuple[float, ...]) -> float:
    """The log e-value of all bets, LEAD of the money on the greatest."""
    return log_sum([math.log(LEAD) + wealth[0], math.log(1 - LEAD) + log_mean(wealth[1:])])


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return tuple(map(_sum, a, b))
    if isinstance(a, int | float):
        return a + b
    return type(a)(*map(_sum, vars(a).values(), vars(b).values()))


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, int | float):
        yield at, value
        return
    for name, item in _items(value):
        yield from _leaves(item, f"{at}.{name}" if at else name)


def _filled(zero: Any, at: str, numbers: Mapping[str, Any]) -> Any:
    if isinstance(zero, int | float):
        number = type(zero)(numbers.get(at, 0))
        return on_grid(number) if isinstance(number, float) else number
    filled = (_filled(item, f"{at}.{name}" if at else name, numbers) for name, item in _items(zero))
    return tuple(filled) if isinstance(zero, tuple) else type(zero)(*filled)


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return ((str(i), item) for i, item in enumerate(value)) if isinstance(value, tuple) else vars(value).items()
