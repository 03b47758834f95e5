"""A processing job's script: a model, measured on a holdout. `compare.py` measures two of them against each other.

    python evaluate.py --model DIR|model.tar.gz --data DIR --output DIR

`evaluation.json` begins with the block that SageMaker's registry reads (`binary_classification_metrics`).
"""

import argparse
import json
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in train.py

import numpy as np
import xgboost

if __package__:
    from training import metrics, tables
else:  # in the container the files lie flat
    import metrics
    import tables


@dataclass(frozen=True)
class Artifact:
    """model: the bytes of model.ubj."""

    booster: xgboost.Booster
    manifest: dict[str, Any]
    model: bytes

    @property
    def features(self) -> list[str]:
        return [feature["name"] for feature in self.manifest["features"]]


def open_artifact(path: Path) -> Artifact:
    """Read a model directory or a `model.tar.gz`; nothing in it is executed. Raises KeyError on a missing member."""
    if path.is_dir():
        archives = list(path.glob("*.tar.gz"))
        if archives:
            return open_artifact(archives[0])
        model, manifest = ((path / name).read_bytes() for name in ("model.ubj", "manifest.json"))
    else:
        with tarfile.open(path) as tar:
            model, manifest = (tar.extractfile(name).read() for name in ("model.ubj", "manifest.json"))
    return Artifact(xgboost.Booster({"nthread": 2}, model_file=bytearray(model)), json.loads(manifest), model)


def measure(artifact: Artifact, directory: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """Labels, scores (both of shape (rows,)) and the holdout's digest. Raises ValueError on a missing column."""
    frame, sha256 = tables.read(directory)
    names, target = artifact.features, artifact.manifest["target"]
    features, labels = tables.split_target(frame, target, [name for name in frame if name not in (target, *names)])
    missing = [name for name in names if name not in features]
    if missing:
        raise ValueError(f"the holdout lacks {', '.join(missing)}")
    return labels.to_numpy(), artifact.booster.predict(xgboost.DMatrix(features[names])), sha256


def evaluate(artifact: Artifact, data: Path) -> dict[str, Any]:
    """The content of evaluation.json."""
    labels, scores, sha256 = measure(artifact, data)
    measured = metrics.all_of(labels, scores)
    return {
        "binary_classification_metrics": {name: {"value": value} for name, value in measured.items()},
        "holdout": {"rows": len(labels), "positives": int(labels.sum()), "sha256": sha256},
        "xgboost_version": artifact.manifest["xgboost_version"],
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("/opt/ml/processing/model"))
    parser.add_argument("--data", type=Path, default=Path("/opt/ml/processing/data"))
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/evaluation"))
    options = parser.parse_args(arguments)
    result = evaluate(open_artifact(options.model), options.data)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
