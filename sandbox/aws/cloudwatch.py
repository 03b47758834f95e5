"""CloudWatch metrics on the sandbox's own store, in virtual time.

MiniStack keeps every point in a list that each call scans, and it has no metric math. PutMetricData, GetMetricData,
GetMetricStatistics and ListMetrics work on `MetricStore` instead; alarms are in `alarms`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.services import cloudwatch

from sandbox import clock as clocks
from sandbox.aws import alarms
from sandbox.aws.expressions import ExpressionError, compile_expression
from sandbox.aws.metric_store import Key, MetricStore
from sandbox.aws.patching import replace
from sandbox.aws.virtual_time import virtualise

STORE = MetricStore()


def install(app: Any) -> None:
    clock = clocks.from_env()
    virtualise(cloudwatch, clock)
    replace(cloudwatch, "_store_datum", store_datum)
    replace(cloudwatch, "record_metric", record_metric)
    replace(cloudwatch, "_evict_old_metrics", lambda: None)
    for operation, compute in (
        ("_list_metrics", _list_metrics),
        ("_get_metric_statistics", _get_metric_statistics),
        ("_get_metric_data", _get_metric_data),
    ):
        replace(cloudwatch, operation, _operation(compute))
    alarms.install(app, clock, STORE)


def metric_key(namespace: str, name: str, dimensions: Iterable[Mapping[str, str]]) -> Key:
    """The identity of a metric: each set of dimensions is a metric of its own."""
    return namespace, name, frozenset((d["Name"], d["Value"]) for d in dimensions)


def store_datum(
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    timestamp: float,
    unit: str,
    value: float | None,
    values: list[float] | None,
    counts: list[float] | None,
    statistics: dict[str, float] | None,
) -> None:
    """Store one MetricDatum (the signature is MiniStack's)."""
    bucket = STORE.bucket((namespace, name, frozenset(dimensions.items())), timestamp, unit)
    if values is not None:
        for each, count in zip(values, counts or [1.0] * len(values), strict=True):
            bucket.add(float(each), float(count))
    elif statistics is not None:
        parts = (float(statistics[k]) for k in ("SampleCount", "Sum", "Minimum", "Maximum"))
        bucket.add_set(*parts)
    else:
        bucket.add(float(value or 0), 1.0)


def record_metric(
    namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
) -> None:
    """A metric of the embedded services themselves (AWS/Lambda and the like; the signature is MiniStack's)."""
    store_datum(namespace, metric_name, dimensions or {}, cloudwatch.time.time(), unit, float(value), None, None, None)


def _operation(compute: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., tuple]:
    """An operation that speaks the protocols of today's SDKs: JSON and CBOR."""

    def operation(_params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
        if not (is_cbor or is_json):
            return cloudwatch._error("InvalidAction", "this sandbox answers metric queries in JSON or CBOR only", 400)
        try:
            answer = compute(data)
        except ValueError as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        return cloudwatch._cbor_ok(answer) if is_cbor else cloudwatch._json_ok(_plain(answer))

    return operation


def _plain(answer: Any) -> Any:
    """CBOR's tagged timestamps as the epoch seconds that JSON wants."""
    if isinstance(answer, dict):
        return {key: _plain(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_plain(value) for value in answer]
    return int(answer.value) if hasattr(answer, "tag") else answer


def _list_metrics(request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("Dimensions") or []
    found = []
    for namespace, name, dimensions in STORE.metrics():
        if request.get("Namespace", namespace) != namespace or request.get("MetricName", name) != name:
            continue
        has = dict(dimensions)
        if all(d["Name"] in has and d.get("Value", has[d["Name"]]) == has[d["Name"]] for d in wanted):
            pairs = [{"Name": key, "Value": value} for key, value in sorted(dimensions)]
            found.append({"Namespace": namespace, "MetricName": name, "Dimensions": pairs})
    return {"Metrics": found}


def _span(request: dict[str, Any]) -> tuple[float, float]:
    start, end = (cloudwatch._parse_ts(request.get(k)) for k in ("StartTime", "EndTime"))
    if start is None or end is None or start >= end:
        raise ValueError("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _get_metric_statistics(request: dict[str, Any]) -> dict[str, Any]:
    start, end = _span(request)
    key = metric_key(request["Namespace"], request["MetricName"], request.get("Dimensions") or [])
    points = []
    for at, bucket in STORE.periods(key, start, end, int(request["Period"])).items():
        point = {"Timestamp": cloudwatch._cbor_timestamp(at), "Unit": STORE.unit(key)}
        point |= {name: bucket.statistic(name) for name in request.get("Statistics") or []}
        extended = {name: bucket.statistic(name) for name in request.get("ExtendedStatistics") or []}
        points.append(point | ({"ExtendedStatistics": extended} if extended else {}))
    return {"Label": request["MetricName"], "Datapoints": points}


def _get_metric_data(request: dict[str, Any]) -> dict[str, Any]:
    start, end = _span(request)
    queries = request.get("MetricDataQueries") or []
    series = {q["Id"]: _series(q["MetricStat"], start, end) for q in queries if q.get("MetricStat")}
    pending = [q for q in queries if not q.get("MetricStat")]
    while pending:
        ready = [q for q in pending if not _waits_for(q["Expression"], pending)]
        if not ready:
            raise ExpressionError("the expressions refer to one another in a circle")
        for query in ready:
            series[query["Id"]] = _evaluate(query["Expression"], series)
        pending = [q for q in pending if q not in ready]
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    shown = [q for q in queries if q.get("ReturnData", True)]
    return {"MetricDataResults": [_result(q, series[q["Id"]], newest_first) for q in shown]}


def _series(stat: dict[str, Any], start: float, end: float) -> dict[int, float]:
    metric = stat["Metric"]
    key = metric_key(metric["Namespace"], metric["MetricName"], metric.get("Dimensions") or [])
    buckets = STORE.periods(key, start, end, int(stat["Period"]))
    values = {at: bucket.statistic(stat["Stat"]) for at, bucket in buckets.items()}
    return {at: value for at, value in values.items() if value is not None}


def _waits_for(expression: str, pending: list[dict[str, Any]]) -> bool:
    """Whether the expression names one that has no value yet."""
    return any(alarms.mentions(expression, query["Id"]) for query in pending)


def _evaluate(expression: str, series: dict[str, dict[int, float]]) -> dict[int, float]:
    node = compile_expression(expression)
    times = sorted({at for points in series.values() for at in points})
    values = {at: node({name: points.get(at) for name, points in series.items()}) for at in times}
    return {at: value for at, value in values.items() if value is not None and math.isfinite(value)}


def _result(query: dict[str, Any], points: dict[int, float], newest_first: bool) -> dict[str, Any]:
    ordered = sorted(points.items(), reverse=newest_first)
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or query["Id"],
        "Timestamps": [cloudwatch._cbor_timestamp(at) for at, _ in ordered],
        "Values": [float(value) for _, value in ordered],
        "StatusCode": "Complete",
    }
