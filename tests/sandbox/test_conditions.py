"""What a request says of itself, for policies that ask."""

import json

import cbor2
import pytest
from ministack.core import iam_evaluator

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


@pytest.mark.parametrize(("namespace", "decision"), [("Slipway", "Allow"), ("Other", "ImplicitDeny")])
def test_a_policy_that_asks_for_it_allows_that_namespace_alone(namespace: str, decision: str) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Slipway"}}
    allowed = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}
    policy = iam_evaluator.parse_policy_document(json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    request = iam_evaluator.EvalContext(
        principal_arn="arn:aws:sts::123456789012:assumed-role/x/y",
        principal_type="AssumedRole",
        principal_account="123456789012",
        action="cloudwatch:PutMetricData",
        resource_arn="*",
        region="us-east-1",
        service_context={"cloudwatch:namespace": metric_namespace(cbor2.dumps({"Namespace": namespace}), {})},
    )
    assert iam_evaluator.evaluate(request, [policy]).decision == decision
