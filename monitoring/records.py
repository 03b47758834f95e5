"""One line of Data Capture -> the rows and scores of a request, or the reason why it has none.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
Requests: CSV, and JSON as {"instances": [...]}, {"features": [...]}, [[...], ...], or objects of named features; many
rows a record. Payloads: as text, or in base64 where the endpoint names no content type for capture.
"""

import base64
import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from monitoring.columns import ABSENT, Value

REPLAYED = "slipway-probe"  # begins the inference ids of golden rows asked again: nobody's traffic
SCORES = ("predictions", "scores", "score", "probabilities", "probability", "outputs")


class Reason(StrEnum):
    """Why a line is not counted."""

    UNREADABLE = "unreadable"  # no JSON, or not of a captured record's shape
    NO_INPUT = "no_input"  # the request was not captured
    CONTENT_TYPE = "content_type"  # neither CSV nor JSON
    PAYLOAD = "payload"  # not what its content type promises
    NO_ROWS = "no_rows"
    SCORE_COUNT = "score_count"  # not one score a row: more classes, or an answer cut short
    NO_TIME = "no_time"  # no inference time that can be read
    CLOCK_SKEW = "clock_skew"  # an inference time far from the window's


class Table(list[list[Value]]):
    """The rows of a CSV text."""


class Refused(ValueError):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Replayed(Exception):
    """A captured line of ours, which counts as nothing at all."""


@dataclass(frozen=True)
class Record:
    """id: the caller's inferenceId, or ""; event: SageMaker's eventId, or "". at: unix seconds.

    rows: values in the order of the features, `ABSENT` where a named one is missing, any surplus at the end.
    scores: one a row; ABSENT where no answer was captured.
    """

    id: str
    event: str
    at: float
    rows: list[list[Value]]
    scores: list[Value]


def parse(line: bytes | str, names: Sequence[str]) -> Record:
    """A captured line. `names`: the features in order, for rows of named ones. Raises `Refused` or `Replayed`."""
    try:
        document = json.loads(line)
        captured, metadata = document["captureData"], document["eventMetadata"]
        captured_input, captured_output = captured.get("endpointInput"), captured.get("endpointOutput")
        id, event, time = (metadata.get(key) for key in ("inferenceId", "eventId", "inferenceTime"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(Reason.UNREADABLE) from None
    if isinstance(id, str) and id.startswith(REPLAYED):
        raise Replayed
    at = time_of(time)
    if not captured_input:
        raise Refused(Reason.NO_INPUT)
    try:
        rows = rows_of(payload(captured_input), names)
        scores: list[Value] = scores_of(payload(captured_output)) if captured_output else [ABSENT] * len(rows)
    except RecursionError:
        raise Refused(Reason.PAYLOAD) from None
    if len(scores) != len(rows):
        raise Refused(Reason.SCORE_COUNT)
    return Record(id if isinstance(id, str) else "", event if isinstance(event, str) else "", at, rows, scores)


def time_of(value: object) -> float:
    """Unix seconds of an ISO 8601 time, UTC where it names no zone. Raises `Refused`."""
    try:
        found = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        raise Refused(Reason.NO_TIME) from None


def payload(captured: Any) -> Any:
    """What was captured: a `Table`, or parsed JSON. Raises `Refused`."""
    try:
        data, encoding, content_type = captured["data"], captured["encoding"], captured.get("observedContentType")
        if encoding == "BASE64":
            text = base64.b64decode(data, validate=True).decode()
            encoding = _encoding(content_type or "")
        elif isinstance(data, str):
            text = data
        else:
            raise Refused(Reason.UNREADABLE)
    except (KeyError, TypeError, AttributeError):
        raise Refused(Reason.UNREADABLE) from None
    except ValueError as error:
        raise error if isinstance(error, Refused) else Refused(Reason.PAYLOAD) from None
    if encoding == "JSON":
        return _json(text)
    if encoding == "CSV":
        return _csv(text)
    raise Refused(Reason.CONTENT_TYPE)


def _encoding(content_type: str) -> str:
    media_type = content_type.partition(";")[0].strip().lower()
    return {"text/csv": "CSV", "application/json": "JSON", "application/jsonlines": "JSON"}.get(media_type, "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(Reason.PAYLOAD) from None


def _csv(text: str) -> Table:
    lines = [text] if "\n" not in text else text.replace("\r\n", "\n").split("\n")
    try:
        rows: Iterable[Any] = (
            csv.reader(lines, strict=True) if '"' in text else (line.split(",") for line in lines if line)
        )
        return Table(row for row in rows if row)
    except csv.Error:
        raise Refused(Reason.PAYLOAD) from None


def rows_of(document: Any, names: Sequence[str]) -> list[list[Value]]:
    """The rows of a payload. Raises `Refused`."""
    if isinstance(document, Table):
        if not document:
            raise Refused(Reason.NO_ROWS)
        return document
    if isinstance(document, dict):
        document = document["instances"] if isinstance(document.get("instances"), list) else [document]
    if not isinstance(document, list):
        raise Refused(Reason.PAYLOAD)
    if document and not any(isinstance(row, list | dict) for row in document):
        document = [document]
    if not document:
        raise Refused(Reason.NO_ROWS)
    return [_row(row, names) for row in document]


def _row(row: Any, names: Sequence[str]) -> list[Value]:
    if isinstance(row, dict) and isinstance(row.get("features"), list):
        row = row["features"]
    if isinstance(row, dict):
        known = set(names)
        row = [*(row.get(name, ABSENT) for name in names), *(value for name, value in row.items() if name not in known)]
    if not isinstance(row, list):
        raise Refused(Reason.PAYLOAD)
    return [json.dumps(value) if isinstance(value, list | dict) else value for value in row]


def scores_of(document: Any) -> list[Value]:
    """The values of an answer, in order: one a row unless the model gives more. Raises `Refused`."""
    if isinstance(document, Table):
        return [score for row in document for score in row]
    if isinstance(document, list):
        return [score for item in document for score in scores_of(item)]
    if not isinstance(document, dict):
        return [document]
    for key in SCORES:
        if key in document:
            return scores_of(document[key])
    raise Refused(Reason.PAYLOAD)
