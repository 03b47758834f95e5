"""Invocation metrics as SageMaker publishes them, per EndpointName and VariantName.

Names, units and meaning: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. Error metrics are
0 or 1 per request, latencies are microseconds.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from math import exp, log
from typing import Any

NAMESPACE = "AWS/SageMaker"
INSTANCE_NAMESPACE = "/aws/sagemaker/Endpoints"

_VALUES_PER_DATUM = 150  # PutMetricData's limit
_BUCKETS_PER_E = 100  # latencies fall into buckets 1 % wide, so that a second of traffic is a few dozen values

Datum = dict[str, Any]


class Sums:
    """What one variant did in one virtual minute, since the last flush."""

    __slots__ = ("client_errors", "model_errors", "model_latency", "overhead_latency", "requests", "server_errors")

    def __init__(self) -> None:
        self.requests = self.client_errors = self.server_errors = self.model_errors = 0
        self.model_latency: Counter[int] = Counter()
        self.overhead_latency: Counter[int] = Counter()


class Meter:
    """Sums one variant's requests until they are drained. Used on the event loop only."""

    def __init__(self, endpoint: str, variant: str) -> None:
        self.dimensions = dimensions(endpoint, variant)
        self._minutes: dict[int, Sums] = {}

    def record(self, minute: int, status: int, model_s: float, overhead_s: float | None) -> None:
        """One request that ended in virtual `minute` (since the epoch). Statuses under 100 mean that the container gave
        no answer. `overhead_s` is None for a shadow copy: nobody waited for it."""
        sums = self._minutes.get(minute)
        if sums is None:
            sums = self._minutes[minute] = Sums()
        sums.requests += 1
        if status < 200 or status > 299:
            sums.model_errors += 1
            if 400 <= status <= 499:
                sums.client_errors += 1
            else:
                sums.server_errors += 1
        if status >= 100:
            sums.model_latency[_bucket(model_s)] += 1
        if overhead_s is not None:
            sums.overhead_latency[_bucket(overhead_s)] += 1

    def drain(self) -> dict[int, Sums]:
        """Everything recorded since the last call, for `data`."""
        minutes, self._minutes = self._minutes, {}
        return minutes


def data(meter: Meter, minutes: dict[int, Sums]) -> Iterator[Datum]:
    """PutMetricData's form of what `meter` drained."""
    for minute, sums in minutes.items():
        at = datetime.fromtimestamp(minute * 60, UTC)
        counts: dict[str, dict[float, int]] = {
            "Invocations": {1.0: sums.requests},
            "Invocation4XXErrors": _zeros_and_ones(sums.client_errors, sums.requests),
            "Invocation5XXErrors": _zeros_and_ones(sums.server_errors, sums.requests),
            "InvocationModelErrors": _zeros_and_ones(sums.model_errors, sums.requests),
        }
        for name, values in counts.items():
            yield from datums(name, meter.dimensions, at, "None", values)
        for name, buckets in (("ModelLatency", sums.model_latency), ("OverheadLatency", sums.overhead_latency)):
            values = {_microseconds(bucket): count for bucket, count in buckets.items()}
            yield from datums(name, meter.dimensions, at, "Microseconds", values)


def dimensions(endpoint: str, variant: str) -> list[dict[str, str]]:
    return [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]


def datums(name: str, of: list[dict[str, str]], at: datetime, unit: str, values: dict[float, int]) -> Iterator[Datum]:
    """`values` maps a value to how often it was seen; as many data as the limit on values makes necessary."""
    pairs = iter(values.items())
    while part := list(islice(pairs, _VALUES_PER_DATUM)):
        yield {
            "MetricName": name,
            "Dimensions": of,
            "Timestamp": at,
            "Unit": unit,
            "Values": [value for value, _ in part],
            "Counts": [float(count) for _, count in part],
        }


def _zeros_and_ones(ones: int, total: int) -> dict[float, int]:
    return {value: count for value, count in ((0.0, total - ones), (1.0, ones)) if count}


def _bucket(seconds: float) -> int:
    return int(log(max(seconds * 1e6, 1.0)) * _BUCKETS_PER_E)


def _microseconds(bucket: int) -> float:
    """The middle of a bucket."""
    return round(exp((bucket + 0.5) / _BUCKETS_PER_E), 1)
