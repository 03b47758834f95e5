import json
import re
from typing import Any

import pytest

from sandbox.dataplane.capture import Record, line, objects
from sandbox.dataplane.spec import Capture

CONFIG = Capture(100, "s3://bucket/capture/", ["Input", "Output"], ["text/csv"], ["application/json"])
EVENT = "f04a8538-5a3f-4d3a-9a3b-3f1c2a0d9e11"
AT = 1_650_241_308.123  # 2022-04-18T00:21:48.123Z


def record(**change: Any) -> Record:
    standard = Record(
        AT, "fraud", "baseline", CONFIG, EVENT, b"id-1", None, b"text/csv", b"1,2", b"text/csv; charset=utf-8", b"0.5"
    )
    return standard._replace(**change)


def test_a_line_has_the_documented_form() -> None:
    assert json.loads(line(record())) == {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "0.5",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": EVENT, "inferenceId": "id-1", "inferenceTime": "2022-04-18T00:21:48Z"},
        "eventVersion": "0",
    }


def test_an_inference_id_is_there_only_if_sent() -> None:
    assert "inferenceId" not in json.loads(line(record(inference_id=None)))["eventMetadata"]


@pytest.mark.parametrize(
    ("content_type", "body", "encoding", "text"),
    [
        (b"application/json", b'{"a": 1}', "JSON", '{"a": 1}'),
        (b"text/plain", b"1,2", "BASE64", "MSwy"),
        (b"text/csv", b"\xff", "CSV", "\ufffd"),
    ],
)
def test_the_content_type_decides_the_encoding(content_type: bytes, body: bytes, encoding: str, text: str) -> None:
    payload = json.loads(line(record(input_type=content_type, input=body)))["captureData"]["endpointInput"]
    assert (payload["encoding"], payload["data"]) == (encoding, text)


def test_only_what_the_options_name_is_captured() -> None:
    config = Capture(100, "s3://bucket/capture", ["Output"], ["text/csv"], [])
    assert set(json.loads(line(record(config=config)))["captureData"]) == {"endpointOutput"}


def test_files_are_apart_by_variant_and_hour_under_the_documented_path() -> None:
    records = [record(), record(variant="candidate"), record(at=AT + 3600), record(at=AT + 1)]
    written = objects(records)
    pattern = r"s3://bucket/capture/fraud/(\w+)/2022/04/18/(\d\d)/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl"
    found = {match.groups(): url for url in written if (match := re.fullmatch(pattern, url))}
    assert set(found) == {("baseline", "00"), ("candidate", "00"), ("baseline", "01")}
    first = found["baseline", "00"]
    assert "/00/21-48-123-" in first or "/00/21-48-122-" in first
    assert written[first].count(b"\n") == 2
