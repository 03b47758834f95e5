"""`manifest.json`: what a model expects, how good it was, and exactly what it was made from."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

SCHEMA_VERSION = 1
SOURCES = ("evaluate.py", "manifest.py", "metrics.py", "serve.py", "tables.py", "train.py")  # what runs in a job


def features(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Each feature in order: name, type, range seen in training, and whether it may be missing."""
    return [_feature(name, table[name]) for name in table.columns]


def _feature(name: str, values: pd.Series) -> dict[str, Any]:
    present = values.dropna()
    return {
        "name": name,
        "type": "integer" if pd.api.types.is_integer_dtype(values) else "float",
        "min": float(present.min()) if len(present) else None,
        "max": float(present.max()) if len(present) else None,
        "missing_allowed": bool(values.isna().any()),
    }


def data(labels: pd.Series, times: pd.Series | None, sha256: str) -> dict[str, Any]:
    """The training data: rows, positives, digest, and its window in the units of the time column."""
    window = None if times is None else [_plain(times.min()), _plain(times.max())]
    return {"rows": len(labels), "positives": int(labels.sum()), "window": window, "sha256": sha256}


def code_sha256(directory: Path) -> str:
    """Digest of the names and contents of the job's source files."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(name.encode() + b"\0" + (directory / name).read_bytes() + b"\0")
    return digest.hexdigest()


def versions() -> dict[str, str]:
    return {"xgboost_version": xgboost.__version__, "python_version": platform.python_version()}


def _plain(value: Any) -> float | str:
    return float(value) if isinstance(value, int | float | np.number) else str(value)
