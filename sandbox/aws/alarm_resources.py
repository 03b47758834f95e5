"""Alarms as MiniStack's API and CloudFormation see them, with what it refuses or drops: metric math, composites."""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from sandbox.aws import cloudformation
from sandbox.aws.expressions import compile_expression
from sandbox.aws.patching import replace

_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def install(app: Any) -> None:
    put = replace(cloudwatch, "_put_metric_alarm", lambda *args: None)
    record = replace(provisioners, "_cw_metric_alarm_record", lambda *args: None)

    def put_metric_alarm(params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
        try:
            check_metrics(data)
        except ValueError as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        answer = put(params, data, is_cbor, is_json)
        if answer[0] == 200 and data.get("Metrics"):
            _make_math(cloudwatch._alarms[data["AlarmName"]], data["Metrics"])
        return answer

    def template_record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        typed = cloudformation.coerce("cloudwatch", "PutMetricAlarm", properties)
        check_metrics(typed)
        if not typed.get("Metrics"):
            return record(name, typed)
        placeholder = {k: v for k, v in typed.items() if k != "Metrics"} | {"MetricName": "-", "Namespace": "-"}
        alarm = record(name, placeholder)
        _make_math(alarm, typed["Metrics"])
        return alarm

    cloudwatch._put_metric_alarm = put_metric_alarm
    provisioners._cw_metric_alarm_record = template_record
    cloudformation.register("AWS::CloudWatch::CompositeAlarm", create, update, delete)


def check_metrics(alarm: dict[str, Any]) -> None:
    """Refuse at creation what the ticker could not evaluate. Raises ValueError."""
    if alarm.get("ThresholdMetricId"):
        raise ValueError("anomaly detection alarms are not supported by the sandbox")
    queries = alarm.get("Metrics") or []
    for query in queries:
        if query.get("Expression"):
            compile_expression(query["Expression"])
    if queries and sum(query.get("ReturnData", True) for query in queries) != 1:
        raise ValueError("Exactly one element of the metrics list should return data.")


def _make_math(alarm: dict[str, Any], queries: list[dict[str, Any]]) -> None:
    for key in _OF_ONE_METRIC:
        alarm.pop(key, None)
    alarm["Metrics"] = queries


def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    name = properties.get("AlarmName") or provisioners._physical_name(stack, logical_id, max_len=255)
    return _put_composite(name, properties)


def update(name: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """A new name replaces the alarm; everything else changes in place and keeps its state."""
    wanted = new.get("AlarmName") or name
    result = _put_composite(wanted, new)
    if wanted != name:
        delete(name, old)
    return result


def delete(name: str, _properties: dict[str, Any]) -> None:
    cloudwatch._composite_alarms.pop(name, None)
    cloudwatch._composite_triggers.pop(name, None)


def _put_composite(name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    request = cloudformation.coerce("cloudwatch", "PutCompositeAlarm", properties) | {"AlarmName": name}
    status, _, body = cloudwatch._put_composite_alarm({}, request, False, True)
    if status >= 400:
        raise ValueError(f"AWS::CloudWatch::CompositeAlarm {name}: {body.decode()}")
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}
