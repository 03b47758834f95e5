"""Capture files and metrics of a real data plane."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox

CAPTURE = {
    "sampling_percentage": 100,
    "destination": "s3://bucket/capture",
    "options": ["Input", "Output"],
    "csv": ["text/csv"],
    "json": ["application/json"],
}


def test_production_and_shadow_are_captured_under_the_same_inference_id(plane: Any, eventually: Any) -> None:
    shadow = plane.variant("candidate", "new", kind="shadow")
    plane.put("pairs", plane.variant("baseline", "old"), shadow, capture=CAPTURE)
    for number in range(5):
        plane.invoke("pairs", b"1,2,3", InferenceId=f"id-{number}", CustomAttributes="source=test")
    found = {}
    for variant in ("baseline", "candidate"):
        records = eventually(lambda v=variant: len(r := plane.captured("pairs", v)) == 5 and r)
        found[variant] = {record["eventMetadata"]["inferenceId"]: record for record in records}
    assert set(found["baseline"]) == set(found["candidate"]) == {f"id-{n}" for n in range(5)}
    ours, theirs = found["baseline"]["id-3"], found["candidate"]["id-3"]
    assert ours["captureData"]["endpointInput"]["data"] == theirs["captureData"]["endpointInput"]["data"] == "1,2,3"
    assert ours["captureData"]["endpointOutput"]["data"] == "old,5"
    assert theirs["captureData"]["endpointOutput"]["data"] == "new,5"
    assert ours["eventMetadata"]["customAttributes"] == ["source=test"]
    assert ours["eventMetadata"]["eventId"] != theirs["eventMetadata"]["eventId"]


def test_sampling_captures_about_its_percentage(plane: Any, eventually: Any) -> None:
    plane.put("sample", plane.variant("baseline", "old"), capture={**CAPTURE, "sampling_percentage": 30})
    for _ in range(200):
        plane.invoke("sample")
    eventually(lambda: plane.metric("Invocations", "sample", "baseline")[0] == 200)
    assert 35 <= len(plane.captured("sample", "baseline")) <= 85


def test_a_capture_gap_loses_files_but_no_metrics(plane: Any, eventually: Any) -> None:
    plane.put("gap", plane.variant("baseline", "old"), capture=CAPTURE)
    plane.control("PUT", "faults/gap/baseline", {"capture": False})
    for _ in range(5):
        plane.invoke("gap")
    eventually(lambda: plane.metric("Invocations", "gap", "baseline")[0] == 5)
    plane.control("PUT", "faults/gap/baseline", {})
    plane.invoke("gap", InferenceId="after")
    records = eventually(lambda: plane.captured("gap", "baseline"))
    assert [record["eventMetadata"]["inferenceId"] for record in records] == ["after"]


def test_metrics_count_requests_errors_and_microseconds(plane: Any, eventually: Any) -> None:
    plane.put("meter", plane.variant("baseline", "old"), capture=CAPTURE)
    for body in (b"sleep 0.05", b"bad", b"boom", b"boom"):
        try:
            plane.invoke("meter", body)
        except ClientError:
            assert body != b"sleep 0.05"
    eventually(lambda: plane.metric("Invocations", "meter", "baseline") == (4, 4))
    assert plane.metric("Invocation4XXErrors", "meter", "baseline") == (1, 4)
    assert plane.metric("Invocation5XXErrors", "meter", "baseline") == (2, 4)
    assert plane.metric("InvocationModelErrors", "meter", "baseline") == (3, 4)
    model_us, count = plane.metric("ModelLatency", "meter", "baseline")
    assert count == 4 and model_us > 49_000
    overhead_us, count = plane.metric("OverheadLatency", "meter", "baseline")
    assert count == 4 and 0 < overhead_us < model_us
    assert len(plane.captured("meter", "baseline")) == 1, "only answers with 200 are captured"


def test_timestamps_are_virtual(start_plane: Any, eventually: Any) -> None:
    plane = start_plane(SANDBOX_CLOCK="60.0,1700000000.0,946684800.0")  # far from today at any speed
    plane.put("then", plane.variant("baseline", "old"), capture=CAPTURE)
    plane.invoke("then")
    (record,) = eventually(lambda: plane.captured("then", "baseline"))
    year = int(record["eventMetadata"]["inferenceTime"][:4])
    assert year > 2100
    assert f"/{year}/" in str(next((plane.directory / "sink/objects").rglob("*.jsonl")))
