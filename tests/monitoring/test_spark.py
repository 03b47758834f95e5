"""Spark, on a master and two workers, counts as the other engines do."""

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from monitoring import embedded, labelled, labels, spark, spark_labels, stream
from slipway import names
from tests.monitoring.same import assert_same, assert_same_labels
from tests.monitoring.traffic import LEVELS, NOON, NUMBERS, ODDITIES, REFERENCE, WINDOW, line

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


def truths(folder: Path) -> list[Path]:
    """Four objects of labels: of ids, of events, twice, changed, late, by many annotators, and broken."""
    random.seed(5)
    paths = []
    for hour in range(13, 17):
        path = folder / f"2026/04/18/{hour}/30-00-000-l.jsonl"
        path.parent.mkdir(parents=True)
        told = [(f"{kind}{random.randrange(400)}", str(random.randrange(2))) for kind in "ie" for _ in range(300)]
        told += [*told[:20], ("i1", "x"), ("i2", "1\n0")]
        texts = [truth(id, label, f"a{random.randrange(60)}") for id, label in told]
        path.write_text("\n".join([*texts, "{broken", '{"eventMetadata": {}}']))
        paths.append(path)
    return paths


def truth(id: str, label: str, annotator: str) -> str:
    metadata = {"eventId": id, "annotator": annotator, "policyVersion": "2"}
    return json.dumps({"groundTruthData": {"data": label, "encoding": "CSV"}, "eventMetadata": metadata})


def identified(folder: Path) -> list[Path]:
    """Five captured objects whose records have an id, an event or both; some come twice."""
    random.seed(6)
    paths = []
    for number in range(5):
        lines = []
        for _ in range(150):
            id, event = (f"{kind}{random.randrange(400)}" for kind in "ie")
            score, row = random.choice(["0.2", "0.95", "x", "0.4\n0.6"]), f"{random.gauss(0, 3):.3f},clerk,7,2"
            row = f"{row}\n{row}" if "\n" in score else row
            lines.append(line(row, score, inference=random.choice([id, id, ""]), event=random.choice([event, ""])))
        path = folder / f"{number}.jsonl"
        path.write_text("\n".join([*lines, "{broken"]))
        paths.append(path)
    return paths


def test_spark_joins_labels_as_one_process_does(cluster: SparkSession, tmp_path: Path) -> None:
    paths, given, until = identified(tmp_path), truths(tmp_path), NOON + 4 * 3600
    refused: dict[str, list[stream.Quarantined]] = {"spark": [], "here": []}
    counted = spark_labels.profile(
        cluster, map(str, paths), map(str, given), REFERENCE, until, WINDOW, refused["spark"].append
    )
    objects = ((labels.collected(path.as_posix()), path.open("rb")) for path in given)
    histories = labels.read(objects, until, refused["here"].append)
    expected = labelled.profile(
        (raw for path in paths for raw in path.open("rb")), histories, REFERENCE, WINDOW, refused["here"].append
    )
    assert_same(counted, replace(expected, labelled=counted.labelled))
    assert_same_labels(counted.labelled, expected.labelled)
    assert sorted(refused["spark"]) == sorted(refused["here"])
    assert expected.labelled.n > 200
    assert {one.reason for one in expected.labelled.rejected} == {"label_count", "class", "no_score"}
    assert len(expected.labelled.sources) == labelled.MOST_SOURCES + 1


def test_without_labels_the_join_is_the_count(cluster: SparkSession, tmp_path: Path) -> None:
    paths = [str(path) for path in identified(tmp_path)]
    counted = spark_labels.profile(cluster, paths, [], REFERENCE, NOON + 3600, WINDOW)
    assert counted == spark.profile(cluster, paths, REFERENCE, WINDOW)


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


def test_engines_agree_on_tables_of_other_columns_and_types(cluster: SparkSession, tmp_path: Path) -> None:
    stamps = pa.array([1, 2], pa.timestamp("ns"))
    tables = [
        {"amount": pa.array([1, 2], pa.int64()), "constant": [7.0, 7.5], "score": [0.1, 0.9], "at": stamps},
        {"amount": [1.5, None], "constant": pa.array([7, 8], pa.int32()), "score": [0.1, float("nan")]},
        {"amount": ["x", "2"], "job": ["clerk", None], "score": pa.array([0.1, 0.7], pa.float32())},
    ]
    for at, table in enumerate(tables):
        pq.write_table(pa.table(table), tmp_path / f"{at}.parquet")
    paths = sorted(tmp_path.iterdir())
    here, there = embedded.profile(paths, REFERENCE), spark.profile(cluster, map(str, paths), REFERENCE)
    assert_same(here, there)
    assert (here.rows, here.surplus, here.columns[1].absent) == (6, 2, 4)


def test_the_executors_are_processes_of_the_workers(cluster: SparkSession) -> None:
    pids = cluster.sparkContext.parallelize(range(4), 4).map(lambda _: os.getppid()).distinct().collect()
    assert len(pids) == 2
