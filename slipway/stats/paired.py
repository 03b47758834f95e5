"""Betting tests for means of bounded values, paired or by variant.

Waudby-Smith & Ramdas 2024 (arXiv:2010.09686). A bet lambda multiplies wealth by 1 + lambda (value - null); under the
null wealth can't be expected to grow. Bets are fixed before the data, so wealth adds up in any order and merges.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slipway.stats import arguments
from slipway.stats.means import Moments
from slipway.stats.mixture import log_mean
from slipway.stats.result import Result, p_from

PROBABILITY_FLOOR = 0.01
LOG_LOSS_BOUND = math.log((1 - PROBABILITY_FLOOR) / PROBABILITY_FLOOR)
EFFECTS = (0.005, 0.014, 0.037, 0.1)  # of the baseline's loss
MOST_AT_STAKE = 0.9  # of the wealth, on one value
# Empirical-Bernstein bets: halved from MOST_AT_STAKE down, so that one suits any sample size.
_BERNSTEIN_BETS = tuple(MOST_AT_STAKE / 2**k for k in range(10))


@dataclass(frozen=True)
class Bets:
    """Evidence that the mean of values in [low, high] lies above (or below) `null`. Adds in any order.

    bets: positive; log_wealth: one per bet.
    """

    above: bool
    null: float
    low: float
    high: float
    bets: tuple[float, ...]
    log_wealth: tuple[float, ...]
    moments: Moments

    @classmethod
    def start(cls, *, low: float, high: float, bets: Sequence[float], null: float = 0.0, above: bool = True) -> "Bets":
        """Bets are cut to what can't lose more than MOST_AT_STAKE on one value."""
        if not low < null < high:
            raise ValueError(f"null must lie strictly between low and high, not {null!r} in {low!r}..{high!r}")
        if not bets or min(bets) <= 0:
            raise ValueError(f"bets must be one or more positive numbers, not {tuple(bets)!r}")
        most = MOST_AT_STAKE / (null - low if above else high - null)
        cut = tuple(min(bet, most) for bet in bets)
        return cls(above, null, low, high, cut, (0.0,) * len(cut), Moments())

    def update(self, values: Iterable[float]) -> "Bets":
        seen = list(values)
        if not all(self.low <= value <= self.high for value in seen):
            raise ValueError(f"values must lie between {self.low} and {self.high}")
        sign = 1 if self.above else -1
        gains = (math.fsum(math.log1p(sign * bet * (value - self.null)) for value in seen) for bet in self.bets)
        wealth = tuple(before + gain for before, gain in zip(self.log_wealth, gains, strict=True))
        return replace(self, log_wealth=wealth, moments=self.moments + Moments.of(seen))

    def __add__(self, other: "Bets") -> "Bets":
        if self._terms != other._terms:
            raise ValueError("other must have the same direction, null, range and bets")
        wealth = tuple(a + b for a, b in zip(self.log_wealth, other.log_wealth, strict=True))
        return replace(self, log_wealth=wealth, moments=self.moments + other.moments)

    @property
    def _terms(self) -> tuple[object, ...]:
        return (self.above, self.null, self.low, self.high, self.bets)

    @property
    def log_e(self) -> float:
        return log_mean(self.log_wealth)

    def result(self, *, alpha: float) -> Result:
        """H0: mean <= null (above) or >= null (below); the interval is empirical-Bernstein, two-sided."""
        n = self.moments.n
        interval = bernstein_interval(self.moments, low=self.low, high=self.high, guess=self.null, alpha=alpha)
        return Result(self.moments.mean if n else None, interval, self.log_e, p_from(self.log_e), n)


def paired_bets(*, baseline_loss: float, variance: float, effects: Sequence[float] = EFFECTS) -> tuple[float, ...]:
    """Bets for differences of losses: each the best one if the loss grew by that part of the baseline's.

    variance: of the differences, from history, never from the data under test.
    """
    arguments.positive("baseline_loss", baseline_loss)
    arguments.positive("variance", variance)
    return tuple(effect * baseline_loss / variance for effect in effects)


def log_loss(probability: float, label: int) -> float:
    """Nats, with the probability cut to [.01, .99], so that differences lie within +-LOG_LOSS_BOUND."""
    arguments.fraction("probability", probability)
    arguments.within("label", label, 0, 1)
    cut = min(max(probability, PROBABILITY_FLOOR), 1 - PROBABILITY_FLOOR)
    return -math.log(cut if label else 1 - cut)


@dataclass(frozen=True)
class Randomised:
    """Turns one variant's loss into a value whose mean is candidate mean - baseline mean, for `Bets` with null 0.

    share: probability of the candidate. most: losses lie in [0, most]. centre: a guess of the baseline's mean loss,
    fixed beforehand; any guess is valid, a good one is fast.
    """

    share: float
    most: float
    centre: float

    def __post_init__(self) -> None:
        arguments.share("share", self.share)
        arguments.positive("most", self.most)
        arguments.within("centre", self.centre, 0, self.most)

    def value(self, is_candidate: bool, loss: float) -> float:
        arguments.within("loss", loss, 0, self.most)
        weight = 1 / self.share if is_candidate else -1 / (1 - self.share)
        return weight * (loss - self.centre)

    @property
    def low(self) -> float:
        return min(self.value(True, 0.0), self.value(False, self.most))

    @property
    def high(self) -> float:
        return max(self.value(True, self.most), self.value(False, 0.0))


def bernstein_interval(moments: Moments, *, low: float, high: float, guess: float, alpha: float) -> tuple[float, float]:
    """Confidence sequence of the mean of values in [low, high], exact at any sample size.

    guess: the mean expected before the data; a poor one only widens the interval.
    """
    arguments.share("alpha", alpha)
    if not low < guess < high:
        raise ValueError(f"guess must lie strictly between low and high, not {guess!r} in {low!r}..{high!r}")
    if moments.n == 0:
        return (low, high)
    least = bernstein_bound(moments, low=low, guess=guess, alpha=alpha / 2)
    mirrored = Moments(moments.n, -moments.total, moments.squares)
    most = -bernstein_bound(mirrored, low=-high, guess=-guess, alpha=alpha / 2)
    return (max(low, least), min(high, most))


def bernstein_bound(moments: Moments, *, low: float, guess: float, alpha: float) -> float:
    """Lower confidence sequence of the mean of values >= low; see `bernstein_interval`."""
    if not low < guess:
        raise ValueError(f"guess must lie above low, not {guess!r} under {low!r}")
    if moments.n == 0:
        return low
    centred = moments.total - moments.n * guess
    squares = max(0.0, moments.squares - 2 * guess * moments.total + moments.n * guess * guess)
    return guess + _bernstein_bound(centred, squares, moments.n, guess - low, alpha)


def _bernstein_bound(total: float, squares: float, n: int, reach: float, alpha: float) -> float:
    """Lower bound of the mean of n centred values >= -reach; alpha is split over the bets.

    Fan's inequality: exp(bet x - psi(bet) x^2) <= 1 + bet x for x >= -1.
    """
    most = math.log(len(_BERNSTEIN_BETS) / alpha)

    def bound(bet: float) -> float:
        psi = -math.log1p(-bet) - bet
        return (bet * total / reach - psi * squares / (reach * reach) - most) * reach / (n * bet)

    return max(map(bound, _BERNSTEIN_BETS))
