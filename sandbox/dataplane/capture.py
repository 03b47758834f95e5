"""Data Capture: requests and answers as JSON lines, in SageMaker's layout.

`{destination}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl`, all times virtual; format:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from sandbox.dataplane.spec import Capture


class Record(NamedTuple):
    """One captured invocation. `at`: virtual Unix seconds of the request."""

    at: float
    endpoint: str
    variant: str
    config: Capture
    event_id: str
    inference_id: bytes | None
    custom_attributes: bytes | None
    input_type: bytes
    input: bytes
    output_type: bytes
    output: bytes


def objects(records: Iterable[Record]) -> dict[str, bytes]:
    """The S3 objects (URL to content) that hold `records`: one for each variant and hour."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        hour = datetime.fromtimestamp(record.at, UTC).strftime("%Y/%m/%d/%H")
        folder = f"{record.config.destination.rstrip('/')}/{record.endpoint}/{record.variant}/{hour}"
        groups.setdefault(folder, []).append(record)
    return {f"{folder}/{_name(group[0])}": b"".join(map(line, group)) for folder, group in groups.items()}


def line(record: Record) -> bytes:
    """One line of a capture file, with its newline."""
    captured = {}
    if "Input" in record.config.options:
        captured["endpointInput"] = _payload(record.config, "INPUT", record.input_type, record.input)
    if "Output" in record.config.options:
        captured["endpointOutput"] = _payload(record.config, "OUTPUT", record.output_type, record.output)
    metadata: dict[str, Any] = {"eventId": record.event_id}
    if record.custom_attributes is not None:
        metadata["customAttributes"] = [record.custom_attributes.decode("latin-1")]
    if record.inference_id is not None:
        metadata["inferenceId"] = record.inference_id.decode("latin-1")
    metadata["inferenceTime"] = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return orjson.dumps({"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}) + b"\n"


def _name(first: Record) -> str:
    """Unique, and the same when a failed upload is tried again."""
    moment = datetime.fromtimestamp(first.at, UTC)
    return f"{moment:%M-%S}-{moment.microsecond // 1000:03d}-{first.event_id}.jsonl"


def _payload(config: Capture, mode: str, content_type: bytes, body: bytes) -> dict[str, str]:
    observed = content_type.decode("latin-1")
    media_type = observed.partition(";")[0].strip()
    if media_type in config.csv:
        encoding, text = "CSV", body.decode("utf-8", "replace")
    elif media_type in config.json:
        encoding, text = "JSON", body.decode("utf-8", "replace")
    else:
        encoding, text = "BASE64", base64.b64encode(body).decode()
    return {"observedContentType": observed, "mode": mode, "data": text, "encoding": encoding}
