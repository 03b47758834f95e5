"""Spark, on a master and two workers, counts as the other engines do."""

import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from monitoring import embedded, spark, stream
from slipway import names
from tests.monitoring.test_engines import assert_same
from tests.monitoring.traffic import LEVELS, NUMBERS, ODDITIES, REFERENCE, WINDOW, line

pytestmark = pytest.mark.spark


def objects(folder: Path) -> list[Path]:
    """Seven captured objects: plain, odd, named and broken records."""
    random.seed(4)
    texts, paths = [*NUMBERS, *ODDITIES, *LEVELS], []
    for number in range(7):
        rows = [",".join(random.choices(texts, k=random.choice([3, 4, 4, 4, 5]))) for _ in range(200)]
        lines = [line(row, random.choice(["0.2", "0.95", "x", ""])) for row in rows]
        lines += [line({"amount": 1, "unknown": [2]}, encoding="JSON"), "{broken", line("1,clerk\n2,nurse,7", "1\n0")]
        lines += [line(inference=f"{names.PROBE_ID}-baseline-1"), line(inference="mine")]
        path = folder / f"{number}.jsonl"
        path.write_bytes("\n".join(lines).encode() + (b"\n\xff\xfe\n" if number == 3 else b""))
        paths.append(path)
    return paths


def test_three_engines_agree_on_captured_objects(cluster: SparkSession, tmp_path: Path) -> None:
    paths = objects(tmp_path)
    refused: dict[str, list[stream.Quarantined]] = {"spark": [], "embedded": []}
    counted = spark.profile(cluster, map(str, paths), REFERENCE, WINDOW, refused["spark"].append)
    here = embedded.profile(paths, REFERENCE, WINDOW, refused["embedded"].append)
    expected, quarantined = stream.profile((raw for p in paths for raw in p.open("rb")), REFERENCE, WINDOW)
    assert_same(counted, expected)
    assert_same(here, expected)
    assert refused["spark"] == refused["embedded"] == quarantined
    assert {"unreadable", "score_count"} <= {one.reason for one in quarantined}


def test_engines_agree_on_tables(cluster: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    columns = {
        "amount": pa.array([1.5, None, float("nan"), float("inf"), -1.0], pa.float32()),
        "job": ["clerk", " it's", None, "3.0", "nurse"],
        "constant": pa.array([7, 7, 8, None, -7], pa.int64()),
        "unknown": [True] * 5,
        "score": [0.1, 0.5, 0.9, None, 2.0],
    }
    pq.write_table(pa.table(columns), path)
    here, there = embedded.profile([path], REFERENCE), spark.profile(cluster, [str(path)], REFERENCE)
    assert_same(here, there)
    assert (here.rows, here.surplus, here.positives, here.columns[3].absent) == (5, 5, 3, 5)


def test_the_executors_are_processes_of_the_workers(cluster: SparkSession) -> None:
    pids = cluster.sparkContext.parallelize(range(4), 4).map(lambda _: os.getppid()).distinct().collect()
    assert len(pids) == 2
