"""One of our engines on prepared files: `python -m bench.drift_speed.case NAME FOLDER`."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.drift_speed import measure
from slipway import codec
from slipway.drift.reference import Reference


def table(folder: Path, copies: int) -> Callable[[], int]:
    from monitoring import tables

    reference = codec.loads(Reference, (folder / "reference.json").read_text())
    return lambda: tables.profile([folder / "current.parquet"] * copies, reference).rows


def captured(folder: Path) -> Callable[[], int]:
    from monitoring import embedded

    reference = codec.loads(Reference, (folder / "reference.json").read_text())
    return lambda: embedded.profile((folder / "captured").iterdir(), reference).records


def streamed(folder: Path) -> Callable[[], int]:
    """The first tenth of the objects, one after the other as a Lambda function gets them."""
    from monitoring import stream

    reference = codec.loads(Reference, (folder / "reference.json").read_text())
    objects = sorted((folder / "captured").iterdir())

    def work() -> int:
        records = 0
        for path in objects[: max(1, len(objects) // 10)]:
            with path.open("rb") as lines:
                records += stream.profile(lines, reference)[0].records
        return records

    return work


def labelled(folder: Path) -> Callable[[], int]:
    """The first tenth of the objects, one after the other, and their labels, in memory."""
    from monitoring import labelled, labels

    reference = codec.loads(Reference, (folder / "reference.json").read_text())
    objects = sorted((folder / "captured").iterdir())
    chosen = objects[: max(1, len(objects) // 10)]

    def work() -> int:
        with (folder / "labels.jsonl").open("rb") as truth:
            histories = labels.read([(0.0, truth)], math.inf)
        lines = (line for path in chosen for line in path.open("rb"))
        return labelled.profile(lines, histories, reference).labelled.n

    return work


def baseline(folder: Path) -> Callable[[], int]:
    from bench.drift_speed.data import FEATURES
    from monitoring import baseline

    plan = baseline.Plan("bench", FEATURES, "score")
    return lambda: sum(window.rows for window in baseline.build([folder / "reference.parquet"], plan).windows)


CASES: dict[str, Callable[[Path], Callable[[], Any]]] = {
    "parquet": lambda folder: table(folder, 1),
    "parquet x10": lambda folder: table(folder, 10),
    "captured": captured,
    "streamed": streamed,
    "labelled": labelled,
    "baseline": baseline,
}

if __name__ == "__main__":
    measure.report(CASES[sys.argv[1]](Path(sys.argv[2])))
