"""CloudWatch alarms on virtual time: dimensions, M of N, missing data, percentiles, metric math, composites.

A ticker evaluates every metric alarm about four times a virtual minute. It looks at *complete* periods only: the
current one is partial, and AWS doesn't judge on it either. Data that comes in late is seen by the next evaluation.
Composite alarms follow at once, by MiniStack's rule evaluator.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from sandbox.aws import alarm_actions, alarm_resources, background
from sandbox.aws.alarm_state import ALARM, INSUFFICIENT_DATA, KEEP, Rule, decide
from sandbox.aws.expressions import compile_expression
from sandbox.aws.metric_store import MetricStore
from sandbox.aws.patching import replace
from sandbox.clock import Clock

EVALUATION_INTERVAL = 15.0  # virtual seconds
FASTEST_TICK = 0.2  # real seconds
EXTRA_PERIODS = 2  # how much further than EvaluationPeriods an alarm looks back for data

logger = logging.getLogger(__name__)

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def install(app: Any, clock: Clock, store: MetricStore) -> None:
    replace(cloudwatch, "_evaluate_alarm", lambda alarm: None)
    replace(cloudwatch, "_evaluate_all_alarms", lambda: None)
    alarm_actions.install(clock)
    alarm_resources.install(app)
    background.every(max(FASTEST_TICK, clock.real(EVALUATION_INTERVAL)), lambda: evaluate_all(store, clock.now()))
    background.every(60.0, lambda: store.evict(clock.now()))


def evaluate_all(store: MetricStore, now: float) -> None:
    """Evaluate every metric alarm of every account and region. One bad alarm doesn't stop the others."""
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    for (account, region, _name), alarm in list(cloudwatch._alarms._data.items()):
        with request_scope(account, region):
            try:
                evaluate(alarm, store, now)
            except Exception:
                logger.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))


def evaluate(alarm: dict[str, Any], store: MetricStore, now: float) -> None:
    """Move one metric alarm to the state that its data call for."""
    periods = int(alarm["EvaluationPeriods"])
    points = series(alarm, store, now, periods + EXTRA_PERIODS)
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    verdicts = [None if value is None else breaches(value, threshold) for _, value in points]
    rule = Rule(periods, int(alarm.get("DatapointsToAlarm") or periods), alarm.get("TreatMissingData") or "missing")
    state = decide(rule, verdicts)
    if state not in (KEEP, alarm["StateValue"]):
        used = [(at, value) for at, value in points if value is not None][:periods]
        _transition(alarm, state, _reason(alarm, state, used), used, now)


def series(alarm: dict[str, Any], store: MetricStore, now: float, count: int) -> list[tuple[int, float | None]]:
    """The alarm's last `count` complete periods, newest first, as (period start, value or None)."""
    queries = alarm.get("Metrics") or [{"Id": "m", "ReturnData": True, "MetricStat": _metric_stat(alarm)}]
    stats = {q["Id"]: q["MetricStat"] for q in queries if q.get("MetricStat")}
    period = period_of(queries)
    newest = int(now // period) * period - period
    starts = [newest - i * period for i in range(count)]
    (result,) = [q for q in queries if q.get("ReturnData", True)]
    expressions = {q["Id"]: q["Expression"] for q in queries if q.get("Expression")}
    return [(at, _value(result["Id"], stats, expressions, store, at, period)) for at in starts]


def period_of(queries: list[dict[str, Any]]) -> int:
    """The period of an alarm in seconds: the longest of its parts."""
    return max(int(q["MetricStat"]["Period"] if q.get("MetricStat") else q.get("Period") or 1) for q in queries)


def mentions(expression: str, metric_id: str) -> bool:
    return re.search(rf"\b{re.escape(metric_id)}\b", expression) is not None


def _metric_stat(alarm: dict[str, Any]) -> dict[str, Any]:
    keys = ("Namespace", "MetricName", "Dimensions")
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return {"Metric": {key: alarm.get(key) for key in keys}, "Period": alarm["Period"], "Stat": stat}


def _value(
    wanted: str, stats: dict[str, Any], expressions: dict[str, str], store: MetricStore, at: int, period: int
) -> float | None:
    """The value of one metric or expression in the period that starts `at`."""
    if wanted in stats:
        stat = stats[wanted]
        metric = stat["Metric"]
        dimensions = frozenset((d["Name"], d["Value"]) for d in metric.get("Dimensions") or [])
        bucket = store.period((metric["Namespace"], metric["MetricName"], dimensions), at, period)
        return bucket.statistic(stat["Stat"]) if bucket else None
    text = expressions[wanted]
    names = [name for name in (*stats, *expressions) if name != wanted and mentions(text, name)]
    point = {name: _value(name, stats, expressions, store, at, period) for name in names}
    return compile_expression(text)(point)


def _reason(alarm: dict[str, Any], state: str, used: list[tuple[int, float]]) -> str:
    if state == INSUFFICIENT_DATA:
        return "Insufficient Data: no datapoints were received for the evaluated periods."
    values = ", ".join(f"{value:.6g}" for _, value in used) or "missing data"
    outcome = "crossed" if state == ALARM else "did not cross"
    return (
        f"Threshold {'Crossed' if state == ALARM else 'not crossed'}: datapoints [{values}] {outcome} the threshold "
        f"({alarm['ComparisonOperator']} {float(alarm['Threshold']):g})."
    )


def _transition(alarm: dict[str, Any], state: str, reason: str, used: list[tuple[int, float]], now: float) -> None:
    old = alarm["StateValue"]
    data = {
        "version": "1.0",
        "queryDate": alarm_actions.timestamp(now),
        "threshold": float(alarm["Threshold"]),
        "recentDatapoints": [value for _, value in reversed(used)],
        "evaluatedDatapoints": [{"timestamp": alarm_actions.timestamp(at), "value": value} for at, value in used],
    }
    alarm.update(
        StateValue=state,
        StateReason=reason,
        StateReasonData=json.dumps(data),
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason, "MetricAlarm", data)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
