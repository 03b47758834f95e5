"""Can a classifier tell old rows from recent ones? What no single column shows, such as a lost correlation, it sees.

Classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv:1610.06545): XGBoost, scored on rows it was not trained on;
the area under its curve is a Mann-Whitney statistic, whose distribution is known when there is no difference.

python two_sample.py --older A.parquet --recent B.parquet --output two_sample.json
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

FOLDS = 5
PARAMETERS = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.1, "subsample": 0.8, "min_child_weight": 10}
ROUNDS = 60


def two_sample(older: np.ndarray | pd.DataFrame, recent: np.ndarray | pd.DataFrame, *, seed: int) -> dict[str, float]:
    """Rows of the same columns, NaN where missing, categories as pandas' `category`.

    auc and p_value (one-sided: told apart better than by chance); effective: rows that `older` is worth for the
    recent distribution, (sum w)^2 / sum w^2 of density ratios w, at most its own rows. ValueError on too few rows.
    """
    if min(len(older), len(recent)) < 10 * FOLDS:
        raise ValueError(f"older, recent: need at least {10 * FOLDS} rows each, got {len(older)} and {len(recent)}")
    table = pd.concat([pd.DataFrame(older), pd.DataFrame(recent)], ignore_index=True)
    is_recent = np.repeat([0, 1], [len(older), len(recent)])
    fold = np.empty(len(table), int)
    rng = np.random.default_rng(seed)
    for side in (0, 1):
        members = np.flatnonzero(is_recent == side)
        fold[rng.permutation(members)] = np.arange(len(members)) % FOLDS
    odds = np.empty(len(table))
    z, aucs = 0.0, []
    for k in range(FOLDS):
        test = fold == k
        data = xgb.DMatrix(table[~test], is_recent[~test], enable_categorical=True)
        booster = xgb.train(PARAMETERS | {"seed": seed, "nthread": 1}, data, ROUNDS)
        odds[test] = booster.predict(xgb.DMatrix(table[test], enable_categorical=True), output_margin=True)
        auc, error = _auc(odds[test], is_recent[test])
        aucs.append(auc)
        z += (auc - 0.5) / error / math.sqrt(FOLDS)
    weights = np.exp(np.clip(odds[is_recent == 0], -10, 10))
    effective = float(weights.sum() ** 2 / (weights @ weights))
    return {"auc": float(np.mean(aucs)), "p_value": math.erfc(z / math.sqrt(2)) / 2, "effective": effective}


def _auc(odds: np.ndarray, is_recent: np.ndarray) -> tuple[float, float]:
    """Area under the curve, and its standard error when both sides are alike."""
    ranks = pd.Series(odds).rank().to_numpy()
    n, m = int(is_recent.sum()), int((1 - is_recent).sum())
    area = (ranks[is_recent == 1].sum() - n * (n + 1) / 2) / (n * m)
    return float(area), math.sqrt((n + m + 1) / (12 * n * m))


def main() -> None:
    parser = argparse.ArgumentParser(description="Tell old rows from recent ones.")
    parser.add_argument("--older", type=Path, required=True, help="Parquet")
    parser.add_argument("--recent", type=Path, required=True, help="Parquet with the same columns")
    parser.add_argument("--output", type=Path, required=True, help="JSON: auc, p_value, effective, older, recent")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    older, recent = (pd.read_parquet(path) for path in (args.older, args.recent))
    if set(older) != set(recent):
        raise SystemExit(f"--recent: columns differ from --older's: {sorted(set(older) ^ set(recent))}")
    found = two_sample(older, recent[list(older)], seed=args.seed)
    args.output.write_text(json.dumps(found | {"older": len(older), "recent": len(recent)}) + "\n")


if __name__ == "__main__":
    main()
