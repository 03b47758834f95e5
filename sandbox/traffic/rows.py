"""A recorded stream of rows, replayed in order of time and from the start again where it ends."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

LABELLED_BY = ("annotator", "policyVersion")  # columns that go along with the label, where a table has them
CHUNK = 512  # rows turned into text at a time: a table's worth of text would take 100 MB and seconds before the start


class Rows:
    """Request number n is row n modulo the length; values are sent with 6 decimals."""

    def __init__(self, parquet: Path, *, target: str, dropped: Sequence[str]) -> None:
        table = pd.read_parquet(parquet)
        self._labels = table[target].to_numpy()
        told = [name for name in LABELLED_BY if name in table]
        self._sources = table[told].to_dict("records") if told else []
        self._values = table.drop(columns=[target, *dropped, *told]).to_numpy(dtype=float)
        self._first, self._lines = -1, [b""]

    def __len__(self) -> int:
        return len(self._labels)

    def line(self, number: int) -> bytes:
        """The features of one request as a line of CSV."""
        index = number % len(self)
        first = index - index % CHUNK
        if first != self._first:
            chunk = self._values[first : first + CHUNK].round(6).tolist()
            self._first, self._lines = first, [",".join(map(repr, row)).encode() for row in chunk]
        return self._lines[index - first]

    def label(self, number: int) -> int:
        return int(self._labels[number % len(self)])

    def source(self, number: int) -> dict[str, str]:
        """Who labels it, and by which policy, where the table tells."""
        return self._sources[number % len(self)] if self._sources else {}
