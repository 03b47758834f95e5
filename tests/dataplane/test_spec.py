from typing import Any

import pytest

from sandbox.dataplane.spec import BadSpec, Endpoint, Faults

MODEL = {"name": "m", "artifact": "s3://b/k", "image": "i", "environment": {}}
VARIANT = {"name": "baseline", "kind": "production", "weight": 1.0, "instances": 1, "model": MODEL}
ENDPOINT = {"version": 1, "config_name": "c", "endpoint_config_arn": "a", "capture": None, "variants": [VARIANT]}


def test_the_contract_parses() -> None:
    capture = {"sampling_percentage": 100, "destination": "s3://b/p", "options": ["Input"], "csv": [], "json": []}
    endpoint = Endpoint.parse({**ENDPOINT, "capture": capture})
    assert endpoint.variants[0].model.artifact == "s3://b/k"
    assert endpoint.capture and endpoint.capture.options == ["Input"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"variants": None}, "list of variants"),
        ({"variants": []}, "production variant"),
        ({"variants": ["baseline"]}, "Variant must be an object"),
        ({"variants": [VARIANT, VARIANT]}, "different names"),
        ({"variants": [{**VARIANT, "kind": "shadow"}]}, "production variant"),
        ({"variants": [{**VARIANT, "kind": "ghost"}]}, "ghost"),
        ({"variants": [{**VARIANT, "weight": -1}]}, "weight -1"),
        ({"variants": [{**VARIANT, "instances": 0}]}, "instances 0"),
        ({"variants": [{**VARIANT, "model": {"name": "m"}}]}, "artifact"),
        ({"capture": {"destination": "s3://b"}}, "sampling_percentage"),
    ],
)
def test_anything_else_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSpec, match=named):
        Endpoint.parse({**ENDPOINT, **change})


def test_a_missing_key_is_refused_by_name() -> None:
    with pytest.raises(BadSpec, match="version"):
        Endpoint.parse({key: value for key, value in ENDPOINT.items() if key != "version"})


def test_no_faults_is_a_healthy_variant() -> None:
    assert Faults.parse({}) == Faults(error_rate=0, extra_latency_ms=0, kill=False, capture=True)
    with pytest.raises(BadSpec, match="error_rate"):
        Faults.parse({"error_rate": 2})
    with pytest.raises(BadSpec, match="base_score"):
        Faults.parse({"base_score": 1.0})
