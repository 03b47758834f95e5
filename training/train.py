"""SageMaker script-mode training: a table in, a model artifact with its manifest and its serving code out.

Same data, same hyperparameters, same thread count: the same bytes, also where the job was interrupted and resumed.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# OpenMP reads this once, when XGBoost is loaded. Threads that spin while they wait make a run five times longer on
# cores that others use too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pandas as pd
import xgboost

if __package__:
    from training import checkpoints, manifest, metrics, tables
else:  # in the container the files lie flat
    import checkpoints
    import manifest
    import metrics
    import tables

HERE = Path(__file__).parent
FLOATS = {
    "eta": 0.1,
    "subsample": 0.8,
    "colsample-bytree": 0.8,
    "min-child-weight": 1.0,
    "lambda": 1.0,
    "scale-pos-weight": 1.0,
}


PLACES = ("train", "validation", "model_dir", "checkpoint_dir")
NOT_OF_THE_MODEL = (*PLACES, "_tuning_objective_metric")
Rows = tuple[pd.DataFrame, pd.Series]  # features, labels


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="the column to predict, 0 or 1")
    parser.add_argument("--drop", default="", help="columns to leave out, separated by commas")
    parser.add_argument("--time-column", default="", help="left out too; its range is recorded as the data's window")
    parser.add_argument("--max-depth", type=int, default=4)
    parser.add_argument("--num-round", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--nthread", type=int, default=2, help="fixed: another count may round differently")
    parser.add_argument("--early-stopping-rounds", type=int, default=0, help="0: off; needs a validation channel")
    parser.add_argument("--base-score", type=float, default=None, help="default: estimated from the labels")
    parser.add_argument("--threshold", type=float, default=None, help="default: best F1 on validation, or 0.5")
    parser.add_argument("--missing-allowed", default="", help="features that may be missing besides those that were")
    parser.add_argument("--_tuning_objective_metric", help="SageMaker tells it to the jobs of a tuning job")
    for name, default in FLOATS.items():
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--checkpoint-dir", type=Path, default=_mounted(checkpoints.DIRECTORY))
    options = parser.parse_args(arguments)
    if not options.train or not options.model_dir:
        parser.error("SM_CHANNEL_TRAIN and SM_MODEL_DIR (or --train and --model-dir) must be set")
    if options.early_stopping_rounds and not options.validation:
        parser.error("--early-stopping-rounds needs a validation channel")
    return options


def _mounted(directory: Path) -> Path | None:
    """SageMaker makes the directory where the job has a CheckpointConfig."""
    return directory if directory.is_dir() else None


def load(directory: Path, options: argparse.Namespace) -> tuple[pd.DataFrame, pd.Series, pd.Series | None, str]:
    """Features, labels, times (None without a time column) and the digest of one channel."""
    frame, sha256 = tables.read(directory)
    dropped = [name for name in (*options.drop.split(","), options.time_column) if name]
    features, labels = tables.split_target(frame, options.target, dropped)
    return features, labels, frame[options.time_column] if options.time_column else None, sha256


def fit(train: Rows, validation: Rows | None, options: argparse.Namespace, sha256: list[str]) -> xgboost.Booster:
    """sha256: digests of the channels, so that no checkpoint of other data is taken up."""
    parameters: dict[str, Any] = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name in FLOATS}
    parameters |= {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}
    parameters |= {"max_depth": options.max_depth, "seed": options.seed, "nthread": options.nthread}
    if options.base_score is not None:
        parameters["base_score"] = options.base_score
    kept = None
    if options.checkpoint_dir:
        made_of = checkpoints.fingerprint(parameters, sha256, options.drop, options.target, options.time_column)
        kept = checkpoints.Checkpoints(options.checkpoint_dir, made_of)
    return checkpoints.boost(
        parameters,
        xgboost.DMatrix(*train),
        xgboost.DMatrix(*validation) if validation else None,
        options.num_round,
        options.early_stopping_rounds,
        kept,
    )


def measure(booster: xgboost.Booster, train: Rows, validation: Rows | None) -> tuple[dict[str, Any], float]:
    """Metrics by channel and the operating threshold (0.5 where nothing was held out to choose it on)."""
    fitted = booster.predict(xgboost.DMatrix(train[0]))
    measured, threshold = {"train": metrics.all_of(train[1], fitted)}, 0.5
    if validation:
        scores = booster.predict(xgboost.DMatrix(validation[0]))
        measured["validation"] = metrics.all_of(validation[1], scores)
        threshold = metrics.best_f1_threshold(validation[1].to_numpy(), scores)
    return measured, threshold


def save(directory: Path, booster: xgboost.Booster, description: dict[str, Any]) -> None:
    (directory / "code").mkdir(parents=True, exist_ok=True)
    booster.save_model(directory / "model.ubj")
    (directory / "manifest.json").write_text(json.dumps(description, indent=1) + "\n")
    shutil.copyfile(HERE / "serve.py", directory / "code" / "serve.py")


def main(arguments: list[str]) -> dict[str, Any]:
    """Train, save the artifact, return its manifest. Raises ValueError where the data is not as promised."""
    options = parse(arguments)
    features, labels, times, sha256 = load(options.train, options)
    if labels.nunique() < 2:
        raise ValueError(f"the target {options.target!r} has one class only")
    held_out, seen, digests = None, [times], [sha256]
    if options.validation:
        *held_out, late, digest = load(options.validation, options)
        seen, digests = [times, late], [sha256, digest]
        if list(held_out[0].columns) != list(features.columns):
            raise ValueError("the validation channel has other columns than the train channel")
    allowed = [name for name in options.missing_allowed.split(",") if name]
    booster = fit((features, labels), held_out, options, digests)
    measured, threshold = measure(booster, (features, labels), held_out)
    description = {
        "schema_version": manifest.SCHEMA_VERSION,
        "features": manifest.features(features, allowed),
        "target": options.target,
        "threshold": threshold if options.threshold is None else options.threshold,
        "metrics": measured,
        "data": manifest.data(labels, seen, sha256),
        "code_sha256": manifest.code_sha256(HERE),
        **manifest.versions(),
        "hyperparameters": {name: value for name, value in vars(options).items() if name not in NOT_OF_THE_MODEL},
    }
    save(options.model_dir, booster, description)
    return description


if __name__ == "__main__":
    # SageMaker reads metrics from the log by regular expression: `validation:auc=([0-9.]+)`.
    for part, values in main(sys.argv[1:])["metrics"].items():
        for name, value in values.items():
            sys.stdout.write(f"{part}:{name}={value:.6f}\n")
