from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataplane.metrics import Meter, data


def published(meter: Meter) -> dict[str, list[dict[str, Any]]]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for datum in data(meter, meter.drain()):
        by_name.setdefault(datum["MetricName"], []).append(datum)
    return by_name


def total(data: list[dict[str, Any]]) -> tuple[float, float]:
    pairs = [(v, c) for d in data for v, c in zip(d["Values"], d["Counts"], strict=True)]
    return sum(v * c for v, c in pairs), sum(c for _, c in pairs)


def test_errors_are_zero_or_one_per_request_so_that_their_average_is_a_rate() -> None:
    meter = Meter("fraud", "candidate")
    for status in (200, 200, 200, 400, 500, 0):
        meter.record(1000, status, 0.001, 0.0001)
    metrics = published(meter)
    assert total(metrics["Invocations"]) == (6, 6)
    assert total(metrics["Invocation4XXErrors"]) == (1, 6)
    assert total(metrics["Invocation5XXErrors"]) == (2, 6)
    assert total(metrics["InvocationModelErrors"]) == (3, 6)


def test_a_container_that_gave_no_answer_has_no_model_latency() -> None:
    meter = Meter("fraud", "candidate")
    meter.record(1000, 0, 0.001, 0.0001)
    assert "ModelLatency" not in published(meter)


def test_metrics_are_dated_to_their_minute_and_named_by_endpoint_and_variant() -> None:
    meter = Meter("fraud", "baseline")
    for minute in (1000, 1001):
        meter.record(minute, 200, 0.001, 0.0001)
    metrics = published(meter)
    assert [d["Timestamp"] for d in metrics["Invocations"]] == [
        datetime.fromtimestamp(60_000, UTC),
        datetime.fromtimestamp(60_060, UTC),
    ]
    assert metrics["ModelLatency"][0]["Dimensions"] == [
        {"Name": "EndpointName", "Value": "fraud"},
        {"Name": "VariantName", "Value": "baseline"},
    ]
    assert metrics["ModelLatency"][0]["Unit"] == "Microseconds"


@given(st.floats(2e-6, 60))
def test_a_latency_is_reported_in_microseconds_within_one_percent(seconds: float) -> None:
    meter = Meter("fraud", "baseline")
    meter.record(1000, 200, seconds, None)
    assert total(published(meter)["ModelLatency"])[0] == pytest.approx(seconds * 1e6, rel=0.01, abs=0.06)


def test_no_datum_has_more_values_than_cloudwatch_accepts() -> None:
    meter = Meter("fraud", "baseline")
    for i in range(1000):
        meter.record(1000, 200, 1e-5 * 1.01**i, 0.0001)
    parts = published(meter)["ModelLatency"]
    assert max(len(part["Values"]) for part in parts) == 150
    assert total(parts)[1] == 1000


def test_a_request_is_published_once() -> None:
    meter = Meter("fraud", "baseline")
    meter.record(1000, 200, 0.001, 0.0001)
    assert published(meter)
    assert not published(meter)
