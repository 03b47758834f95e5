"""A processing job's script: a challenger against the champion on the same fresh holdout, as sums the gate decides on.

    python compare.py --challenger DIR|model.tar.gz --champion DIR|model.tar.gz --data DIR --output DIR

`comparison.json` holds each metric of both models with the standard error of their difference. Rows are cut, in order
of time, into blocks that are taken as independent (resample.py).
"""

import argparse
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__:
    from training import evaluate, metrics, slices, tables
    from training.resample import Blocks, Calibration, Ranking
else:  # in the container the files lie flat
    import evaluate
    import metrics
    import slices
    import tables
    from resample import Blocks, Calibration, Ranking

import numpy as np
import pandas as pd
import xgboost

LEFT_OUT = 0.1  # of the cells that may be missing
LATENCY_ROUNDS, LATENCY_ROWS = 10, 30


@dataclass(frozen=True)
class Scored:
    """A model and its scores of the holdout, shape (rows,); a score that is no probability counts as .5."""

    artifact: evaluate.Artifact
    scores: np.ndarray
    invalid: int

    @classmethod
    def of(cls, artifact: evaluate.Artifact, rows: pd.DataFrame) -> "Scored":
        """Raises ValueError where the holdout lacks a feature."""
        if missing := [name for name in artifact.features if name not in rows]:
            raise ValueError(f"the holdout lacks {', '.join(missing)}")
        raw = artifact.booster.predict(xgboost.DMatrix(rows[artifact.features])).astype(float)
        valid = (raw >= 0) & (raw <= 1)
        return cls(artifact, np.where(valid, raw, 0.5), int((~valid).sum()))

    @property
    def positive(self) -> np.ndarray:
        return self.scores >= self.artifact.manifest["threshold"]


def compare(
    challenger: evaluate.Artifact,
    champion: evaluate.Artifact,
    data: Path,
    *,
    time_column: str = "event_time",
    costs: tuple[float, float] | None = None,
    seed: int = 7,
) -> dict[str, Any]:
    """The content of comparison.json. costs: of a false positive and a false negative.

    Without costs they are (t, 1 - t), t the champion's threshold: under these a calibrated model decides best at t.
    Raises ValueError: a column is missing, one class only, or the two predict different targets.
    """
    frame, sha256 = tables.read(data)
    if time_column not in frame:
        raise ValueError(f"the holdout lacks its time column {time_column!r}")
    target = champion.manifest["target"]
    if challenger.manifest["target"] != target:
        raise ValueError(f"the challenger predicts {challenger.manifest['target']!r}, the champion {target!r}")
    frame = frame.sort_values(time_column, kind="stable", ignore_index=True)
    rows, labels = tables.split_target(frame, target, [time_column])
    truth = labels.to_numpy()
    if not 0 < truth.sum() < len(truth):
        raise ValueError(f"the holdout of {len(truth)} rows has one class only")
    new, old = Scored.of(challenger, rows), Scored.of(champion, rows)
    blocks = Blocks.of(len(frame), np.random.default_rng(seed))
    threshold = min(max(float(champion.manifest["threshold"]), 0.001), 0.999)
    charged = costs or (threshold, 1 - threshold)
    latencies = _latencies(rows, new, old)
    gain = old.artifact.booster.get_score(importance_type="total_gain")
    losses = metrics.log_losses(truth, new.scores), metrics.log_losses(truth, old.scores)
    return {
        "holdout": _holdout(frame[time_column], truth, sha256, blocks),
        "challenger": _model(new, time_column, latencies[0]),
        "champion": _model(old, time_column, latencies[1]),
        "costs": list(charged),
        "log_loss": blocks.mean(*losses),
        "brier": blocks.mean((new.scores - truth) ** 2, (old.scores - truth) ** 2),
        **_resampled(truth, new, old, blocks),
        "cost": blocks.mean(_cost(truth, new, charged), _cost(truth, old, charged)),
        "changed": float((new.positive != old.positive).mean()),
        "slices": list(slices.by_feature(rows[old.artifact.features], truth, losses, gain, blocks)),
        "missing": _missing(rows, truth, new, old, blocks, np.random.default_rng(seed)),
    }


def _holdout(times: pd.Series, truth: np.ndarray, sha256: str, blocks: Blocks) -> dict[str, Any]:
    span = {"since": float(times.iloc[0]), "until": float(times.iloc[-1])}
    return {"rows": len(truth), "positives": int(truth.sum()), **span, "sha256": sha256, "blocks": blocks.large}


def _model(scored: Scored, time_column: str, latency_ms: float) -> dict[str, Any]:
    manifest = scored.artifact.manifest
    known = manifest.get("hyperparameters", {}).get("time_column") == time_column
    data = manifest["data"]
    return {
        "sha256": hashlib.sha256(scored.artifact.model).hexdigest(),
        "bytes": len(scored.artifact.model),
        "xgboost_version": manifest["xgboost_version"],
        "features": scored.artifact.features,
        "missing_allowed": [feature["name"] for feature in manifest["features"] if feature["missing_allowed"]],
        "threshold": float(manifest["threshold"]),
        "positive_share": float(scored.positive.mean()),
        "latency_ms": latency_ms,
        "invalid": scored.invalid,
        "window": data.get("seen", data["window"]) if known else None,
    }


def _cost(truth: np.ndarray, scored: Scored, costs: tuple[float, float]) -> np.ndarray:
    wrong = scored.positive != (truth == 1)
    return np.where(wrong, np.where(truth == 1, costs[1], costs[0]), 0.0)


def _resampled(truth: np.ndarray, new: Scored, old: Scored, blocks: Blocks) -> dict[str, Any]:
    """Ranking and calibration of both models on the same resamples."""
    ranked = [Ranking.of(truth, model.scores, blocks) for model in (new, old)]
    calibrated = [Calibration.of(truth, model.scores, blocks) for model in (new, old)]
    return {
        "auc": blocks.bootstrap(*(ranking.auc for ranking in ranked)),
        "pr_auc": blocks.bootstrap(*(ranking.average_precision for ranking in ranked)),
        "calibration": blocks.bootstrap(*(calibration.error for calibration in calibrated)),
    }


def _missing(
    rows: pd.DataFrame, truth: np.ndarray, new: Scored, old: Scored, blocks: Blocks, rng: np.random.Generator
) -> dict[str, Any] | None:
    """Log-loss with LEFT_OUT of the cells missing that both models say may be; None where none may."""
    allowed = [_model_may_miss(model) for model in (new, old)]
    columns = [name for name in old.artifact.features if name in allowed[0] and name in allowed[1]]
    if not columns:
        return None
    thinned = rows.astype(dict.fromkeys(columns, float))
    thinned[columns] = thinned[columns].mask(rng.random((len(rows), len(columns))) < LEFT_OUT)
    scores = [Scored.of(model.artifact, thinned).scores for model in (new, old)]
    return blocks.mean(*(metrics.log_losses(truth, score) for score in scores))


def _model_may_miss(scored: Scored) -> set[str]:
    return {feature["name"] for feature in scored.artifact.manifest["features"] if feature["missing_allowed"]}


def _latencies(rows: pd.DataFrame, *models: Scored) -> list[float]:
    """Milliseconds of a single row on one thread, as in serving: the median of a round, of the quietest round.

    The models take turns, so that a busy machine slows all of them.
    """
    medians: list[list[float]] = [[] for _ in models]
    for _ in range(LATENCY_ROUNDS):
        for model, kept in zip(models, medians, strict=True):
            kept.append(float(np.median(_round(model, rows))))
    return [min(kept) for kept in medians]


def _round(model: Scored, rows: pd.DataFrame) -> list[float]:
    booster = model.artifact.booster
    matrix = rows[model.artifact.features].iloc[:LATENCY_ROWS].to_numpy(dtype=np.float32)
    booster.set_param({"nthread": 1})
    taken = []
    for row in matrix:
        begun = time.perf_counter()
        booster.inplace_predict(row[None], validate_features=False)
        taken.append(1000 * (time.perf_counter() - begun))
    booster.set_param({"nthread": 2})
    return taken


def main(arguments: list[str]) -> None:
    base = Path("/opt/ml/processing")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("challenger", "champion", "data"):
        parser.add_argument(f"--{name}", type=Path, default=base / name)
    parser.add_argument("--output", type=Path, default=base / "comparison")
    parser.add_argument("--time-column", default="event_time")
    parser.add_argument("--costs", type=float, nargs=2, metavar=("FALSE_POSITIVE", "FALSE_NEGATIVE"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    artifacts = [evaluate.open_artifact(path) for path in (options.challenger, options.champion)]
    costs = tuple(options.costs) if options.costs else None
    result = compare(*artifacts, options.data, time_column=options.time_column, costs=costs, seed=options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "comparison.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
