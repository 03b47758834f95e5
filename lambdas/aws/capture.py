"""Captured traffic and ground truth in S3, in SageMaker's layouts and formats.

`capture/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl` and `ground-truth/{endpoint}/yyyy/mm/dd/hh/...`:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

import base64
import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from slipway import names, outcomes
from slipway.pairing import LEAST_PROPENSITY, Label, Line, Report, Truth

MOST_ID = 256  # characters; SageMaker takes 64
CHUNK = 2**18
_HOUR = r"(?P<hour>\d{4}/\d\d/\d\d/\d\d)/(?:(?P<minute>[0-5]\d)-(?P<second>[0-5]\d)-)?"
_KEYS = [
    re.compile(rf"{names.CAPTURE}/(?P<endpoint>[^/]+)/(?P<role>{'|'.join(names.ROLES)})/{_HOUR}"),
    re.compile(rf"{names.GROUND_TRUTH}/(?P<endpoint>[^/]+)/{_HOUR}"),
]


class Source(NamedTuple):
    """An object of captured answers or, with role "", of labels. at: the time its name tells, unix seconds.

    size: bytes, where it was listed."""

    key: str
    endpoint: str
    role: str
    at: float
    size: int = 0


def source(key: str, size: int = 0) -> Source | None:
    """What an object's key says of it; None for any other object."""
    found = next(filter(None, (form.match(key) for form in _KEYS)), None)
    if found is None:
        return None
    parts = found.groupdict()
    hour = datetime.strptime(parts["hour"], "%Y/%m/%d/%H").replace(tzinfo=UTC).timestamp()
    at = hour + 60 * int(parts["minute"] or 0) + int(parts["second"] or 0)
    return Source(key, parts["endpoint"], parts.get("role") or "", at, size)


def raw(of: Source) -> Iterator[bytes]:
    """The lines of an object as they lie there."""
    return _read(of.key)


def lines(of: Source) -> Iterator[Line]:
    """The lines of a capture object."""
    return map(line, _read(of.key))


def truths(of: Source) -> Iterator[Truth]:
    """The lines of a ground-truth object."""
    return (truth(raw, of.at) for raw in _read(of.key))


def line(raw: bytes | str) -> Line:
    """One line of a capture file."""
    try:
        record = json.loads(raw)
        output = record["captureData"].get("endpointOutput")
        text = None if output is None else _text(output)
        id, at = _identity(record.get("eventMetadata") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Line("unreadable")
    if text is None:
        return Line("unanswered" if id else "unidentified", at=at)
    found = numbers(text)
    valid = _is_valid(found)
    if not id:
        return Line("unidentified", answered=True, valid=valid)
    if valid and len(found) > 1:
        return Line("several_scores", answered=True, valid=True, id=id, at=at)
    score = found[0] if valid and 0 <= found[0] <= 1 else None
    return Line("", answered=True, valid=valid, id=id, at=at, score=score)


def truth(raw: bytes | str, collected: float) -> Truth:
    """One line of a ground-truth file: a label of 0 or 1, or `outcomes`, or both, with the request's id."""
    try:
        record = json.loads(raw)
        id = record["eventMetadata"]["eventId"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Truth()
    if not _is_id(id):
        return Truth()
    values = record.get("outcomes")
    report = _report(id, values, collected)
    return Truth(_label(id, record, collected), report, malformed=values is not None and report is None)


def _label(id: str, record: dict[str, Any], collected: float) -> Label | None:
    """Beside Model Monitor's keys a line may have `propensity`: the chance, LEAST_PROPENSITY to 1, of this label."""
    try:
        value = float(_text(record["groundTruthData"]))
        propensity = None if record.get("propensity") is None else float(record["propensity"])
    except (ValueError, KeyError, TypeError):
        return None
    known = value in (0, 1) and (propensity is None or LEAST_PROPENSITY <= propensity <= 1)
    return Label(id, int(value), collected, propensity) if known else None


def _report(id: str, values: object, collected: float) -> Report | None:
    """All of a line's outcomes or none: a part of them would be compared as if it were the whole."""
    if not isinstance(values, dict) or not 1 <= len(values) <= outcomes.MOST_OUTCOMES:
        return None
    if not all(outcomes.is_name(name) and outcomes.is_value(value) for name, value in values.items()):
        return None
    return Report(id, tuple((name, float(value)) for name, value in sorted(values.items())), collected)


def numbers(answer: str) -> list[float]:
    """The values of a CSV or JSON answer, in order; none at all if one of them is no number."""
    text = answer.strip()
    try:
        if text[:1] in ("{", "["):
            return _flat(json.loads(text))
        return [float(value) for value in text.replace("\n", ",").split(",")]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []


def _is_valid(found: list[float]) -> bool:
    return bool(found) and all(map(math.isfinite, found))


def _flat(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _flat(item)]
    if isinstance(value, list):
        return [number for item in value for number in _flat(item)]
    return [math.nan if value is None else float(value)]  # type: ignore[arg-type]


def _identity(metadata: dict[str, Any]) -> tuple[str, float]:
    """The merge key (inferenceId if the client sent one) and the time of the request; "" if either is missing."""
    id, at = metadata.get("inferenceId") or metadata.get("eventId"), metadata.get("inferenceTime")
    if not (at and _is_id(id)):
        return "", 0.0
    return str(id), datetime.fromisoformat(at).timestamp()


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MOST_ID


def _text(captured: dict[str, str]) -> str:
    if captured["encoding"] == "BASE64":
        return base64.b64decode(captured["data"]).decode(errors="replace")
    return captured["data"]


def _read(key: str) -> Iterator[bytes]:
    body = client("s3").get_object(Bucket=setting("BUCKET"), Key=key)["Body"]
    return (raw for raw in body.iter_lines(chunk_size=CHUNK) if raw)
