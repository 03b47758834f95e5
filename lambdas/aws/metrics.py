"""CloudWatch: what both variants did, minute by minute, in one batched call a look; and metrics of our own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws.clients import client
from lambdas.aws.telemetry import logger
from slipway import evidence, names
from slipway.evidence import SETTLED_AFTER
from slipway.minutes import Arm, Minute

# Source: "Amazon SageMaker AI metrics in Amazon CloudWatch"; latencies in microseconds, errors 0 or 1 a request.
_STATISTICS = {
    "requests": ("Invocations", "Sum"),
    "server_errors": ("Invocation5XXErrors", "Sum"),
    "model_errors": ("InvocationModelErrors", "Sum"),
    "p50": ("ModelLatency", "p50"),
    "p90": ("ModelLatency", "p90"),
}


class NotMeasured(Exception):
    """CloudWatch could not say what happened, which is not the same as that nothing did."""


def minutes(endpoint: str, since: float, until: float, threshold: float | None = None) -> list[Minute]:
    """Every whole minute of [since, until), also those without a single request; unix seconds. Raises NotMeasured.

    threshold: microseconds; requests slower than that are counted, in both variants.
    """
    if until <= since:
        return []
    wanted = dict(_STATISTICS)
    if threshold is not None:
        wanted["faster"] = ("ModelLatency", f"PR(:{threshold:.0f})")
    arms = _arms(endpoint, since, until, names.ROLES, wanted)
    starts = [since + 60 * i for i in range(len(arms[names.BASELINE]))]
    return [Minute(*cells) for cells in zip(starts, arms[names.BASELINE], arms[names.CANDIDATE], strict=True)]


def past(endpoint: str, now: float) -> list[Minute] | None:
    """The baseline's last day, as far as it has settled, without its tail; None where CloudWatch could not say."""
    since, until = evidence.past(now)
    wanted = {name: statistic for name, statistic in _STATISTICS.items() if name != "p90"}
    try:
        baseline = _arms(endpoint, since, until, (names.BASELINE,), wanted)[names.BASELINE]
    except (NotMeasured, ClientError, BotoCoreError):
        logger.exception("the endpoint's past is not known", endpoint=endpoint)
        return None
    return [Minute(since + 60 * i, arm, Arm()) for i, arm in enumerate(baseline)]


def candidate_gone(endpoint: str, moment: float, now: float) -> bool:
    """Whether the newest settled minute, which began after `moment`, has not a single invocation of the candidate.

    Not the first one after it: requests already under way at that moment are counted when they end.
    """
    newest = ((now - SETTLED_AFTER) // 60 - 1) * 60
    if newest < moment:
        return False
    return not any(minute.candidate.requests for minute in minutes(endpoint, newest, newest + 60))


def _arms(
    endpoint: str, since: float, until: float, roles: Sequence[str], wanted: Mapping[str, tuple[str, str]]
) -> dict[str, list[Arm]]:
    """By role, each whole minute of [since, until)."""
    series: dict[tuple[str, str], dict[float, float]] = {(role, name): {} for role in roles for name in wanted}
    queries = [_query(endpoint, role, name, *wanted[name]) for role, name in series]
    for role, name, points in _fetch(endpoint, since, until, queries):
        series[role, name].update(points)
    starts = [since + 60 * i for i in range(int((until - since) // 60))]
    return {role: [_arm({name: series[role, name].get(at) for name in wanted}) for at in starts] for role in roles}


def invocations(endpoint: str, variant: str, since: float, until: float, period: float) -> dict[float, int]:
    """A variant's requests by start of the period (whole minutes, in seconds) in [since, until). Raises NotMeasured."""
    if until <= since:
        return {}
    query = _query(endpoint, variant, "requests", *_STATISTICS["requests"])
    query["MetricStat"]["Period"] = int(period)
    found = _fetch(endpoint, since, until, [query])
    return {at: round(value) for _, _, points in found for at, value in points.items()}


def put(shared: Mapping[str, str], points: Iterable[tuple[str, float, Mapping[str, str]]], at: float) -> None:
    """Metrics of ours, each with its value and further dimensions, at a moment (unix seconds).

    Not as a line of the log, which Powertools would give one more dimension, `service`.
    """
    data = [
        {
            "MetricName": name,
            "Value": value,
            "Timestamp": datetime.fromtimestamp(at, UTC),
            "Dimensions": [{"Name": key, "Value": of} for key, of in {**shared, **further}.items()],
        }
        for name, value, further in points
    ]
    client("cloudwatch").put_metric_data(Namespace=names.METRICS, MetricData=data)


def _fetch(
    endpoint: str, since: float, until: float, queries: list[dict[str, Any]]
) -> Iterator[tuple[str, str, dict[float, float]]]:
    pages = (
        client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(since, UTC),
            EndTime=datetime.fromtimestamp(until, UTC),
            ScanBy="TimestampAscending",
        )
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            role, name = result["Id"].split("__")
            if result.get("StatusCode") in ("InternalError", "Forbidden"):
                raise NotMeasured(f"CloudWatch answered {result['StatusCode']} for {name} of {role} of {endpoint}")
            stamps = (stamp.timestamp() for stamp in result["Timestamps"])
            yield role, name, dict(zip(stamps, result["Values"], strict=True))


def _query(endpoint: str, role: str, name: str, metric: str, statistic: str) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": role}]
    return {
        "Id": f"{role}__{name}",
        "MetricStat": {
            "Metric": {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions},
            "Period": 60,
            "Stat": statistic,
        },
    }


def _arm(values: dict[str, float | None]) -> Arm:
    def count(name: str) -> int:
        return round(values[name] or 0.0)

    # A model error is any answer of the container that was no 2xx. Clients' mistakes are among them: they meet both
    # variants alike, and a candidate that refuses good input shows only here.
    errors = max(count("server_errors"), count("model_errors"))
    requests = max(count("requests"), errors)
    faster = values.get("faster")
    slower = None if faster is None else round(requests * (1 - faster / 100))
    return Arm(requests=requests, errors=errors, p50=values["p50"], p90=values.get("p90"), slower=slower)
