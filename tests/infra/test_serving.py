import json
from pathlib import Path

import pytest

from slipway import frame, names
from tests.infra.synthesis import FRAUD, Template, of_type, one, read, synthesize

FIRST = ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint")
OTHER = {
    **FRAUD,
    "instance_type": "ml.c5.xlarge",
    "initial_instance_count": 2,
    "max_instance_count": 8,
    "image": "3.0-5",
    "first_model": "s3://a-bucket/models/other/model.tar.gz",
    "plan": "blue-green",
    "capture_percentage": 10,
    "alarms": {"error_rate": 0.5, "latency_p90_ms": 50},
    "target_invocations_per_instance": 10,
    "keep_old_config_days": 1,
    "retraining": {"enabled": False},
}


def first_deployment(template: Template) -> list[dict]:
    return [p for kind in FIRST for p in of_type(template, kind)]


def test_no_setting_reaches_the_model_the_config_or_the_endpoint_but_through_the_frame(tmp_path: Path) -> None:
    before = read(synthesize(tmp_path / "before", {"endpoints": [FRAUD]}))["serving"]
    after = read(synthesize(tmp_path / "after", {"endpoints": [OTHER]}))["serving"]
    assert first_deployment(after) == first_deployment(before)
    assert one(after, "Custom::SlipwayFrame") != one(before, "Custom::SlipwayFrame")


def test_the_frame_is_what_the_core_can_parse(templates: dict[str, Template]) -> None:
    given = one(templates["serving"], "Custom::SlipwayFrame", Endpoint="fraud")
    parsed = frame.parse({name: value if isinstance(value, str) else "token" for name, value in given.items()})
    assert (parsed.endpoint, parsed.instance_type, parsed.max_instance_count) == ("fraud", "ml.m5.large", 4)
    assert parsed.plan.name == "canary"


def test_the_model_config_and_endpoint_ask_the_frame_for_what_it_answers(templates: dict[str, Template]) -> None:
    text = json.dumps(first_deployment(templates["serving"]))
    resources = templates["serving"]["Resources"]
    frames = [name for name, resource in resources.items() if resource["Type"] == "Custom::SlipwayFrame"]
    asked = {key for name in frames for key in frame.FROZEN if json.dumps({"Fn::GetAtt": [name, key]}) in text}
    assert asked == set(frame.FROZEN)
    assert text.count('"Image"') == len(frames) * 2  # the property, and the attribute it comes from


def test_the_function_behind_the_frame_has_its_rights_before_it_is_called(templates: dict[str, Template]) -> None:
    resources = templates["serving"]["Resources"]
    (function,) = [name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Function"]
    (policy,) = [name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Policy"]
    assert policy in resources[function]["DependsOn"]
    for resource in resources.values():
        if resource["Type"] == "Custom::SlipwayFrame":
            assert function in resource["DependsOn"]


def test_traffic_is_captured_readable_and_encrypted(templates: dict[str, Template]) -> None:
    capture = one(templates["serving"], FIRST[1], EndpointConfigName="fraud-first")["DataCaptureConfig"]
    assert capture["EnableCapture"] is True
    assert "KmsKeyId" in capture
    assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]
    header = capture["CaptureContentTypeHeader"]
    assert header == {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}


def test_the_first_config_has_one_variant_which_is_the_baseline(templates: dict[str, Template]) -> None:
    (variant,) = one(templates["serving"], FIRST[1], EndpointConfigName="fraud-first")["ProductionVariants"]
    assert (variant["VariantName"], variant["InitialVariantWeight"]) == ("baseline", 1)


def test_the_baseline_scales_on_requests_and_releases_meet_the_same_policy(templates: dict[str, Template]) -> None:
    target = one(
        templates["serving"],
        "AWS::ApplicationAutoScaling::ScalableTarget",
        ResourceId="endpoint/fraud/variant/baseline",
    )
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    policy = one(
        templates["serving"], "AWS::ApplicationAutoScaling::ScalingPolicy", PolicyName="slipway-fraud-baseline"
    )
    metric = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert metric == {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


def test_an_endpoint_without_a_model_waits_and_synth_says_how_to_get_one(
    assembly: Path, templates: dict[str, Template]
) -> None:
    assert {e["EndpointName"] for e in of_type(templates["serving"], FIRST[2])} == {"fraud", "churn"}
    assert "returns" not in json.dumps(of_type(templates["serving"], "AWS::CloudWatch::Alarm"))
    notes = "".join(path.read_text() for path in assembly.glob("*.metadata.json"))
    assert "set first_model to the model.tar.gz" in notes


@pytest.mark.parametrize("role", names.ROLES)
@pytest.mark.parametrize("signal", names.SIGNALS)
def test_an_alarm_reads_one_variant_and_takes_silence_for_health(
    templates: dict[str, Template], role: str, signal: str
) -> None:
    alarm = one(templates["serving"], "AWS::CloudWatch::Alarm", AlarmName=names.alarm("fraud", role, signal))
    dimensions = [{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": role}]
    metrics = [m["MetricStat"] for m in alarm["Metrics"] if "MetricStat" in m]
    assert "Invocations" in {m["Metric"]["MetricName"] for m in metrics}
    assert all(m["Metric"]["Dimensions"] == dimensions and m["Period"] == 60 for m in metrics)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert f"docs/runbooks/{signal}.md" in alarm["AlarmDescription"]


@pytest.mark.parametrize(
    ("signal", "metric", "statistic", "expression", "threshold", "minutes"),
    [
        (names.ERROR_RATE, "Invocation5XXErrors", "Sum", "errors / invocations", 0.1, 2),
        (names.MODEL_ERRORS, "InvocationModelErrors", "Sum", "(errors - refused) / invocations", 0.1, 2),
        (names.LATENCY, "ModelLatency", "p90", "latency", 500_000, 3),
    ],
)
def test_an_alarm_is_a_rate_or_microseconds_and_needs_twenty_requests(
    templates: dict[str, Template],
    signal: str,
    metric: str,
    statistic: str,
    expression: str,
    threshold: float,
    minutes: int,
) -> None:
    alarm = one(templates["serving"], "AWS::CloudWatch::Alarm", AlarmName=names.alarm("fraud", "candidate", signal))
    (formula,) = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    (value,) = [m["MetricStat"] for m in alarm["Metrics"] if m["Id"] in ("errors", "latency")]
    assert formula == f"IF(invocations >= 20, {expression}, 0)"
    assert (value["Metric"]["MetricName"], value["Stat"]) == (metric, statistic)
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (threshold, minutes, 3)


@pytest.mark.parametrize("role", names.ROLES)
def test_a_composite_fires_while_any_of_its_roles_alarms_does(templates: dict[str, Template], role: str) -> None:
    resources = templates["serving"]["Resources"]
    composite = one(templates["serving"], "AWS::CloudWatch::CompositeAlarm", AlarmName=names.alarm("fraud", role))
    parts = composite["AlarmRule"]["Fn::Join"][1]
    referred = {resources[part["Fn::GetAtt"][0]]["Properties"]["AlarmName"] for part in parts if isinstance(part, dict)}
    assert referred == {names.alarm("fraud", role, signal) for signal in names.SIGNALS}
    assert "".join(part for part in parts if isinstance(part, str)).count(" OR ") == 2


def test_people_hear_of_the_baseline_and_the_rollback_hears_of_the_candidate(templates: dict[str, Template]) -> None:
    composites = of_type(templates["serving"], "AWS::CloudWatch::CompositeAlarm")
    assert {c["AlarmName"] for c in composites if "AlarmActions" in c} == {
        "slipway-fraud-baseline",
        "slipway-churn-baseline",
    }


def test_what_belongs_to_an_endpoint_is_tagged_with_it(templates: dict[str, Template]) -> None:
    tag = {"Key": names.ENDPOINT_TAG, "Value": "fraud"}
    tagged = [first for first in first_deployment(templates["serving"]) if tag in first["Tags"]]
    assert len(tagged) == 3
