"""A processing job's script: do the rows that a model was evaluated on still stand for what its endpoint is asked?

    python holdout.py --holdout DIR --recent CAPTURED --model DIR|model.tar.gz --time COLUMN --output DIR

`holdout.json`, put beside the package's baseline, is what drift detection reads. With --joint, where the baseline was
made of the same rows, `joint.json` too: whether columns go together as they did. A holdout of requests that got a label
is compared with such: --labels. Requests of whole weeks are given, so that night is not compared with day.
"""

import argparse
import hashlib
import heapq
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __package__:
    from training import captured, evaluate, joined, tables
    from training.two_sample import two_sample
else:  # in the container the files lie flat
    import captured
    import evaluate
    import joined
    import tables
    from two_sample import two_sample

import pandas as pd

MOST = 5000  # rows of each side
LEVELS = 50  # a feature of no more different values is taken for a category


def measure(holdout: pd.DataFrame, recent: pd.DataFrame, features: list[str], time: str, seed: int) -> dict[str, Any]:
    """recent: the features and `asked_at`, unix seconds. Raises ValueError on too few rows or a missing column.

    At most MOST rows of the holdout are compared, and `effective` is of those.
    """
    if missing := [name for name in (*features, time) if name not in holdout]:
        raise ValueError(f"the holdout lacks {', '.join(missing)}")
    older = holdout.sample(min(MOST, len(holdout)), random_state=seed)[features].astype(float)
    found = two_sample(older, recent[features].astype(float), seed=seed)
    test = {"auc": found["auc"], "p_value": found["p_value"], "older": len(older), "recent": len(recent)}
    age = float(recent["asked_at"].max() - holdout[time].max())
    new = new_levels(holdout[features], recent[features])
    return {"age": age, "rows": len(older), "test": test, "effective": found["effective"], "new_levels": new}


def new_levels(holdout: pd.DataFrame, recent: pd.DataFrame) -> list[tuple[str, float]]:
    """Of features with few values, the share of recent rows with one that the holdout lacks, where there are any."""
    few = [name for name in holdout if holdout[name].nunique() <= LEVELS]
    shares = {name: float((recent[name].notna() & ~recent[name].isin(holdout[name])).mean()) for name in few}
    return [(name, share) for name, share in shares.items() if share]


def sample(folder: Path, features: list[str], labelled: frozenset[str] | None = None) -> pd.DataFrame:
    """MOST of the captured requests below a folder, drawn evenly by their ids; a retry is the same request, a replayed
    row none. labelled: of the requests with these ids."""
    rows: dict[str, tuple[Any, ...]] = {}
    for id, *values in _requests(folder, len(features)):
        if labelled is None or id in labelled:
            rows.setdefault(id, tuple(values))
    drawn = heapq.nsmallest(MOST, rows, key=lambda id: hashlib.sha256(id.encode()).digest())
    return pd.DataFrame([rows[id] for id in drawn], columns=["asked_at", *features])


def with_label(folder: Path) -> frozenset[str]:
    """Ids of the requests that got a label."""
    lines = (line for path in folder.rglob("*.jsonl") for line in path.read_bytes().splitlines())
    return frozenset(id for id in map(_labelled, lines) if id)


def _requests(folder: Path, columns: int) -> Iterator[tuple[Any, ...]]:
    for path in sorted(folder.rglob("*.jsonl"), key=lambda path: path.relative_to(folder).as_posix()):
        rows = (captured.request_row(path.as_posix(), line, columns) for line in path.read_bytes().splitlines())
        yield from (row for row in rows if len(row) > 1 and not row[0].startswith(joined.PROBES))


def _labelled(line: bytes) -> str:
    try:
        return captured.label(line)[0]
    except captured.Rejected:
        return ""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compare a holdout with recent requests.")
    parser.add_argument("--holdout", type=Path, required=True, help="a folder of .parquet or .csv files")
    parser.add_argument("--recent", type=Path, required=True, help="captured objects of one variant")
    parser.add_argument("--labels", type=Path, help="ground truth: only requests that have a label are compared")
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz, or its folder: the features in order")
    parser.add_argument("--time", required=True, help="the holdout's column of unix seconds")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--joint", action="store_true", help="the baseline was made of these rows: write joint.json")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    features = evaluate.open_artifact(options.model).features
    recent = sample(options.recent, features, with_label(options.labels) if options.labels else None)
    try:
        found = measure(tables.read(options.holdout)[0], recent, features, options.time, options.seed)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if not math.isfinite(found["age"]):
        raise SystemExit(f"--time: {options.time!r} holds no unix seconds")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "holdout.json").write_text(json.dumps(found) + "\n")
    if options.joint:
        (options.output / "joint.json").write_text(json.dumps(found["test"]) + "\n")


if __name__ == "__main__":
    main()
