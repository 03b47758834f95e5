"""The join of labels on Spark: what `monitoring.labelled` does in one process, with nothing whole in one memory.

Requests meet their labels by inferenceId; those that find none there, by eventId.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from monitoring import labels, spark, stream
from monitoring.labelled import MOST_SOURCES, Losses, most_frequent
from monitoring.labels import History, Label
from monitoring.records import Reason, Record
from monitoring.stream import Quarantine, Quarantined, Tally, Within
from slipway import codec
from slipway.drift.profile import Profile, empty
from slipway.drift.reference import Reference

if TYPE_CHECKING:
    from pyspark import RDD

Read = tuple[str, Label | None, str]  # a request's id and label; or, without one, a line that holds none


def profile(
    session: SparkSession,
    captured: Iterable[str],
    truths: Iterable[str],
    reference: Reference,
    until: float,
    within: Within = None,
    quarantine: Quarantine = lambda _: None,
) -> Profile:
    """As `labelled.profile` of `labels.read`. captured, truths: paths of files, anything Hadoop reads."""
    paths, given = sorted(captured), sorted(truths)
    counted = spark.profile(session, paths, reference, within, quarantine)
    if not (paths and given):
        return counted
    read = spark.objects(session, given).mapPartitions(partial(_labels, until)).persist(StorageLevel.MEMORY_AND_DISK)
    for _, _, line in read.filter(lambda one: one[1] is None).toLocalIterator():
        quarantine(Quarantined(Reason.UNREADABLE, line))
    histories = read.flatMap(_known).groupByKey().mapValues(labels.history)
    records = spark.objects(session, paths).mapPartitions(partial(_records, reference, within))
    losses = _joined(records, histories).mapPartitions(partial(_losses, reference))
    summed = spark.total(losses, reference, quarantine).labelled
    read.unpersist()
    return replace(counted, labelled=replace(summed, sources=most_frequent(summed.sources, MOST_SOURCES)))


def _joined(records: "RDD[tuple[str, Record]]", histories: "RDD[tuple[str, History]]") -> "RDD[tuple[Record, History]]":
    by_id = records.leftOuterJoin(histories).values().persist(StorageLevel.MEMORY_AND_DISK)
    found = by_id.flatMap(_found)
    left = by_id.filter(lambda pair: pair[1] is None and bool(pair[0].id and pair[0].event))
    by_event = left.map(lambda pair: (pair[0].event, pair[0])).join(histories).values()
    return found.union(by_event)


def _found(pair: tuple[Record, History | None]) -> list[tuple[Record, History]]:
    record, history = pair
    return [] if history is None else [(record, history)]


def _labels(until: float, objects: Iterable[tuple[str, bytes]]) -> Iterator[Read]:
    for path, content in objects:
        known_at = labels.collected(path)
        for line in filter(bytes.strip, content.split(b"\n")):
            try:
                id, label = labels.parse(line, known_at)
            except ValueError:
                yield "", None, stream.text_of_line(line)
            else:
                if label.at < until:
                    yield id, label, ""


def _known(read: Read) -> list[tuple[str, Label]]:
    id, label, _ = read
    return [] if label is None else [(id, label)]


def _records(
    reference: Reference, within: Within, objects: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, Record]]:
    """By inferenceId, else by eventId. `spark.profile` has counted them, and has put aside those refused."""
    lines = (line for _, content in objects for line in content.split(b"\n"))
    for record in stream.accepted(lines, Tally(reference), lambda _: None, within):
        if id := record.id or record.event:
            yield id, record


def _losses(reference: Reference, pairs: Iterable[tuple[Record, History]]) -> Iterator[spark.Counted]:
    losses = Losses(Tally(reference))
    for record, history in pairs:
        losses.add_record(record, history)
    yield codec.dumps(replace(empty(reference), labelled=losses.labelled(sources=None))), []
