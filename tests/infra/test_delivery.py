import json
import re

from infra.promotion import DEFINITION
from slipway import names
from tests.infra.synthesis import Template, of_type, one

MACHINE = "AWS::StepFunctions::StateMachine"
ALARM = "AWS::CloudWatch::Alarm"


def rule(template: Template, detail_type: str, nth: int = 0) -> dict:
    patterned = [r for r in of_type(template, "AWS::Events::Rule") if "EventPattern" in r]
    return [r for r in patterned if r["EventPattern"]["detail-type"] == [detail_type]][nth]


def test_every_hole_of_the_definition_is_filled_and_nothing_else_is_given(templates: dict[str, Template]) -> None:
    machine = one(templates["delivery"], MACHINE, StateMachineName=names.PROMOTION)
    assert set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"])) == set(machine["DefinitionSubstitutions"])


def test_the_definition_is_deployed_as_it_lies_in_the_repository(templates: dict[str, Template]) -> None:
    assert (
        one(templates["delivery"], MACHINE, StateMachineName=names.PROMOTION)["DefinitionString"]
        == DEFINITION.read_text()
    )


def test_each_hole_gets_the_function_of_its_name(templates: dict[str, Template]) -> None:
    resources = templates["delivery"]["Resources"]
    filled = one(templates["delivery"], MACHINE, StateMachineName=names.PROMOTION)["DefinitionSubstitutions"]
    verbs = {"Admit": "admit", "Shift": "shift", "Judge": "judge", "Settle": "settle", "RollBack": "roll_back"}
    for hole, verb in verbs.items():
        function = resources[filled[hole]["Fn::GetAtt"][0]]["Properties"]
        assert function["Handler"] == f"lambdas.{verb}.handler"
    assert filled["Promotion"]["Fn::Join"][1][-1] == f":stateMachine:{names.PROMOTION}"


def test_whatever_a_step_of_the_state_machine_raises_leads_somewhere() -> None:
    states = json.loads(DEFINITION.read_text())["States"]
    caught = {name: state["Catch"][-1] for name, state in states.items() if "Catch" in state}
    assert {name for name, state in states.items() if state["Type"] == "Task"} - set(caught) == {"HandOver"}
    assert all(catch["ErrorEquals"] == ["States.ALL"] for catch in caught.values())
    assert caught["Admit"]["Next"] == "TellNotAdmitted", "nothing was touched: there is nothing to roll back"


def test_the_state_machine_is_traced_and_logs_everything(templates: dict[str, Template]) -> None:
    machine = one(templates["delivery"], MACHINE, StateMachineName=names.PROMOTION)
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"


def test_an_approved_package_of_ours_starts_a_promotion_with_its_arn(templates: dict[str, Template]) -> None:
    approved = rule(templates["delivery"], "SageMaker Model Package State Change")
    groups = ["fraud", "churn", "returns"]
    detail = {"ModelApprovalStatus": ["Approved"], "ModelPackageGroupName": groups}
    assert (approved["EventPattern"]["source"], approved["EventPattern"]["detail"]) == (["aws.sagemaker"], detail)
    (target,) = approved["Targets"]
    ((path_name, path),) = target["InputTransformer"]["InputPathsMap"].items()
    assert path == "$.detail.ModelPackageArn"
    assert target["InputTransformer"]["InputTemplate"] == f'{{"model_package_arn":<{path_name}>}}'


def test_a_candidates_alarm_and_an_abort_go_straight_to_roll_back(templates: dict[str, Template]) -> None:
    template = templates["delivery"]
    alarmed = rule(template, "CloudWatch Alarm State Change")
    watched = [names.alarm(endpoint, names.CANDIDATE) for endpoint in ("fraud", "churn", "returns")]
    assert alarmed["EventPattern"]["detail"] == {"alarmName": watched, "state": {"value": ["ALARM"]}}
    aborted = rule(template, names.ABORT_REQUESTED)
    assert aborted["EventPattern"]["source"] == [names.EVENT_SOURCE]
    for started in (alarmed, aborted):
        (target,) = started["Targets"]
        function = template["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
        assert function["FunctionName"] == names.function("roll_back")


def test_an_event_that_reaches_nobody_is_kept_and_people_hear_of_it(templates: dict[str, Template]) -> None:
    template = templates["delivery"]
    (queue,) = [name for name, r in template["Resources"].items() if r["Type"] == "AWS::SQS::Queue"]
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert all(
        t["DeadLetterConfig"]["Arn"] == arn for r in of_type(template, "AWS::Events::Rule") for t in r["Targets"]
    )
    roll_back = one(template, "AWS::Lambda::Function", FunctionName="slipway-roll-back")
    assert roll_back["DeadLetterConfig"] == {"TargetArn": arn}
    alarm = one(template, ALARM, AlarmName="slipway-undelivered")
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [queue, "QueueName"]}
    assert "AlarmActions" in alarm


def test_people_hear_of_promotions_that_nobody_drives_any_more(templates: dict[str, Template]) -> None:
    for name, metric in {"failed": "ExecutionsFailed", "aborted": "ExecutionsAborted"}.items():
        alarm = one(templates["delivery"], ALARM, AlarmName=f"{names.PROMOTION}-{name}")
        assert (alarm["MetricName"], alarm["Threshold"], alarm["TreatMissingData"]) == (metric, 1, "notBreaching")
        assert "AlarmActions" in alarm


def test_the_queue_is_encrypted_and_takes_only_tls(templates: dict[str, Template]) -> None:
    assert one(templates["delivery"], "AWS::SQS::Queue")["SqsManagedSseEnabled"] is True
    assert '"aws:SecureTransport": "false"' in json.dumps(one(templates["delivery"], "AWS::SQS::QueuePolicy"))
