"""The holdout against recent rows: no change, a correlation alone that goes, and a growing shift."""

from dataclasses import dataclass

import numpy as np

from slipway.drift.eval import evaluation
from slipway.drift.findings import Holdout, Settings, TwoSample
from training.two_sample import two_sample

ROWS, FEATURES, CORRELATION = 2000, 10, 0.7


@dataclass(frozen=True)
class Held:
    what: str
    runs: int
    alarms: int
    auc: float
    effective: float


def rows(runs: int) -> list[Held]:
    cases = {"no change": (CORRELATION, 0.0), "correlation only": (0.0, 0.0)}
    cases |= {f"shift {by:g} sigma": (CORRELATION, by) for by in (0.25, 0.5, 1.0)}
    return [_case(what, runs if what == "no change" else max(2, runs // 4), *how) for what, how in cases.items()]


def _case(what: str, runs: int, correlation: float, shift: float) -> Held:
    alarms, aucs, worth = 0, [], []
    for seed in range(runs):
        rng = np.random.default_rng([seed, len(what)])
        older, recent = _draw(rng, CORRELATION, 0.0), _draw(rng, correlation, shift)
        found = two_sample(older, recent, seed=seed)
        test = TwoSample(found["auc"], found["p_value"], len(older), len(recent))
        holdout = Holdout(0.0, ROWS, test, found["effective"])
        alarms += any(finding.alarming for finding in evaluation(holdout, Settings(), Settings().alpha * 0.05))
        aucs.append(found["auc"])
        worth.append(found["effective"] / ROWS)
    return Held(what, runs, alarms, float(np.mean(aucs)), float(np.mean(worth)))


def _draw(rng: np.random.Generator, correlation: float, shift: float) -> np.ndarray:
    """Pairs of correlated columns; each column alone is standard normal, but for the first one's shift."""
    x = rng.normal(size=(ROWS, FEATURES))
    x[:, 1::2] = correlation * x[:, ::2] + np.sqrt(1 - correlation**2) * x[:, 1::2]
    x[:, 0] += shift
    return x
