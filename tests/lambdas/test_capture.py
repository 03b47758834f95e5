"""Captured answers that are no finite number."""

import base64
import json

import pytest

from lambdas.aws import capture
from slipway.pairing import Label, Line


def record(answer: str, encoding: str = "CSV") -> str:
    data = base64.b64encode(answer.encode()).decode() if encoding == "BASE64" else answer
    output = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": data, "encoding": encoding}
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    return json.dumps({"captureData": {"endpointInput": given, "endpointOutput": output}, "eventVersion": "0"})


def read(answer: str, encoding: str = "CSV") -> Line:
    return capture.line(record(answer, encoding))


@pytest.mark.parametrize("answer", ["0.5", "0.5\n", "0.1,2e-3\n0.3,-4", '{"scores": [0.1, [0.2, 3]]}', "[1]", "0"])
def test_finite_numbers_are_valid(answer: str) -> None:
    assert read(answer).valid


NO_NUMBER = ["", "  \n", "nan", "0.1,NaN", "inf", "-Infinity", "0.1,,2", "null", "<html>", "fraud"]
NO_NUMBER_JSON = ["[null]", "[NaN]", '{"a": {"b": 1e999}}', "{}", "[[]]", "[1", '["high"]']
TOO_MUCH = [f"[1{'0' * 400}]", "[" * 100_000]


@pytest.mark.parametrize("answer", [*NO_NUMBER, *NO_NUMBER_JSON, *TOO_MUCH], ids=lambda answer: answer[:12] or "empty")
def test_everything_else_is_invalid(answer: str) -> None:
    assert read(answer).answered and not read(answer).valid


@pytest.mark.parametrize(("answer", "encoding", "valid"), [("0.2", "BASE64", True), ("", "BASE64", False)])
def test_answers_are_read_in_all_encodings(answer: str, encoding: str, valid: bool) -> None:
    assert read(answer, encoding).valid is valid
    assert read('{"score": null}', "JSON").valid is False


def test_bytes_that_are_no_text_are_invalid() -> None:
    output = {"data": base64.b64encode(b"\xff\xfe").decode(), "encoding": "BASE64"}
    seen = capture.line(json.dumps({"captureData": {"endpointOutput": output}}))
    assert seen.answered and not seen.valid


def test_a_record_without_an_answer_is_no_invalid_one() -> None:
    given = {"data": "1,2", "encoding": "CSV"}
    assert not capture.line(json.dumps({"captureData": {"endpointInput": given}})).answered


def labelled(**more: object) -> str:
    truth = {"data": "1", "encoding": "CSV"}
    return json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": "a"}, "eventVersion": "0", **more})


@pytest.mark.parametrize("propensity", [0.001, 0.2, 1])
def test_a_label_may_say_how_likely_it_was(propensity: float) -> None:
    assert capture.truth(labelled(propensity=propensity), 60.0).label == Label("a", 1, 60.0, propensity)
    assert capture.truth(labelled(), 60.0).label == Label("a", 1, 60.0)


@pytest.mark.parametrize("propensity", [0, 1e-9, 1.01, -0.2, "often", [0.2], float("nan")])
def test_a_label_whose_propensity_is_none_is_rejected(propensity: object) -> None:
    assert capture.truth(labelled(propensity=propensity), 60.0).label is None
