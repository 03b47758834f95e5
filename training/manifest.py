"""`manifest.json`: what a model expects, how good it was, and exactly what it was made from."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

SCHEMA_VERSION = 1
# What runs in a job.
SOURCES = (
    "assemble.py",
    "captured.py",
    "checkpoints.py",
    "compare.py",
    "engines.py",
    "evaluate.py",
    "join.py",
    "joined.py",
    "manifest.py",
    "metrics.py",
    "resample.py",
    "screening.py",
    "serve.py",
    "slices.py",
    "tables.py",
    "train.py",
)


def features(table: pd.DataFrame, missing_allowed: list[str]) -> list[dict[str, Any]]:
    """Each feature in order: name, type, range seen in training, and whether it may be missing.

    May be missing: what was missing in training, and `missing_allowed`. Raises ValueError for one that is no feature.
    """
    if unknown := [name for name in missing_allowed if name not in table]:
        raise ValueError(f"--missing-allowed: no feature {', '.join(unknown)}; the table has {', '.join(table)}")
    return [_feature(name, table[name], name in missing_allowed) for name in table.columns]


def _feature(name: str, values: pd.Series, missing_allowed: bool) -> dict[str, Any]:
    present = values.dropna()
    return {
        "name": name,
        "type": "integer" if pd.api.types.is_integer_dtype(values) else "float",
        "min": float(present.min()) if len(present) else None,
        "max": float(present.max()) if len(present) else None,
        "missing_allowed": missing_allowed or bool(values.isna().any()),
    }


def data(labels: pd.Series, times: list[pd.Series | None], sha256: str) -> dict[str, Any]:
    """The training data: rows, positives, digest; in the units of the time column its window, and what was `seen`.

    times: of the rows trained on and, if there are some, of those that stopping and threshold were chosen on.
    """
    known = [column for column in times if column is not None]
    window = [_plain(known[0].min()), _plain(known[0].max())] if known else None
    seen = [_plain(min(c.min() for c in known)), _plain(max(c.max() for c in known))] if known else None
    return {"rows": len(labels), "positives": int(labels.sum()), "window": window, "seen": seen, "sha256": sha256}


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
