"""Scores that are no probabilities: how the log-odds of the baseline's labels depend on the score's.

Where a model was trained with weighted classes, say, label - score differs from score to score, and so does its mean
along a feature as soon as other rows come: a shift of the features would pass for one of the concept. So residuals are
taken of the label's probability given the score, log-odds linear in the score's (Cox 1958, Biometrika 45:562; Platt
1999).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

LEAST = 1e-7  # scores are taken as within [LEAST, 1 - LEAST]: what single precision tells from 1
PRIOR = 4.0  # variance of both coefficients about those of calibrated scores: labels that scores tell surely have none
CLEARLY = 13.8  # twice the log-likelihood ratio that two coefficients reach by chance once in a thousand
STEPS = 50


class Group(NamedTuple):
    """Labelled rows whose scores have about these log-odds."""

    log_odds: float
    n: int
    positives: int


def log_odds(score: float) -> float:
    p = min(max(score, LEAST), 1 - LEAST)
    return math.log(p) - math.log1p(-p)


def logistic(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


def fit(groups: Sequence[Group]) -> tuple[float, float]:
    """Slope and intercept of the label's log-odds; 1 and 0 unless the labels clearly say otherwise, and rise with the
    score."""
    slope, intercept = 1.0, 0.0
    found = _log_posterior(groups, slope, intercept)
    taken = found
    for _ in range(STEPS):
        a, b = _newton(groups, slope, intercept)
        while (now := _log_posterior(groups, slope + a, intercept + b)) < found and abs(a) + abs(b) > 1e-9:
            a, b = a / 2, b / 2
        if now <= found:
            break
        slope, intercept, found = slope + a, intercept + b, now
    return (slope, intercept) if slope > 0 and 2 * (found - taken) > CLEARLY else (1.0, 0.0)


def _log_posterior(groups: Sequence[Group], slope: float, intercept: float) -> float:
    parts = [positives * x - n * _softplus(x) for x, n, positives in _placed(groups, slope, intercept)]
    return math.fsum(parts) - ((slope - 1) ** 2 + intercept**2) / 2 / PRIOR


def _newton(groups: Sequence[Group], slope: float, intercept: float) -> tuple[float, float]:
    """One step towards the most likely coefficients."""
    to_slope, to_intercept = (1 - slope) / PRIOR, -intercept / PRIOR
    of_slope, of_both, of_intercept = 1 / PRIOR, 0.0, 1 / PRIOR
    for group, (x, n, positives) in zip(groups, _placed(groups, slope, intercept), strict=True):
        p = logistic(x)
        missing, weight, at = positives - n * p, n * p * (1 - p), group.log_odds
        to_slope += missing * at
        to_intercept += missing
        of_slope += weight * at * at
        of_both += weight * at
        of_intercept += weight
    whole = of_slope * of_intercept - of_both**2
    return (
        (to_slope * of_intercept - to_intercept * of_both) / whole,
        (to_intercept * of_slope - to_slope * of_both) / whole,
    )


def _placed(groups: Sequence[Group], slope: float, intercept: float) -> list[Group]:
    return [Group(intercept + slope * at, n, positives) for at, n, positives in groups]


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
