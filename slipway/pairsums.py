"""Sums over sampled requests: all that the judge needs of them. They add in any order, exactly.

Every number added is a multiple of 2^-30, so sums of floats below 2^23 have no rounding error, and neither order nor
grouping shows in a total. Losses are in nats, of probabilities cut to [.01, .99] (slipway.stats.paired).
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.stats.means import NOTHING, Moments
from slipway.stats.paired import MOST_AT_STAKE, PROBABILITY_FLOOR, Bets, log_loss

GRID = 2.0**30
QUALITY_MARGIN = 0.01  # the part of the baseline's loss by which the candidate's may be greater
MOST_EXCESS = -math.log(PROBABILITY_FLOOR) * (1 + QUALITY_MARGIN)
# Fixed before any data; halved, so that one suits whatever the spread of the differences turns out to be.
BETS = tuple(MOST_AT_STAKE / MOST_EXCESS / 2**k for k in range(7))
DELAYS = (3600.0, 6 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0)  # seconds; upper ends, the last bucket has none
_NO_WEALTH = (0.0,) * len(BETS)


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
    is no probability.
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


@dataclass(frozen=True)
class LabelSums:
    """Lines of ground-truth files: rejected ones, and those whose id is in the sample."""

    lines: int = 0
    rejected: int = 0
    sampled: int = 0


@dataclass(frozen=True)
class PairSums:
    """Differences are candidate - baseline, so more is worse for losses.

    pairs: requests that both answered; *_invalid: of them, the answer is no probability; shift: of the score, where
    both are; changed: the two decide differently at the operating threshold; raised: of them, the candidate's decision
    is the positive one. log_loss, brier: of pairs with a label, of which `positives` are 1; unscored: labelled, but
    not both answers are probabilities. excess: the candidate's log-loss - (1 + QUALITY_MARGIN) times the baseline's;
    worse, not_worse: log wealth of each bet on its mean being above, below 0. delays: labels by the time they took;
    the buckets end at DELAYS.
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
    positives: int = 0
    unscored: int = 0
    baseline_log_loss: Moments = NOTHING
    log_loss: Moments = NOTHING
    brier: Moments = NOTHING
    excess: Moments = NOTHING
    worse: tuple[float, ...] = _NO_WEALTH
    not_worse: tuple[float, ...] = _NO_WEALTH
    delays: tuple[int, ...] = field(default=(0,) * (len(DELAYS) + 1))

    def __add__(self, other: "PairSums") -> "PairSums":
        total: PairSums = _sum(self, other)
        return total

    def bets_on_worse(self) -> Bets:
        """The test of H0 "the candidate's mean log-loss is at most 1 + QUALITY_MARGIN times the baseline's"."""
        return self._bets(above=True, wealth=self.worse)

    def bets_on_not_worse(self) -> Bets:
        """The test of H0 "it is at least that much"."""
        return self._bets(above=False, wealth=self.not_worse)

    def _bets(self, *, above: bool, wealth: tuple[float, ...]) -> Bets:
        begun = Bets.start(low=-MOST_EXCESS, high=MOST_EXCESS, bets=BETS, above=above)
        return dataclasses.replace(begun, log_wealth=wealth, moments=self.excess)

    def numbers(self) -> dict[str, int | float]:
        """The non-zero numbers by flat names, such as `candidate.log_loss.total` and `worse.0`."""
        return {name: number for name, number in _leaves(self, "") if number}


def from_numbers(numbers: Mapping[str, Any]) -> PairSums:
    """The inverse of `numbers`, of anything `int` and `float` take; names it does not know are left out."""
    sums: PairSums = _filled(PairSums(), "", numbers)
    return sums


def of_pair(baseline: float | None, candidate: float | None, threshold: float) -> PairSums:
    """Of one request's two answers (None: no probability)."""
    if baseline is None or candidate is None:
        return PairSums(pairs=1, baseline_invalid=int(baseline is None), candidate_invalid=int(candidate is None))
    before, after = baseline >= threshold, candidate >= threshold
    shift = _moments(candidate - baseline)
    return PairSums(pairs=1, changed=int(before != after), raised=int(after and not before), shift=shift)


def of_labelled_pair(baseline: float | None, candidate: float | None, label: int, delay: float) -> PairSums:
    """Of a label, 0 or 1, for two answers; delay: seconds from the request."""
    delays = delay_counts(delay)
    if baseline is None or candidate is None:
        return PairSums(unscored=1, delays=delays)
    b, c = log_loss(baseline, label), log_loss(candidate, label)
    excess = c - (1 + QUALITY_MARGIN) * b
    return PairSums(
        positives=label,
        baseline_log_loss=_moments(b),
        log_loss=_moments(c - b),
        brier=_moments((candidate - label) ** 2 - (baseline - label) ** 2),
        excess=_moments(excess),
        worse=tuple(_on_grid(math.log1p(bet * excess)) for bet in BETS),
        not_worse=tuple(_on_grid(math.log1p(-bet * excess)) for bet in BETS),
        delays=delays,
    )


def of_labelled(score: float | None, label: int) -> ArmSums:
    """Of a label for the only answer to its request."""
    if score is None:
        return ArmSums(unscored=1)
    return ArmSums(positives=label, log_loss=_moments(log_loss(score, label)), brier=_moments((score - label) ** 2))


def delay_counts(delay: float) -> tuple[int, ...]:
    """One label's delay, in seconds, as counts of buckets."""
    bucket = sum(delay > end for end in DELAYS)
    return tuple(int(i == bucket) for i in range(len(DELAYS) + 1))


def _moments(value: float) -> Moments:
    return Moments(1, _on_grid(value), _on_grid(value * value))


def _on_grid(value: float) -> float:
    return round(value * GRID) / GRID


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
        return _on_grid(number) if isinstance(number, float) else number
    filled = (_filled(item, f"{at}.{name}" if at else name, numbers) for name, item in _items(zero))
    return tuple(filled) if isinstance(zero, tuple) else type(zero)(*filled)


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return ((str(i), item) for i, item in enumerate(value)) if isinstance(value, tuple) else vars(value).items()
