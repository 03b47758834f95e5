"""Lines of captured requests and of ground truth, in SageMaker's formats, as rows; pure Python, so Spark can ship it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

import base64
import json
import math
import re
from datetime import UTC, datetime
from typing import Any

# Why a line is not used. A label belongs to a request, so one request with several rows can't be labelled row by row.
REASONS = ("unreadable", "unidentified", "several_rows", "columns", "text", "infinite", "no_label")
_COLLECTED = re.compile(r"/(\d{4})/(\d\d)/(\d\d)/(\d\d)/(?:([0-5]\d)-([0-5]\d)-)?[^/]*$")


class Rejected(ValueError):
    """One of REASONS."""


def request(line: str | bytes, columns: int) -> tuple[str, float, list[float | None]]:
    """A captured line's id (inferenceId, else eventId), time in unix seconds, and values. Raises Rejected."""
    record, id = _identified(line)
    try:
        at = datetime.fromisoformat(record["eventMetadata"]["inferenceTime"]).timestamp()
        rows = _rows(record["captureData"]["endpointInput"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Rejected("unreadable") from None
    if len(rows) > 1:
        raise Rejected("several_rows")
    if not rows or not isinstance(rows[0], list) or len(rows[0]) != columns:
        raise Rejected("columns")
    return id, at, [_number(cell) for cell in rows[0]]


def label(line: str | bytes) -> tuple[str, int]:
    """A ground-truth line's id and label, 0 or 1. Raises Rejected."""
    record, id = _identified(line)
    try:
        value = float(_text(record["groundTruthData"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Rejected("no_label") from None
    if value not in (0, 1):
        raise Rejected("no_label")
    return id, int(value)


def collected(path: str) -> float:
    """When a ground-truth file's labels were known, by its path `.../yyyy/mm/dd/hh/[MM-SS-]name`, in unix seconds.

    The end of the hour where the name tells no minute: a label must not seem known before it was. Raises ValueError.
    """
    found = _COLLECTED.search(path)
    if not found:
        raise ValueError(f"{path}: expected .../yyyy/mm/dd/hh/file, the hour in which the labels were collected")
    year, month, day, hour, minute, second = found.groups()
    begins = datetime(int(year), int(month), int(day), int(hour), tzinfo=UTC).timestamp()
    return begins + (60 * int(minute) + int(second) if minute else 3600)


def request_row(path: str, line: str | bytes, columns: int) -> tuple[Any, ...]:
    """(id, at, values...) or, of a line that is not used, (reason,)."""
    try:
        id, at, values = request(line, columns)
    except Rejected as error:
        return (str(error),)
    return (id, at, *values)


def label_row(path: str, line: str | bytes, columns: int) -> tuple[Any, ...]:
    """(id, label, known_at) or, of a line that is not used, (reason,)."""
    known_at = collected(path)
    try:
        return (*label(line), known_at)
    except Rejected as error:
        return (str(error),)


def _identified(line: str | bytes) -> tuple[dict[str, Any], str]:
    try:
        record = json.loads(line)
        metadata = record["eventMetadata"]
        id = metadata.get("inferenceId") or metadata.get("eventId")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Rejected("unreadable") from None
    if not (id and isinstance(id, str)):
        raise Rejected("unidentified")
    return record, id


def _rows(captured: dict[str, str]) -> list[Any]:
    """The rows of a CSV or JSON body, in the forms that serve.py takes; cells as they stand."""
    text = _text(captured).strip()
    if text[:1] not in ("{", "["):
        return [line.split(",") for line in text.splitlines()]
    document = json.loads(text)
    if isinstance(document, dict):
        document = document.get("instances", [document])
    rows = document if document and isinstance(document[0], list | dict) else [document]
    return [row["features"] if isinstance(row, dict) else row for row in rows]


def _text(data: dict[str, str]) -> str:
    if data["encoding"] == "BASE64":
        return base64.b64decode(data["data"]).decode(errors="replace")
    return str(data["data"])


def _number(cell: Any) -> float | None:
    """None for an empty cell, null or NaN."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise Rejected("text")
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        raise Rejected("text") from None
    if math.isinf(value):
        raise Rejected("infinite")
    return None if math.isnan(value) else value
