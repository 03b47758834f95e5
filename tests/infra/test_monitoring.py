import json
import re

import pytest

from infra.config import Drift
from infra.looks import expression
from infra.model_monitor import ACCOUNTS, REPOSITORY
from infra.monitoring import DEFINITION
from slipway import codec, names
from slipway.windows import Monitor
from tests.infra.synthesis import FRAUD, WAITING, Template, of_type, one, read, synthesize

MACHINE = "AWS::StepFunctions::StateMachine"
ALARM = "AWS::CloudWatch::Alarm"
SCHEDULE = "AWS::Scheduler::Schedule"


@pytest.fixture
def template(templates: dict[str, Template]) -> Template:
    return templates["monitoring"]


def rule(template: Template, source: str, **detail: object) -> dict:
    patterns = [(r, r["EventPattern"]) for r in of_type(template, "AWS::Events::Rule")]
    (found,) = [r for r, p in patterns if p["source"] == [source] and p["detail"].items() >= detail.items()]
    return found


def test_each_hole_of_the_definition_gets_the_function_of_its_name(template: Template) -> None:
    machine = one(template, MACHINE, StateMachineName=names.MONITOR)
    filled = machine["DefinitionSubstitutions"]
    assert machine["DefinitionString"] == DEFINITION.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"])) == set(filled)
    for hole, value in filled.items():
        handler = template["Resources"][value["Fn::GetAtt"][0]]["Properties"]["Handler"]
        assert handler.split(".")[1].title().replace("_", "") == hole


def test_every_task_of_the_definition_is_tried_again_and_ends_in_time() -> None:
    def tasks(states: dict) -> list[dict]:
        inner = [task for state in states.values() for task in tasks(state.get("ItemProcessor", {}).get("States", {}))]
        return [state for state in states.values() if state["Type"] == "Task"] + inner

    definition = json.loads(DEFINITION.read_text())
    found = tasks(definition["States"])
    assert len(found) == 5
    assert all(task["Retry"] and task["TimeoutSeconds"] <= 630 for task in found)
    assert definition["TimeoutSeconds"] == 4 * 3600


def test_a_schedule_hands_the_workflow_settings_that_it_can_read(template: Template) -> None:
    schedule = one(template, SCHEDULE, Name=names.monitor_schedule("fraud"))
    monitor = codec.decode(Monitor, json.loads(schedule["Target"]["Input"])["monitor"])
    assert monitor == Monitor("fraud")
    assert schedule["ScheduleExpression"] == "cron(10 * * * ? *)"
    assert {"DeadLetterConfig", "RetryPolicy", "RoleArn"} <= set(schedule["Target"])


@pytest.mark.parametrize(
    ("window", "settle", "expected"),
    [(60, 10, "10"), (15, 10, "10/15"), (15, 20, "5/15"), (5, 1, "1/5"), (1440, 90, "30"), (1, 1, "0/1")],
)
def test_a_look_comes_when_a_window_has_settled(window: int, settle: int, expected: str) -> None:
    assert expression(Drift(window_minutes=window, settle_minutes=settle)) == f"cron({expected} * * * ? *)"


def test_an_endpoint_back_in_service_is_looked_at_with_the_same_settings(template: Template) -> None:
    deployed = rule(template, "aws.sagemaker", EndpointName=["fraud"], EndpointStatus=["IN_SERVICE"])
    (target,) = deployed["Targets"]
    scheduled = one(template, SCHEDULE, Name=names.monitor_schedule("fraud"))["Target"]["Input"]
    assert json.loads(target["Input"]) == json.loads(scheduled)


def test_captured_objects_are_profiled_for_endpoints_that_slipway_itself_watches(template: Template) -> None:
    below = [{"prefix": "capture/fraud/"}, {"prefix": "capture/returns/"}]
    (target,) = rule(template, "aws.s3", object={"key": below})["Targets"]
    function = template["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert function["FunctionName"] == names.function("profile")


def test_an_endpoint_without_a_model_is_not_looked_at(template: Template) -> None:
    looked_at = {schedule["Name"] for schedule in of_type(template, SCHEDULE)}
    assert looked_at == {names.monitor_schedule(name) for name in ("fraud", "churn")}


@pytest.mark.parametrize("detector", names.DETECTORS)
def test_a_detectors_alarm_reads_the_baseline_and_keeps_its_state_between_looks(
    template: Template, detector: str
) -> None:
    alarm = one(template, ALARM, AlarmName=names.drift_alarm("fraud", detector))
    dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert dimensions == {"EndpointName": "fraud", "VariantName": "baseline", "Detector": detector}
    assert (alarm["Namespace"], alarm["MetricName"], alarm["TreatMissingData"]) == ("Slipway", "Drift", "ignore")
    assert "docs/runbooks/drift.md" in alarm["AlarmDescription"]


def test_people_hear_of_looks_that_fail_or_never_begin(template: Template) -> None:
    for signal in ("failed", "timed-out", "undelivered"):
        alarm = one(template, ALARM, AlarmName=f"{names.MONITOR}-{signal}")
        assert "AlarmActions" in alarm and "docs/runbooks/monitoring-failed.md" in alarm["AlarmDescription"]


def test_model_monitor_describes_requests_and_compares_answers_every_hour(template: Template) -> None:
    schedules = of_type(template, "AWS::SageMaker::MonitoringSchedule")
    assert {s["MonitoringScheduleName"] for s in schedules} == {
        names.data_quality("churn"),
        names.model_quality("churn"),
    }
    assert {s["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"] for s in schedules} == {
        "cron(0 * ? * * *)"
    }
    (data,) = of_type(template, "AWS::SageMaker::DataQualityJobDefinition")
    (model,) = of_type(template, "AWS::SageMaker::ModelQualityJobDefinition")
    assert data["DataQualityJobInput"]["EndpointInput"]["EndpointName"] == "churn"
    labelled = model["ModelQualityJobInput"]["EndpointInput"]
    assert (labelled["StartTimeOffset"], labelled["EndTimeOffset"]) == ("-PT73H", "-PT72H")
    for job in (data["DataQualityJobOutputConfig"], model["ModelQualityJobOutputConfig"]):
        uri = job["MonitoringOutputs"][0]["S3Output"]["S3Uri"]["Fn::Join"][1][-1]
        assert uri == "/monitoring/churn/model-monitor" and "KmsKeyId" in job


def test_model_monitors_image_is_the_one_of_the_region(template: Template) -> None:
    mapping = template["Mappings"]["AnalyzerRegistry"]
    assert {region: row["Account"] for region, row in mapping.items()} == ACCOUNTS
    (data,) = of_type(template, "AWS::SageMaker::DataQualityJobDefinition")
    assert data["DataQualityAppSpecification"]["ImageUri"]["Fn::Join"][1][-1] == f"/{REPOSITORY}"


def test_where_nothing_is_watched_there_is_no_stack(tmp_path: object) -> None:
    off = [{**FRAUD, "monitor": "off"}, {**WAITING, "monitor": "off"}]
    assert "monitoring" not in read(synthesize(tmp_path / "off", {"endpoints": off}))  # type: ignore[operator]
