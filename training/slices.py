"""A holdout in parts, so that a gain on the whole can't hide a loss in one of them."""

from collections.abc import Iterator, Mapping
from typing import Any

if __package__:
    from training.resample import Blocks
else:  # in the container the files lie flat
    from resample import Blocks

import numpy as np
import pandas as pd

LEVELS = 12  # a feature with at most as many distinct values is cut by value
RANGED = 5  # of the other features, as many of the champion's most important ones are cut into thirds


def by_feature(
    rows: pd.DataFrame,
    truth: np.ndarray,
    losses: tuple[np.ndarray, np.ndarray],
    gain: Mapping[str, float],
    blocks: Blocks,
) -> Iterator[dict[str, Any]]:
    """losses: of challenger and champion, shape (rows,); gain: the champion's total gain of a feature."""
    few = [name for name in rows.columns if rows[name].nunique(dropna=False) <= LEVELS]
    many = sorted(set(rows.columns) - set(few), key=lambda name: (-gain.get(name, 0.0), name))[:RANGED]
    for name in (*few, *many):
        for value, inside in _parts(rows[name], by_value=name in few):
            if inside.all():
                continue
            counts = {"rows": int(inside.sum()), "positives": int(truth[inside].sum())}
            yield {"feature": name, "value": value, **counts, "log_loss": blocks.mean(*losses, inside)}


def _parts(values: pd.Series, by_value: bool) -> Iterator[tuple[str, np.ndarray]]:
    column = values.to_numpy(dtype=float)
    if np.isnan(column).any():
        yield "missing", np.isnan(column)
    present = column[~np.isnan(column)]
    if by_value:
        yield from ((f"= {value:g}", column == value) for value in np.unique(present))
        return
    low, high = np.quantile(present, [1 / 3, 2 / 3])
    thirds = [
        (f"below {low:g}", column < low),
        (f"from {low:g} below {high:g}", (column >= low) & (column < high)),
        (f"from {high:g}", column >= high),
    ]
    yield from ((value, inside) for value, inside in thirds if inside.any())
