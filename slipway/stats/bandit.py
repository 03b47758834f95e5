"""Adaptive allocation between variants: Thompson sampling, top-two sampling, and floors under both.

Update arms from matured rewards only. An allocation that adapts biases naive means: estimate with inverse propensities
(slipway.stats.selective) from the shares really used, or bound from below with `PolicyValue`, which holds at any floor.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.stats import arguments
from slipway.stats.means import Moments
from slipway.stats.paired import MOST_AT_STAKE, Bets, bernstein_bound

FLOOR = 0.05  # at 1 % the asymptotic confidence sequence's type I error rises to .079 at alpha .05
DRAWS = 4000
BETS = 10  # on a policy's value, each half the one before


@dataclass(frozen=True)
class Arm:
    """Beta posterior of a success rate, from a uniform prior. Adds in any order."""

    successes: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        arguments.at_least("successes", self.successes, 0)
        arguments.at_least("failures", self.failures, 0)

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(self.successes + other.successes, self.failures + other.failures)

    def draw(self, rng: random.Random) -> float:
        return rng.betavariate(self.successes + 1, self.failures + 1)


def probability_best(arms: Sequence[Arm], rng: random.Random, *, draws: int = DRAWS) -> list[float]:
    """Monte Carlo estimate for each arm; its standard error is at most 0.5 / sqrt(draws)."""
    _two_or_more(arms)
    arguments.at_least("draws", draws, 1)
    wins = [0] * len(arms)
    for _ in range(draws):
        rates = [arm.draw(rng) for arm in arms]
        wins[rates.index(max(rates))] += 1
    return [won / draws for won in wins]


def thompson(arms: Sequence[Arm], rng: random.Random, *, floor: float = FLOOR, draws: int = DRAWS) -> list[float]:
    """Shares of traffic: each arm's probability of being best, over a floor."""
    return floored(probability_best(arms, rng, draws=draws), floor)


def top_two(
    arms: Sequence[Arm], rng: random.Random, *, floor: float = FLOOR, leader: float = 0.5, draws: int = DRAWS
) -> list[float]:
    """Shares of traffic to find the best arm soonest (Russo 2020): the leader gets `leader`, a challenger the rest."""
    arguments.share("leader", leader)
    best = probability_best(arms, rng, draws=draws)
    if max(best) == 1:
        # No draw left a challenger: the limit is the leader's share, and the rest spread evenly.
        rest = (1 - leader) / (len(arms) - 1)
        return floored([leader if p == 1 else rest for p in best], floor)
    odds = [p / (1 - p) for p in best]
    total = math.fsum(odds)
    return floored([p * (leader + (1 - leader) * (total - o)) for p, o in zip(best, odds, strict=True)], floor)


def floored(shares: Sequence[float], floor: float) -> list[float]:
    """floor + (1 - K floor) share: nobody under the floor, and the shares still sum to 1."""
    _two_or_more(shares)
    arguments.within("floor", floor, 0, 1 / len(shares))
    return [floor + (1 - len(shares) * floor) * share for share in shares]


@dataclass(frozen=True)
class PolicyValue:
    """Turns rewards in [0, 1], logged under shares that adapt, into values whose mean is a policy's value.

    For the bound see Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2024 (arXiv:2210.10768). heaviest: the largest
    weight (policy's share / logged share) that can come, fixed beforehand; 1 / floor suits any policy. reach: how far a
    value may lie below 0; a larger one lets controls be larger.
    """

    heaviest: float
    reach: float = 1.0

    def __post_init__(self) -> None:
        arguments.at_least("heaviest", self.heaviest, 1)
        arguments.positive("reach", self.reach)

    def value(self, weight: float, reward: float, control: float = 0.0, expected: float = 0.0) -> float:
        """control: a guess of the reward, made before it came, cut to what `reach` allows; expected: the mean of the
        controls, cut alike, over the policy's choices."""
        arguments.within("weight", weight, 0, self.heaviest)
        arguments.fraction("reward", reward)
        arguments.within("control", control, 0, self.most)
        arguments.within("expected", expected, 0, self.most)
        return weight * (reward - control) + expected

    @property
    def most(self) -> float:
        """The largest control."""
        return min(1.0, self.reach / self.heaviest)

    def bets(self, null: float) -> Bets:
        """Evidence that the policy's value is above `null`; to be updated with values, at any number of looks."""
        arguments.within("null", null, 0, 1)
        bets = [MOST_AT_STAKE / 2**k / (self.reach + null) for k in range(BETS)]
        return Bets.start(low=-self.reach, high=self.heaviest + self.most, bets=bets, null=null)

    def at_least(self, values: Moments, *, alpha: float, guess: float = 0.5) -> float:
        """Lower confidence sequence of the policy's value, from moments of its values; guess: fixed beforehand."""
        arguments.share("alpha", alpha)
        return max(0.0, bernstein_bound(values, low=-self.reach, guess=guess, alpha=alpha))


def _two_or_more(arms: Sequence[object]) -> None:
    if len(arms) < 2:
        raise ValueError("arms must be two or more")
