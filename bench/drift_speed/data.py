"""Tables and captured objects of 30 numbers and 5 categories; one number of the current one has moved."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS, CATEGORIES, LEVELS = 30, 5, 8
FEATURES = (*(f"n{i}" for i in range(NUMBERS)), *(f"c{i}" for i in range(CATEGORIES)))
OBJECT = 10_000  # records of a captured object
SAMPLE = 20_000  # rows: enough to cut a reference
LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%s","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%.6f",'
    '"encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"f04a8538-6a1c-4e5e-9f1b-%012d","inferenceTime":"2026-04-18T00:%02d:%02dZ"},'
    '"eventVersion":"0"}\n'
)
LABEL = (
    '{"groundTruthData":{"data":"%d","encoding":"CSV"},"eventMetadata":{"eventId":"f04a8538-6a1c-4e5e-9f1b-%012d",'
    '"annotator":"ana"},"eventVersion":"0"}\n'
)


def table(rows: int, seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns = {f"n{i}": rng.normal(shift if i == 0 else 0.0, 1.0, rows) for i in range(NUMBERS)}
    names = np.array([f"level{level}" for level in range(LEVELS)])
    levels = {f"c{i}": names[rng.integers(0, LEVELS, rows)] for i in range(CATEGORIES)}
    return pa.table({**columns, **levels, "score": rng.beta(1, 9, rows)})


def write(folder: Path, rows: int) -> None:
    """reference.parquet and a sample of it, current.parquet, the current rows again as captured/*.jsonl.

    labels.jsonl: of the first tenth of them.
    """
    reference = table(rows, 0)
    pq.write_table(reference, folder / "reference.parquet")
    pq.write_table(reference.slice(0, SAMPLE), folder / "sample.parquet")
    current = table(rows, 1, shift=0.1)
    pq.write_table(current, folder / "current.parquet")
    (folder / "captured").mkdir()
    for number, batch in enumerate(current.to_batches(max_chunksize=OBJECT)):
        with (folder / f"captured/{number:05}.jsonl").open("w") as out:
            out.writelines(_lines(batch, number * OBJECT))
    with (folder / "labels.jsonl").open("w") as out:
        out.writelines(LABEL % (at % 10 == 0, at) for at in range(max(OBJECT, rows // 10)))


def _lines(batch: pa.RecordBatch, first: int) -> Iterator[str]:
    columns = [batch.column(name).to_pylist() for name in (*FEATURES, "score")]
    for at, (*values, score) in enumerate(zip(*columns, strict=True), first):
        request = ",".join(f"{value:.6f}" if isinstance(value, float) else value for value in values)
        yield LINE % (request, score, at, at // 60 % 60, at % 60)
