"""Labels of other rows than in the baseline, by scores that are no probabilities: healthy, and with a new policy.

A real model of the bank's contacts, trained with positives that count eight times, and contacts it has not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xgboost

from bench.drift_quality.counting import Counter, Rows
from bench.drift_quality.rules import ours, windows
from bench.drift_quality.worlds import bank_rows
from slipway.drift.calibration import learn
from slipway.drift.findings import Remedy

WEIGHT, DEPTHS, ROUNDS = 8.0, (4, 8), 150
ROWS, WINDOWS, BASELINE = 1000, 8, 27
SEED = 1
Chosen = Callable[[Rows], np.ndarray]
CHOSEN: dict[str, Chosen] = {
    "all rows": lambda rows: np.ones(len(rows), bool),
    "the top fifth of scores": lambda rows: rows.scores > np.quantile(rows.scores, 0.8),
    "older than 45": lambda rows: rows.numbers[:, 0] > 45,
    "three of the jobs": lambda rows: rows.levels[:, 0] < 3,
}


@dataclass(frozen=True)
class Selected:
    """Runs told to do something. taken: though nothing changed, were scores taken as they are; healthy: the same as
    they stand for the baseline's labels. policy: told to label again, of those in which half of the positives are no
    longer called so."""

    model: str
    labels: str
    runs: int
    taken: int
    healthy: int
    policy: int


def rows(runs: int) -> list[Selected]:
    found = []
    for depth in DEPTHS:
        rng = np.random.default_rng([SEED, depth])
        pool, names, levels = _scored(depth, rng)
        counter = Counter.of(pool, names, levels, [1 / len(names)] * len(names))
        plain = replace(counter, reference=replace(counter.reference, slope=1.0, intercept=0.0))
        parts = [pool.take(part) for part in np.array_split(rng.permutation(len(pool)), BASELINE)]
        model = f"{depth} levels deep, positives count {WEIGHT:g} times"
        for labels, chosen in CHOSEN.items():
            healthy, strict = ([_sent(pool, chosen, rng, kept) for _ in range(runs)] for kept in (1.0, 0.5))
            taken = [remedy for remedy in _remedies(plain, parts, healthy) if remedy is not Remedy.NOTHING]
            wrong = [remedy for remedy in _remedies(counter, parts, healthy) if remedy is not Remedy.NOTHING]
            right = [remedy for remedy in _remedies(counter, parts, strict) if remedy is Remedy.RELABEL]
            found.append(Selected(model, labels, runs, len(taken), len(wrong), len(right)))
    return found


def _scored(depth: int, rng: np.random.Generator) -> tuple[Rows, list[str], list[list[str]]]:
    """Half of the contacts of 2008, by a model of the other half."""
    known, names, levels = bank_rows(2008, 2008)
    table = np.column_stack([known.numbers, known.levels])
    old, new = np.array_split(rng.permutation(len(known)), 2)
    settings = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "scale_pos_weight": WEIGHT}
    model = xgboost.train(settings, xgboost.DMatrix(table[old], known.labels[old]), ROUNDS)
    scores = model.predict(xgboost.DMatrix(table[new])).astype(float)
    return replace(known.take(new), scores=scores), names, levels


def _sent(pool: Rows, chosen: Chosen, rng: np.random.Generator, kept: float) -> list[tuple[Rows, Rows]]:
    """Windows of usual traffic, and those of their rows that have labels; kept: of the positives."""
    found = []
    for _ in range(WINDOWS):
        rows = pool.take(rng.integers(len(pool), size=ROWS))
        labelled = rows.take(chosen(rows))
        labels = labelled.labels * (rng.random(len(labelled)) < kept)
        found.append((replace(rows, labels=None), replace(labelled, labels=labels)))
    return found


def _remedies(counter: Counter, parts: list[Rows], runs: list[list[tuple[Rows, Rows]]]) -> list[Remedy]:
    baseline = learn(counter.reference, windows([counter.profile(part) for part in parts]))
    found = []
    for run in runs:
        profiles = [replace(counter.profile(rows), labelled=counter.profile(some).labelled) for rows, some in run]
        found.append(ours(baseline, windows(profiles)).remedy)
    return found
