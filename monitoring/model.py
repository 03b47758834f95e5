"""What a model says of a table: its scores, its features' gain, and rows to replay against an endpoint later.

The artifact is what `training/train.py` makes: `model.ubj` and `manifest.json`. Nothing in it is executed.
"""

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import xgboost

SCORE = "slipway_score"
GOLDEN = 200  # rows; one request when they are replayed
READERS = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


@dataclass(frozen=True)
class Model:
    booster: xgboost.Booster
    manifest: dict[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """In the order of a request."""
        return tuple(feature["name"] for feature in self.manifest["features"])

    @property
    def importances(self) -> dict[str, float]:
        """Total gain of the features it uses."""
        gains = self.booster.get_score(importance_type="total_gain")
        return {name: float(gain) for name, gain in gains.items() if isinstance(gain, float)}


def load(path: Path) -> Model:
    """A `model.tar.gz`, or a folder that holds one. Raises ValueError where there is none."""
    archives = [path] if path.is_file() else sorted(path.glob("*.tar.gz"))
    try:
        with tarfile.open(archives[0]) as archive:
            model, manifest = (_member(archive, name) for name in ("model.ubj", "manifest.json"))
    except (IndexError, KeyError, OSError, tarfile.TarError) as error:
        raise ValueError(f"{path}: no model.tar.gz with model.ubj and manifest.json ({error})") from None
    return Model(xgboost.Booster({"nthread": 2}, model_file=bytearray(model)), json.loads(manifest))


def scored(model: Model, paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of CSV or Parquet files with a column SCORE. Raises ValueError on a missing feature."""
    rows = pd.concat([READERS[path.suffix](path) for path in paths], ignore_index=True)
    if missing := [name for name in model.features if name not in rows]:
        raise ValueError(f"the table lacks {', '.join(missing)}, which the model needs")
    return rows.assign(**{SCORE: model.booster.predict(xgboost.DMatrix(rows[[*model.features]])).astype(float)})


def golden(model: Model, rows: pd.DataFrame, most: int = GOLDEN) -> list[str]:
    """Rows spread evenly over a scored table, each a line of JSON: `row` in the order of a request, and its `score`."""
    chosen = rows.iloc[:: max(1, -(-len(rows) // most))]
    inputs = chosen[[*model.features]].astype(object).where(chosen[[*model.features]].notna(), None)
    pairs = zip(inputs.to_numpy().tolist(), chosen[SCORE], strict=True)
    return [json.dumps({"row": row, "score": score}) for row, score in pairs]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()
