import json
import re
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from infra import images, spark_image
from infra.config import Drift
from infra.looks import expression
from infra.model_monitor import ACCOUNTS, REPOSITORY
from infra.monitoring import DEFINITION
from lambdas.aws import label_jobs
from slipway import codec, names
from slipway.windows import Monitor
from tests.infra.synthesis import FRAUD, WAITING, Template, of_type, one, read, statements, synthesize, text
from tests.infra.test_permissions import role_of

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
    functions = {"PlanWindows", "MergeWindow", "LabelWindow", "Probe", "DetectDrift"}
    labelling = {"JobsRole", "JobsImage", "CodeUri", "CodeFile", "AppUri", "AppFile"}
    assert set(filled) - functions == labelling | {"HoldoutRole", "ProgramUri", "ProgramFile", "Key"}
    for hole, value in ((hole, filled[hole]) for hole in functions):
        handler = template["Resources"][value["Fn::GetAtt"][0]]["Properties"]["Handler"]
        assert handler.split(".")[1].title().replace("_", "") == hole


def tasks(states: dict) -> dict[str, dict]:
    """By name, those inside of a Map too."""
    found = {name: state for name, state in states.items() if state["Type"] == "Task"}
    for state in states.values():
        found |= tasks(state.get("ItemProcessor", {}).get("States", {}))
    return found


def jobs() -> dict[str, dict]:
    found = tasks(json.loads(DEFINITION.read_text())["States"])
    return {name: task for name, task in found.items() if "createProcessingJob.sync" in task["Resource"]}


def test_every_task_of_the_definition_is_tried_again_and_ends_in_time() -> None:
    definition = json.loads(DEFINITION.read_text())
    found = tasks(definition["States"])
    assert len(found) == 5 + len(jobs()) == 8
    assert all(task["Retry"] for task in found.values())
    assert all(task["TimeoutSeconds"] <= 630 for name, task in found.items() if name not in jobs())
    assert definition["TimeoutSeconds"] == 4 * 3600


def test_jobs_end_before_their_task_does_and_a_failed_one_is_not_run_again_at_once() -> None:
    for name, task in jobs().items():
        assert task["Parameters"]["StoppingCondition"]["MaxRuntimeInSeconds"] < task["TimeoutSeconds"] < 4 * 3600
        tried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        assert tried == {"SageMaker.ThrottlingException", "SageMaker.ResourceLimitExceededException"}
        caught = [(catch["ErrorEquals"], catch["Next"]) for catch in task["Catch"]]
        done, failed = ("UnderWay", "NotCompared") if name == "CompareHoldout" else ("Labelled", "NotLabelled")
        assert caught == [(["SageMaker.ResourceInUseException"], done), (["States.ALL"], failed)]


def test_a_window_that_was_given_up_is_not_asked_for_again_in_the_same_look() -> None:
    retry = tasks(json.loads(DEFINITION.read_text())["States"])["LabelWindow"]["Retry"]
    assert retry[0] == {"ErrorEquals": [label_jobs.Unjoined.__name__], "MaxAttempts": 0}


@pytest.mark.parametrize("room", ["JoinLabels", "CompareHoldouts"])
def test_every_state_of_what_jobs_do_is_reached_and_leads_to_one_that_exists(room: str) -> None:
    processor = json.loads(DEFINITION.read_text())["States"][room]["ItemProcessor"]
    states, reached = processor["States"], {processor["StartAt"]}
    for state in states.values():
        branches = [state, *state.get("Choices", ()), *state.get("Catch", ())]
        reached |= {branch[key] for branch in branches for key in ("Next", "Default") if key in branch}
    assert reached == set(states)


def test_jobs_bear_the_key_their_owners_tag_and_what_sagemaker_takes() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateProcessingJob")
    said = {"name": "fraud-label-b-202604181200-1", "folder": "s3://b/jobs/f", "output": "s3://b/o"}
    given = {
        "$.result.said.job.volume": 30,
        "$.result.said.job.instance_type": "ml.m5.xlarge",
        "$.result.said.job.arguments": ["profile"],
        "$.monitor.endpoint": "fraud",
        **{f"$.result.said.job.{key}": value for key, value in said.items()},
        **{f"$.job.{key}": value for key, value in said.items()},
        **{f"$.job.{key}": f"s3://b/{key}" for key in ("holdout", "model")},
        "$.job.volume": 30,
        "$.job.arguments": ["--joint"],
        "$.monitor.job_instance_type": "ml.m5.xlarge",
        "$.monitor.image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    }

    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {k.removesuffix(".$"): _path(v, given) if k.endswith(".$") else filled(v) for k, v in value.items()}
        if isinstance(value, str):
            return re.sub(r"\$\{\w+\}", "arn:aws:iam::123456789012:role/x", value)
        return [filled(inner) for inner in value] if isinstance(value, list) else value

    for task in jobs().values():
        report = ParamValidator().validate(filled(task["Parameters"]), shape.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert json.dumps(task["Parameters"]).count("${Key}") == 2, "volume and output"
        assert [tag["Key"] for tag in task["Parameters"]["Tags"]] == [names.ENDPOINT_TAG]


def _path(text: str, given: dict[str, object]) -> object:
    form = re.fullmatch(r"States.Format\('\{\}(.*)', (.*)\)", text)
    return f"{given[form[2]]}{form[1]}" if form else given[text]


def test_one_job_is_alone_and_has_no_network_and_the_other_is_a_cluster() -> None:
    one, many = (jobs()[name]["Parameters"] for name in ("JoinInOneProcess", "JoinOnSpark"))
    assert one["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert many["NetworkConfig"] == {"EnableInterContainerTrafficEncryption": True}
    assert [p["ProcessingResources"]["ClusterConfig"]["InstanceCount"] for p in (one, many)] == [1, 2]


def test_the_workflow_may_run_its_endpoints_jobs_each_kind_under_its_role(templates: dict[str, Template]) -> None:
    allowed = {action: s["Resource"] for s in role_of(templates, "WorkflowMachine") for action in s["Action"]}
    assert all(r.endswith(("-label-*", "-holdout-*")) for r in allowed["sagemaker:CreateProcessingJob"])
    assert "sagemaker:CreateTrainingJob" not in allowed
    passed = sorted(allowed["iam:PassRole"])
    assert len(passed) == 2 and "HoldoutRole" in passed[0] and "LabelRole" in passed[1]
    assert [r.rsplit("/", 1)[-1] for r in allowed["events:PutRule"]] == [
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule"
    ]


def test_label_jobs_write_labelled_windows_and_nothing_else(templates: dict[str, Template]) -> None:
    policies = {n: r for n, r in templates["state"]["Resources"].items() if n.startswith("LabelRoleDefaultPolicy")}
    written = [r for s in statements({"Resources": policies}) if "s3:PutObject" in s["Action"] for r in s["Resource"]]
    assert {r.rsplit("<", 1)[-1].partition("/")[2] for r in written} == {
        f"monitoring/{name}/labelled/*" for name in ("fraud", "churn", "returns")
    }


def test_a_comparison_writes_beside_baselines_and_nothing_else(templates: dict[str, Template]) -> None:
    policies = {n: r for n, r in templates["state"]["Resources"].items() if n.startswith("HoldoutRoleDefaultPolicy")}
    written = [r for s in statements({"Resources": policies}) if "s3:PutObject" in s["Action"] for r in s["Resource"]]
    assert {r.rsplit("<", 1)[-1].partition("/")[2] for r in written} == {
        f"monitoring/{name}/baselines/*" for name in ("fraud", "churn", "returns")
    }


def test_sparks_image_is_the_one_of_the_region_and_no_region_fails_to_deploy(template: Template) -> None:
    mapping = {region: row["Account"] for region, row in template["Mappings"]["SparkRegistry"].items()}
    assert mapping.items() >= spark_image.ACCOUNTS.items()
    assert set(mapping) >= set(images.ACCOUNTS)


def test_a_schedule_hands_the_workflow_settings_that_it_can_read(template: Template) -> None:
    schedule = one(template, SCHEDULE, Name=names.monitor_schedule("fraud"))
    monitor = codec.decode(Monitor, json.loads(text(schedule["Target"]["Input"]))["monitor"])
    assert monitor == Monitor("fraud", image=monitor.image)
    assert monitor.image.endswith("/sagemaker-xgboost:3.2-0")
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
    assert json.loads(text(target["Input"])) == json.loads(text(scheduled))


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


def test_where_nothing_is_watched_there_is_no_stack_and_what_it_imports_is_there_all_the_same(tmp_path: Path) -> None:
    on, off = ([{**FRAUD, "monitor": monitor}, {**WAITING, "monitor": monitor}] for monitor in ("slipway", "off"))
    with_it, without = (
        read(synthesize(tmp_path / name, {"endpoints": listed})) for name, listed in (("on", on), ("off", off))
    )
    assert "monitoring" in with_it and "monitoring" not in without
    assert exports(with_it["state"]) == exports(without["state"])


def exports(template: Template) -> set[str]:
    return {output["Export"]["Name"] for output in template["Outputs"].values() if "Export" in output}
