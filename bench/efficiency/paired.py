"""Paired quality: log-loss differences of two models that see the truth through noise, a look each 10 pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.efficiency import ENOUGH, Row, standard_error
from slipway.stats.paired import LOG_LOSS_BOUND, PROBABILITY_FLOOR, Bets, paired_bets

RISES = (0.01, 0.02, 0.05)
BASELINE_NOISE = 0.3  # standard deviation, in logits
MOST = 1.2
LOOK = 10  # pairs
NULL_PAIRS = 20_000


@dataclass(frozen=True)
class Pairs:
    """A population of log-loss differences, candidate - baseline, and what history says before the test."""

    differences: np.ndarray
    baseline_loss: float
    variance: float  # of the differences between two models of equal quality


def pairs(rise: float) -> Pairs:
    """Both models see the true logits through noise; the candidate through enough to raise its loss by `rise`."""
    rng, size = np.random.default_rng(31), 200_000
    logits = rng.normal(-2.5, 1.8, size)
    labels = rng.random(size) < 1 / (1 + np.exp(-logits))
    noise = rng.normal(size=size)
    baseline = _losses(logits + BASELINE_NOISE * rng.normal(size=size), labels)
    low, high = BASELINE_NOISE / 2, 5.0
    for _ in range(25):
        scale = (low + high) / 2
        worse = _losses(logits + scale * noise, labels).mean() > baseline.mean() * (1 + rise)
        low, high = (low, scale) if worse else (scale, high)
    history = _losses(logits + BASELINE_NOISE * noise, labels) - baseline
    return Pairs(_losses(logits + high * noise, labels) - baseline, float(baseline.mean()), float(history.var()))


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    probabilities = np.clip(1 / (1 + np.exp(-logits)), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return -np.log(np.where(labels, probabilities, 1 - probabilities))


def paired_limit(differences: np.ndarray) -> float:
    """Pairs at which the best bet in hindsight would have reached 1/alpha."""
    bets = np.linspace(0, 0.999 / LOG_LOSS_BOUND, 400)
    return ENOUGH / max(float(np.log1p(bet * differences).mean()) for bet in bets)


def paired_rejection(
    rng: np.random.Generator, population: np.ndarray, bets: tuple[float, ...], most: int
) -> int | None:
    """Pairs at the first look that rejects."""
    state = Bets.start(low=-LOG_LOSS_BOUND, high=LOG_LOSS_BOUND, bets=bets)
    for n in range(LOOK, most + 1, LOOK):
        state = state.update(rng.choice(population, LOOK).tolist())
        if state.log_e >= ENOUGH:
            return n
    return None


def rows(paths: int, null_paths: int) -> Iterator[Row]:
    rng, delays = np.random.default_rng(37), {}
    for rise in RISES:
        p = pairs(rise)
        bets = paired_bets(baseline_loss=p.baseline_loss, variance=p.variance)
        found = [paired_rejection(rng, p.differences, bets, 10**6) for _ in range(paths)]
        delays[f"loss +{rise:.0%}"] = float(np.mean([n or 10**6 for n in found])) / paired_limit(p.differences)
    # Swapping the models half of the time makes the mean difference 0.
    null = np.concatenate([p.differences, -p.differences])
    share = float(np.mean([paired_rejection(rng, null, bets, NULL_PAIRS) is not None for _ in range(null_paths)]))
    yield Row("paired bets", share, standard_error(share, null_paths), delays, dict.fromkeys(delays, MOST))
