"""What a request says of itself, for policies that ask."""

import json

import cbor2
import pytest

from sandbox.aws.iam import metric_namespace


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (cbor2.dumps({"Namespace": "Slipway", "MetricData": []}), {}),
        (json.dumps({"Namespace": "Slipway"}).encode(), {}),
        (b"Namespace=Slipway", {"Namespace": ["Slipway"]}),
    ],
)
def test_the_namespace_of_a_metric_is_known_in_every_protocol(body: bytes, params: dict) -> None:
    assert metric_namespace(body, params) == "Slipway"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", cbor2.dumps([1])])
def test_a_request_without_one_has_none(body: bytes) -> None:
    assert metric_namespace(body, {}) == ""
