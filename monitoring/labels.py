"""Ground truth: lines in SageMaker's format -> each request's labels, in the order they were collected.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
`eventMetadata` may also hold `collectedAt` (ISO 8601; else the time that the object's key tells), `annotator` and
`policyVersion`: who gave the label, and by which version of the labelling policy.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitoring.records import Reason, Table, payload, time_of
from monitoring.stream import Quarantine, Quarantined, text_of_line

COLLECTED = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/(?:([0-5]\d)-([0-5]\d)-)?[^/]*$")


@dataclass(frozen=True, order=True)
class Label:
    """values: one a row of the request; infinite for what is no number. at: when it was collected, unix
    seconds. annotator, policy: "" where unknown."""

    at: float
    annotator: str
    policy: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class History:
    """One request's labels. current: the newest. others: the newest of each other annotator. first: when the first was
    collected. changed: labels that their own annotator replaced by a different one."""

    current: Label
    others: tuple[Label, ...]
    first: float
    changed: int


def collected(path: str) -> float:
    """When an object's labels were collected, by its key: to the hour, or to the second. Raises ValueError."""
    found = COLLECTED.search(path)
    if not found:
        raise ValueError(f"{path}: expected .../yyyy/mm/dd/hh/name.jsonl, the hour its labels were collected in")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def read(
    objects: Iterable[tuple[float, Iterable[bytes | str]]], until: float, quarantine: Quarantine = lambda _: None
) -> dict[str, History]:
    """By request: the labels collected before `until`. objects: the time each one's key tells, and its lines.

    A label delivered twice is one label.
    """
    by_id: dict[str, set[Label]] = defaultdict(set)
    for known_at, lines in objects:
        for line in lines:
            line = line.encode() if isinstance(line, str) else line
            if not line.strip():
                continue
            try:
                id, label = parse(line, known_at)
            except ValueError:
                quarantine(Quarantined(Reason.UNREADABLE, text_of_line(line)))
            else:
                if label.at < until:
                    by_id[id].add(label)
    return {id: history(labels) for id, labels in by_id.items()}


def parse(line: bytes | str, known_at: float) -> tuple[str, Label]:
    """The id and label of a line of ground truth. Raises ValueError."""
    try:
        document = json.loads(line)
        metadata = document["eventMetadata"]
        id, time = metadata["eventId"], metadata.get("collectedAt")
        annotator, policy = (_name(metadata.get(key)) for key in ("annotator", "policyVersion"))
        values = _values(payload(document["groundTruthData"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no line of ground truth: {error}") from None
    if not (isinstance(id, str) and id and values):
        raise ValueError("a line of ground truth needs eventMetadata.eventId and a value")
    return id, Label(known_at if time is None else time_of(time), annotator, policy, values)


def _values(document: Any) -> tuple[float, ...]:
    if isinstance(document, Table):
        document = [value for row in document for value in row]
    return tuple(map(_number, document if isinstance(document, list) else [document]))


def _name(value: Any) -> str:
    return "" if value is None else str(value)


def _number(value: Any) -> float:
    try:
        found = float(value)
    except (ValueError, TypeError, OverflowError):
        return math.inf
    return math.inf if math.isnan(found) else found  # which unlike NaN is equal to itself


def history(given: Iterable[Label]) -> History:
    """Of one request's labels, at least one; the same one again changes nothing."""
    labels = sorted(set(given))
    newest: dict[str, Label] = {}
    changed = 0
    for label in labels:
        before = newest.get(label.annotator, label)
        changed += before.values != label.values
        newest[label.annotator] = label
    current = labels[-1]
    others = tuple(label for annotator, label in sorted(newest.items()) if annotator != current.annotator)
    return History(current, others, labels[0].at, changed)
