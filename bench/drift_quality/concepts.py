"""Labels that change while features and scores stay: a world with a model that was right."""

from collections.abc import Callable

import numpy as np

from bench.drift_quality.counting import Counter, Rows

FEATURES = 12
WEIGHTS = np.array([0.9, -0.7, 0.5, 0.4, -0.3, 0.2, *[0.0] * (FEATURES - 6)])
Odds = Callable[[np.ndarray, np.ndarray], np.ndarray]
Relabel = Callable[[Rows, np.random.Generator], np.ndarray]


def _unchanged(x: np.ndarray, odds: np.ndarray) -> np.ndarray:
    return odds


CONCEPTS: dict[str, Odds] = {
    # the strongest feature now says the opposite
    "concept flip": lambda x, odds: odds - 2 * WEIGHTS[0] * x[:, 0],
    # the second strongest says half of what it said
    "concept weak": lambda x, odds: odds - 0.5 * WEIGHTS[1] * x[:, 1],
    # an eighth of the rows has other odds
    "concept segment": lambda x, odds: odds + 1.2 * (x[:, 7] > 1.15),
}


def policy(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    """One positive in ten is no longer called one."""
    return np.where(rng.random(len(rows)) < 0.1, 0.0, rows.labels)


def borderline(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    """Where the score is about .5, half of the negatives are called positive."""
    doubtful = (np.abs(rows.scores - 0.5) < 0.07) & (rng.random(len(rows)) < 0.5)
    return np.where(doubtful, 1.0, rows.labels)


POLICIES: dict[str, Relabel] = {"label policy": policy, "label borderline": borderline}


def draw(n: int, rng: np.random.Generator, name: str = "") -> Rows:
    """Rows with scores and labels, as usual or as `name` has it."""
    x = rng.normal(size=(n, FEATURES))
    odds = x @ WEIGHTS - 0.8
    scores = 1 / (1 + np.exp(-odds))
    truth = 1 / (1 + np.exp(-CONCEPTS.get(name, _unchanged)(x, odds)))
    rows = Rows(x, np.zeros((n, 0), int), scores, (rng.random(n) < truth).astype(float))
    return Rows(x, rows.levels, scores, POLICIES[name](rows, rng)) if name in POLICIES else rows


def counter(rows: Rows) -> Counter:
    return Counter.of(rows, [f"x{i}" for i in range(FEATURES)], [], [1 / FEATURES] * FEATURES)


def log_loss_z(reference: Rows, rows: Rows) -> bool:
    """Mean log-loss against the baseline's, z beyond its .001 quantile."""
    a, b = _loss(reference), _loss(rows)
    z = (b.mean() - a.mean()) / np.sqrt(a.var() / len(a) + b.var() / len(b))
    return bool(z > 3.09)


def model_quality(reference: Rows, rows: Rows) -> bool:
    """Model Monitor's model quality as its baseline job suggests it: any metric worse than the baseline's value."""
    return any(now < then for now, then in zip(_metrics(rows), _metrics(reference), strict=True))


def _loss(rows: Rows) -> np.ndarray:
    return -np.where(rows.labels > 0, np.log(rows.scores), np.log1p(-rows.scores))


def _metrics(rows: Rows) -> list[float]:
    """Accuracy, precision, recall and area under the curve."""
    called, positive = rows.scores >= 0.5, rows.labels > 0
    ranks = np.argsort(np.argsort(rows.scores)) + 1
    k, n = positive.sum(), len(positive)
    auc = (ranks[positive].sum() - k * (k + 1) / 2) / (k * (n - k))
    hits = (called & positive).sum()
    return [float((called == positive).mean()), hits / max(1, called.sum()), hits / max(1, k), float(auc)]
