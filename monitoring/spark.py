"""The Spark engine, for windows that outgrow one machine: the streaming engine on every partition, then one sum.

Spark 3.5, as in SageMaker's processing container. The executors get our files from the driver.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path

from pyspark import RDD, StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession

from monitoring import stream
from monitoring.columns import ABSENT, Value, plain
from monitoring.stream import BATCH, Quarantine, Quarantined, Tally, Within
from slipway import codec
from slipway.drift.profile import Profile, empty
from slipway.drift.reference import Reference

ROOT = Path(__file__).parents[1]
SHIPPED = ("monitoring/*.py", "slipway/__init__.py", "slipway/codec.py", "slipway/drift/*.py", "slipway/stats/*.py")
SCORE = "score"
Counted = tuple[str, list[Quarantined]]  # a partition's profile, as JSON, and the lines it refuses


def profile(
    session: SparkSession,
    paths: Iterable[str],
    reference: Reference,
    within: Within = None,
    quarantine: Quarantine = lambda _: None,
) -> Profile:
    """As `embedded.profile`; paths: of files or folders, anything Hadoop reads. A path that ends in `.parquet`, or
    in `.parquet/`, is a table."""
    ship(session)
    chosen = sorted(paths)
    parquet = [path for path in chosen if path.rstrip("/").endswith(".parquet")]
    captured = [path for path in chosen if path not in parquet]
    counted = empty(reference)
    if captured:
        counted += total(
            objects(session, captured).mapPartitions(partial(_captured, reference, within)), reference, quarantine
        )
    for table in _tables(session, parquet):
        counted += total(table.rdd.mapPartitions(partial(_table, reference, table.columns)), reference, quarantine)
    return counted


def _tables(session: SparkSession, paths: Sequence[str]) -> Iterator[DataFrame]:
    """As `tables.profile`: together as far as their columns are the same."""
    session.conf.set("spark.sql.legacy.parquet.nanosAsLong", "true")  # as pandas writes times; else Spark refuses them
    alike: dict[str, list[str]] = {}
    for path in paths:
        alike.setdefault(session.read.parquet(path).schema.json(), []).append(path)
    for same in alike.values():
        yield session.read.option("mergeSchema", "true").parquet(*same)


def objects(session: SparkSession, paths: Iterable[str]) -> "RDD[tuple[str, bytes]]":
    """Path and content of each file."""
    context = session.sparkContext
    return context.binaryFiles(",".join(paths), minPartitions=context.defaultParallelism)


def total(parts: "RDD[Counted]", reference: Reference, quarantine: Quarantine) -> Profile:
    """The sum: one partition after the other, in order, each in the driver's memory alone."""
    summed = empty(reference)
    parts.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        parts.count()
        for text, refused in parts.toLocalIterator():
            summed += codec.loads(Profile, text)
            for line in refused:
                quarantine(line)
    finally:
        parts.unpersist()
    return summed


def _captured(reference: Reference, within: Within, objects: Iterable[tuple[str, bytes]]) -> Iterator[Counted]:
    lines = (line for _, content in objects for line in content.split(b"\n"))
    counted, refused = stream.profile(lines, reference, within)
    yield codec.dumps(counted), refused


def _table(reference: Reference, columns: list[str], rows: Iterable[Row]) -> Iterator[Counted]:
    """As `tables.profile`."""
    known = [feature.name for feature in reference.features]
    surplus = sum(name not in {*known, SCORE} for name in columns)
    places = [columns.index(name) if name in columns else None for name in [*known, SCORE]]
    tally, remaining = Tally(reference), iter(rows)
    while batch := list(islice(remaining, BATCH)):
        values = [[ABSENT if place is None else plain(row[place]) for place in places] for row in batch]
        filler: list[Value] = [None] * surplus
        tally.add([[*row[:-1], *filler] for row in values], [row[-1] for row in values], len(batch))
    yield codec.dumps(tally.profile()), []


def ship(session: SparkSession) -> None:
    """Give the executors what they run; the same archive again changes nothing."""
    session.sparkContext.addPyFile(_archive())


@cache
def _archive() -> str:
    if ROOT.is_file():
        return str(ROOT)  # we are running from a zip
    archive = Path(tempfile.mkdtemp()) / "slipway-monitoring.zip"
    with zipfile.ZipFile(archive, "w") as files:
        for path in sorted(path for pattern in SHIPPED for path in ROOT.glob(pattern)):
            files.write(path, path.relative_to(ROOT))
    return str(archive)
