"""Sums of captured answers and labels, as pairing leaves them: both models see the truth through noise."""

import math
import random
from dataclasses import replace
from functools import cache

from slipway import scores
from slipway.pairsums import ArmSums, PairSums
from slipway.plan import GUARDRAILS, Metric

QUALITY = next(rule for rule in GUARDRAILS if rule.metric is Metric.QUALITY)
MARGINS = {"tolerance": QUALITY.tolerance, "shown": QUALITY.shown}
NOISE = 0.3  # of a good model, in log-odds


def captured(lines: int, invalid: int = 0) -> PairSums:
    """So many lines of both variants; invalid ones are the candidate's."""
    return PairSums(baseline=ArmSums(lines=lines, captured=lines), candidate=ArmSums(lines, lines, invalid))


@cache
def shadow(pairs: int, labels: int = 0, *, noise: float = NOISE, shift: float = 0.0, seed: int = 1) -> PairSums:
    """So many pairs, the first ones labelled; noise, shift: of the candidate's log-odds."""
    rng, total = random.Random(seed), captured(pairs)
    for i in range(pairs):
        truth, baseline, candidate = draw(rng, noise)
        scored = baseline, probability(candidate + shift)
        total += scores.of_pair(*scored, 0.5)
        if i < labels:
            label = int(rng.random() < probability(truth))
            total += scores.of_labelled_pair(*scored, label, 60.0, **MARGINS)
    return total


@cache
def split(requests: int, share: float, *, noise: float = NOISE, labelled: float = 0.6, mine: float = 0.6) -> PairSums:
    """A canary step; labelled, mine: the share of the baseline's and of the candidate's answers that get a label."""
    rng, arms, labels = random.Random(5), [ArmSums(), ArmSums()], 0
    sampled = [0, 0]
    for _ in range(requests):
        truth, baseline, candidate = draw(rng, noise)
        label, is_mine = int(rng.random() < probability(truth)), rng.random() < share
        sampled[is_mine] += 1
        if rng.random() < (mine if is_mine else labelled):
            arms[is_mine] += scores.of_labelled(probability(candidate) if is_mine else baseline, label)
            labels += 1
    b, c = (replace(arm, lines=n, captured=n, sampled=n) for arm, n in zip(arms, sampled, strict=True))
    return PairSums(b, c, delays=(labels, 0, 0, 0, 0, 0))


def draw(rng: random.Random, noise: float) -> tuple[float, float, float]:
    """The true log-odds, the baseline's score, the candidate's log-odds."""
    truth = rng.gauss(-1.5, 2.0)
    return truth, probability(truth + rng.gauss(0, NOISE)), truth + rng.gauss(0, noise)


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
