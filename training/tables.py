"""Reading a channel: every CSV and Parquet file in a directory, in name order, as one table."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

READERS = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


def read(directory: Path) -> tuple[pd.DataFrame, str]:
    """The rows and the SHA-256 of the files' bytes. Raises ValueError: no files, or files with different columns."""
    files = sorted(path for path in directory.rglob("*") if path.suffix in READERS)
    if not files:
        raise ValueError(f"no .csv or .parquet file in {directory}")
    frames = [READERS[path.suffix](path) for path in files]
    for path, frame in zip(files, frames, strict=True):
        if list(frame.columns) != list(frames[0].columns):
            raise ValueError(f"{path.name} has other columns than {files[0].name}")
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return pd.concat(frames, ignore_index=True), digest.hexdigest()


def split_target(frame: pd.DataFrame, target: str, dropped: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    """Features (numbers, in the table's order) and labels (0 or 1). Raises ValueError naming the column at fault."""
    for name in (target, *dropped):
        if name not in frame.columns:
            raise ValueError(f"no column {name!r}; the table has {', '.join(frame.columns)}")
    labels = frame[target]
    if not labels.isin([0, 1]).all():
        raise ValueError(f"the target {target!r} must be 0 or 1 in every row")
    features = frame.drop(columns=[target, *dropped])
    text = [name for name in features.columns if not pd.api.types.is_numeric_dtype(features[name])]
    if text:
        raise ValueError(f"features must be numbers; encode or --drop {', '.join(text)}")
    infinite = [name for name in features.columns if np.isinf(features[name].to_numpy(dtype=np.float32)).any()]
    if infinite:
        raise ValueError(f"infinite values, or too large for 32 bits, in {', '.join(infinite)}")
    return features, labels.astype(int)
