"""Captured answers that are no finite number."""

import base64
import json

import pytest

from lambdas.aws import capture
from lambdas.aws.clients import client
from tests.lambdas.world import BUCKET, START, World

# START is 2027-01-15T08:00:00Z.
HOUR = "2027/01/15/08"


def record(answer: str, encoding: str = "CSV") -> str:
    data = base64.b64encode(answer.encode()).decode() if encoding == "BASE64" else answer
    output = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": data, "encoding": encoding}
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    return json.dumps({"captureData": {"endpointInput": given, "endpointOutput": output}, "eventVersion": "0"})


def put(lines: list[str], name: str = "01-30-000-x.jsonl", hour: str = HOUR, where: str = "fraud/candidate") -> None:
    body = "\n".join(lines).encode()
    client("s3").put_object(Bucket=BUCKET, Key=f"capture/{where}/{hour}/{name}", Body=body)


@pytest.mark.parametrize("answer", ["0.5", "0.5\n", "0.1,2e-3\n0.3,-4", '{"scores": [0.1, [0.2, 3]]}', "[1]", "0"])
def test_finite_numbers_are_valid(answer: str) -> None:
    assert not capture.is_invalid(answer)


NO_NUMBER = ["", "  \n", "nan", "0.1,NaN", "inf", "-Infinity", "0.1,,2", "null", "<html>", "fraud"]
NO_NUMBER_JSON = ["[null]", "[NaN]", '{"a": {"b": 1e999}}', "{}", "[[]]", "[1", '["high"]']
TOO_MUCH = [f"[1{'0' * 400}]", "[" * 100_000]


@pytest.mark.parametrize("answer", [*NO_NUMBER, *NO_NUMBER_JSON, *TOO_MUCH], ids=lambda answer: answer[:12] or "empty")
def test_everything_else_is_invalid(answer: str) -> None:
    assert capture.is_invalid(answer)


def test_answers_are_counted_per_variant_in_all_encodings(world: World) -> None:
    put([record("0.1"), record("nan"), record('{"score": null}', "JSON"), record("0.2", "BASE64")])
    put([record("0.3"), record("", "BASE64")], where="fraud/baseline")
    assert capture.invalid("fraud", START, START + 120) == {"baseline": (2, 1), "candidate": (4, 2)}


def test_bytes_that_are_no_text_are_invalid(world: World) -> None:
    output = {"data": base64.b64encode(b"\xff\xfe").decode(), "encoding": "BASE64"}
    put([json.dumps({"captureData": {"endpointOutput": output}})])
    assert capture.invalid("fraud", START, START + 120)["candidate"] == (1, 1)


def test_a_record_without_an_answer_counts_for_nothing(world: World) -> None:
    put([json.dumps({"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}}})])
    assert capture.invalid("fraud", START, START + 120)["candidate"] == (0, 0)


def test_the_window_goes_by_the_minute_and_second_in_the_files_names(world: World) -> None:
    for second in ("00-59", "01-00", "01-59", "02-00"):
        put([record("nan" if second[:2] == "01" else "1")], f"{second}-999-x.jsonl")
    assert capture.invalid("fraud", START + 60, START + 120)["candidate"] == (2, 2)


def test_a_window_over_the_hour_reads_both_hours(world: World) -> None:
    put([record("1")], "59-30-000-x.jsonl", HOUR)
    put([record("2")], "00-10-000-x.jsonl", "2027/01/15/09")
    put([record("3")], "59-30-000-x.jsonl", "2027/01/15/09")
    assert capture.invalid("fraud", START + 59 * 60, START + 61 * 60)["candidate"] == (2, 0)


def test_a_window_over_the_year_reads_both_years(world: World) -> None:
    new_year = 1_798_761_600.0
    put([record("1")], "59-59-000-x.jsonl", "2026/12/31/23")
    put([record("2")], "00-00-000-x.jsonl", "2027/01/01/00")
    assert capture.invalid("fraud", new_year - 60, new_year + 60)["candidate"] == (2, 0)


def test_files_of_other_endpoints_are_not_touched(world: World) -> None:
    put([record("nan")], where="fraud-eu/candidate")
    assert capture.invalid("fraud", START, START + 120)["candidate"] == (0, 0)
    assert world.wire.made("get_object") == []


def test_an_empty_window_reads_nothing(world: World) -> None:
    assert capture.invalid("fraud", START, START) == {} and world.wire.calls == []


def test_a_look_reads_no_more_than_its_share_of_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_FILES", 3)
    for i in range(5):
        put([record("1")], f"01-0{i}-000-x.jsonl")
    assert capture.invalid("fraud", START, START + 120)["candidate"] == (3, 0)
    assert len(world.wire.made("get_object")) == 3
