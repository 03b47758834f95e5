"""Alarms from PutMetricData to what they set off."""

import json
import time
from datetime import UTC, datetime

import pytest

from tests.sandbox.conftest import ACCOUNT, ARN, eventually

pytestmark = pytest.mark.sandbox
PERIOD = 60


class Variant:
    """One variant's metrics and alarms, in a namespace of the test's own."""

    def __init__(self, gateway, unique):
        self.gateway, self.namespace = gateway, f"T/{unique}"
        self.cloudwatch = gateway.client("cloudwatch")
        self.dimensions = [{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "candidate"}]

    def put(self, name, values, counts=None, at=None, dimensions=None):
        datum = {
            "MetricName": name,
            "Dimensions": dimensions or self.dimensions,
            "Timestamp": datetime.fromtimestamp(at or self.gateway.clock.now(), UTC),
            "Values": values,
            "Counts": counts or [1.0] * len(values),
        }
        self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def alarm(self, name, metric="Errors", **settings):
        defaults = {
            "Namespace": self.namespace,
            "MetricName": metric,
            "Dimensions": self.dimensions,
            "Statistic": "Average",
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": 0.05,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        if "Metrics" in settings or "ExtendedStatistic" in settings:
            defaults.pop("Statistic")
        if "Metrics" in settings:
            for key in ("Namespace", "MetricName", "Dimensions", "Period"):
                defaults.pop(key)
        self.cloudwatch.put_metric_alarm(AlarmName=name, **(defaults | settings))

    def state(self, name):
        found = self.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return (found["MetricAlarms"] + found["CompositeAlarms"])[0]["StateValue"]


@pytest.fixture
def variant(gateway, unique):
    return Variant(gateway, unique)


def test_an_alarm_sees_its_own_dimensions_only(variant, unique):
    variant.alarm(f"a-{unique}")
    baseline = [{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "baseline"}]
    variant.put("Errors", [0.0, 1.0], [50, 50], dimensions=baseline)
    variant.put("Errors", [0.0, 1.0], [99, 1])
    eventually(lambda: variant.state(f"a-{unique}") == "OK", within=5)
    variant.put("Errors", [0.0, 1.0], [90, 10])
    eventually(lambda: variant.state(f"a-{unique}") == "ALARM", within=5)


def test_a_percentile_alarm_and_a_math_alarm(variant, unique):
    variant.alarm(f"p-{unique}", "Latency", ExtendedStatistic="p90", Threshold=1000)
    ratio = [
        {"Id": "rate", "Expression": "IF(n >= 50, e / n, 0)", "ReturnData": True},
        *(
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": variant.namespace,
                        "MetricName": metric,
                        "Dimensions": variant.dimensions,
                    },
                    "Period": PERIOD,
                    "Stat": "Sum",
                },
                "ReturnData": False,
            }
            for name, metric in (("e", "Faults"), ("n", "Requests"))
        ),
    ]
    variant.alarm(f"m-{unique}", Metrics=ratio, Threshold=0.1)
    variant.put("Latency", [500.0, 5000.0], [85, 15])
    variant.put("Faults", [1.0], [20])
    variant.put("Requests", [1.0], [100])
    eventually(lambda: variant.state(f"p-{unique}") == "ALARM", within=5)
    eventually(lambda: variant.state(f"m-{unique}") == "ALARM", within=5)


def test_silence_is_treated_as_the_alarm_says(variant, unique):
    for mode in ("missing", "breaching", "notBreaching"):
        variant.alarm(f"{mode}-{unique}", "Nothing", TreatMissingData=mode)
    eventually(lambda: variant.state(f"breaching-{unique}") == "ALARM", within=5)
    assert variant.state(f"notBreaching-{unique}") == "OK"
    assert variant.state(f"missing-{unique}") == "INSUFFICIENT_DATA"


def test_a_composite_alarm_reaches_a_function_through_eventbridge(gateway, variant, unique, function):
    bucket = f"events-{unique}"
    gateway.client("s3").create_bucket(Bucket=bucket)
    source = f"""
        import boto3, json
        def handler(event, context):
            boto3.client("s3").put_object(Bucket={bucket!r}, Key="event.json", Body=json.dumps(event))
    """
    arn = function(source, ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    composite = f"composite-{unique}"
    variant.alarm(f"a-{unique}")
    variant.cloudwatch.put_composite_alarm(AlarmName=composite, AlarmRule=f'ALARM("a-{unique}")')
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [composite], "state": {"value": ["ALARM"]}}}
    events = gateway.client("events")
    rule = events.put_rule(Name=f"r-{unique}", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=f"r-{unique}", Targets=[{"Id": "f", "Arn": arn}])
    gateway.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    variant.put("Errors", [1.0], [10])
    s3 = gateway.client("s3")
    eventually(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"])
    event = json.loads(s3.get_object(Bucket=bucket, Key="event.json")["Body"].read())
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [f"arn:aws:cloudwatch:{ARN}:alarm:{composite}"]
    assert event["detail"]["state"]["value"] == "ALARM"
    assert f":alarm:a-{unique}" in event["detail"]["state"]["reasonData"]
    assert event["detail"]["previousState"]["value"] == "OK"
    at = datetime.strptime(event["detail"]["state"]["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    assert at == pytest.approx(gateway.clock.now(), abs=900)


def test_a_rule_without_permission_does_not_reach_its_function(gateway, unique, function):
    arn = function("def handler(event, context): return 1")
    events = gateway.client("events")
    events.put_rule(Name=f"r-{unique}", EventPattern=json.dumps({"source": [f"s-{unique}"]}))
    events.put_targets(Rule=f"r-{unique}", Targets=[{"Id": "f", "Arn": arn}])
    events.put_events(Entries=[{"Source": f"s-{unique}", "DetailType": "t", "Detail": "{}"}])
    time.sleep(1.5)
    groups = gateway.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{arn.rsplit(':', 1)[-1]}")
    assert groups["logGroups"] == []


def test_set_alarm_state_writes_history_and_publishes(gateway, variant, unique):
    topic = gateway.client("sns").create_topic(Name=f"t-{unique}")["TopicArn"]
    gateway.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    variant.alarm(f"a-{unique}", AlarmActions=[topic])
    eventually(lambda: variant.state(f"a-{unique}") == "OK", within=5)
    variant.cloudwatch.set_alarm_state(AlarmName=f"a-{unique}", StateValue="ALARM", StateReason="by hand")
    history = variant.cloudwatch.describe_alarm_history(AlarmName=f"a-{unique}")["AlarmHistoryItems"]
    assert "Alarm updated from OK to ALARM" in [item["HistorySummary"] for item in history]
    assert history[0]["Timestamp"].timestamp() == pytest.approx(gateway.clock.now(), abs=900)
    messages = eventually(lambda: [m for m in _notifications(gateway) if m["topic"] == topic])
    assert messages[0]["subject"].startswith(f'ALARM: "a-{unique}"')
    assert messages[0]["at"] == pytest.approx(gateway.clock.now(), abs=900)


@pytest.mark.parametrize("key_lets_cloudwatch_in", [False, True])
def test_an_encrypted_topic_hears_of_alarms_only_if_its_key_lets_cloudwatch_in(
    gateway, variant, unique, key_lets_cloudwatch_in
):
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    ]
    if key_lets_cloudwatch_in:
        service = {"Service": "cloudwatch.amazonaws.com"}
        actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
        statements.append({"Effect": "Allow", "Principal": service, "Action": actions, "Resource": "*"})
    key = gateway.client("kms").create_key(Policy=json.dumps({"Statement": statements}))["KeyMetadata"]["Arn"]
    topic = gateway.client("sns").create_topic(Name=f"t-{unique}", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    variant.alarm(f"a-{unique}", AlarmActions=[topic])
    variant.cloudwatch.set_alarm_state(AlarmName=f"a-{unique}", StateValue="ALARM", StateReason="by hand")
    assert len([m for m in _notifications(gateway) if m["topic"] == topic]) == key_lets_cloudwatch_in


def test_metric_math_in_get_metric_data(variant):
    at = variant.gateway.clock.now() // 60 * 60 - 600
    variant.put("Errors", [1.0], [5], at=at)
    variant.put("Requests", [1.0], [100], at=at)

    def stat(name, metric):
        found = {"Namespace": variant.namespace, "MetricName": metric, "Dimensions": variant.dimensions}
        return {"Id": name, "MetricStat": {"Metric": found, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    queries = [
        stat("e", "Errors"),
        stat("n", "Requests"),
        {"Id": "percent", "Expression": "ratio * 100"},
        {"Id": "ratio", "Expression": "e / n", "ReturnData": False},
    ]
    results = variant.cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=datetime.fromtimestamp(at - 60, UTC),
        EndTime=datetime.fromtimestamp(at + 60, UTC),
    )["MetricDataResults"]
    assert [(result["Id"], result["Values"]) for result in results] == [("percent", [5.0])]
    assert results[0]["Timestamps"][0].timestamp() == at


def test_a_full_minute_of_put_metric_data_is_fast(variant):
    values = [float(number) for number in range(150)]
    started = time.perf_counter()
    for _ in range(20):
        variant.put("Latency", values)
    assert time.perf_counter() - started < 2


def _notifications(gateway):
    import urllib.request

    with urllib.request.urlopen(f"{gateway.url}/_sandbox/notifications?since=0") as answer:
        return json.loads(answer.read())
