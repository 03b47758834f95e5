"""What an alarm's change of state sets off: the EventBridge event, SNS messages, Lambda functions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge, lambda_svc

from sandbox.aws.patching import replace
from sandbox.aws.resource_policies import lambda_allows, topic_allows
from sandbox.clock import Clock

DETAIL_TYPE = "CloudWatch Alarm State Change"
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_previous: dict[str, dict[str, Any]] = {}

logger = logging.getLogger(__name__)


def timestamp(seconds: float) -> str:
    """A Unix time as the events write it: 2026-01-31T12:00:00.000+0000."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def install(clock: Clock) -> None:
    record = replace(cloudwatch, "_record_history", lambda *args: None)
    dispatch = replace(cloudwatch, "_dispatch_alarm_actions", lambda *args: None)

    def record_and_emit(
        name: str, old: str, new: str, reason: str, kind: str = "MetricAlarm", data: dict[str, Any] | None = None
    ) -> None:
        record(name, old, new, reason, kind, data)
        alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
        if alarm and old != new:
            emit(alarm, old, data, clock.now())

    def dispatch_all(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        if not alarm.get("ActionsEnabled", True):
            return
        actions = alarm.get(_ACTIONS[new]) or []
        topics = [action for action in actions if _topic_allows(alarm, action)]
        dispatch({**alarm, _ACTIONS[new]: topics}, old, new, reason)
        for action in actions:
            if action.startswith("arn:aws:lambda:"):
                _invoke(action, alarm, old, clock.now())

    cloudwatch._record_history = record_and_emit
    cloudwatch._dispatch_alarm_actions = dispatch_all


def emit(alarm: dict[str, Any], old: str, data: dict[str, Any] | None, now: float) -> None:
    """Put the alarm's change of state on the default event bus."""
    detail = _detail(alarm, old, data, now)
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": DETAIL_TYPE,
        "Resources": [alarm["AlarmArn"]],
        "Detail": json.dumps(detail),
    }
    _previous[alarm["AlarmArn"]] = detail["state"]
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _detail(alarm: dict[str, Any], old: str, data: dict[str, Any] | None, now: float) -> dict[str, Any]:
    state = {"value": alarm["StateValue"], "reason": alarm["StateReason"], "timestamp": timestamp(now)}
    if data is not None:
        state["reasonData"] = json.dumps(data)
    elif alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    previous = _previous.get(alarm["AlarmArn"])
    return {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous if previous and previous["value"] == old else {"value": old},
        "configuration": _configuration(alarm),
    }


def _configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return described | {"alarmRule": alarm["AlarmRule"], "actionsEnabled": alarm.get("ActionsEnabled", True)}
    if alarm.get("Metrics"):
        return described | {"metrics": [_metric(query) for query in alarm["Metrics"]]}
    stat = {
        "Metric": {key: alarm.get(key) for key in ("Namespace", "MetricName", "Dimensions")},
        "Period": alarm.get("Period"),
        "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    return described | {"metrics": [_metric({"Id": "m", "MetricStat": stat})]}


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if query.get("Expression"):
        return shown | {"expression": query["Expression"]}
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    named = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions}
    return shown | {"metricStat": {"metric": named, "period": stat["Period"], "stat": stat["Stat"]}}


def _topic_allows(alarm: dict[str, Any], action: str) -> bool:
    """Whether CloudWatch may publish; if the topic's policy forgot it the message is lost, as on AWS."""
    if not action.startswith("arn:aws:sns:"):
        return False
    allowed = topic_allows(action, "cloudwatch.amazonaws.com", alarm["AlarmArn"])
    if not allowed:
        logger.warning("alarm %s: the policy of %s, or its key, keeps CloudWatch out", alarm["AlarmName"], action)
    return allowed


def _invoke(function_arn: str, alarm: dict[str, Any], old: str, now: float) -> None:
    service = "lambda.alarms.cloudwatch.amazonaws.com"
    function, config, name = lambda_svc._get_func_record_for_ref(function_arn)
    if not function or not lambda_allows(function_arn, service, alarm["AlarmArn"]):
        logger.warning("alarm %s: %s may not be invoked", alarm["AlarmName"], name)
        return
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": get_account_id(),
        "time": timestamp(now),
        "region": get_region(),
        "alarmData": _detail(alarm, old, None, now),
    }
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), event)
