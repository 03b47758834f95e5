"""Step Functions: waits, errors, roles, stops, on virtual time."""

import json
import re
import time
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from infra.promotion import DEFINITION
from tests.sandbox.conftest import ARN, eventually

pytestmark = pytest.mark.sandbox


def _machine(gateway, unique, role, states, start="S"):
    return gateway.client("stepfunctions").create_state_machine(
        name=f"m-{unique}", definition=json.dumps({"StartAt": start, "States": states}), roleArn=role
    )["stateMachineArn"]


def test_a_wait_of_two_virtual_minutes_takes_two_real_seconds(run):
    started = time.monotonic()
    ended = run({"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 120, "End": True}}})
    assert 1.9 < time.monotonic() - started < 4
    assert 119 < (ended["stopDate"] - ended["startDate"]).total_seconds() < 240


def test_a_wait_until_a_timestamp_is_virtual(run, gateway):
    until = int(gateway.clock.now()) + 90
    text = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = run({"StartAt": "S", "States": {"S": {"Type": "Wait", "Timestamp": text, "End": True}}})
    assert until - 2 <= ended["stopDate"].timestamp() < until + 300


def test_what_the_interpreter_lacks_is_refused(gateway):
    with pytest.raises(ClientError):
        gateway.client("stepfunctions").validate_state_machine_definition(definition="{}")


def test_timestamps_are_virtual(run, gateway):
    ended = run({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}})
    assert ended["stopDate"].timestamp() == pytest.approx(gateway.clock.now(), abs=120)
    events = gateway.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert events[0]["timestamp"].timestamp() == pytest.approx(gateway.clock.now(), abs=120)


def test_a_stop_interrupts_a_wait_and_keeps_its_reason(gateway, role, unique):
    states = gateway.client("stepfunctions")
    machine = _machine(gateway, unique, role("states"), {"S": {"Type": "Wait", "Seconds": 86400, "End": True}})
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=execution, error="Operator", cause="abort by hand")
    ended = states.describe_execution(executionArn=execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Operator", "abort by hand")
    newest = lambda: states.get_execution_history(executionArn=execution, reverseOrder=True)["events"][0]["type"]  # noqa: E731
    eventually(lambda: newest() == "ExecutionAborted", within=3)


def test_a_stop_right_after_the_start_ends_the_history(gateway, role, unique):
    states = gateway.client("stepfunctions")
    machine = _machine(gateway, unique, role("states"), {"S": {"Type": "Wait", "Seconds": 86400, "End": True}})
    begun = []
    for _ in range(60):
        begun.append(states.start_execution(stateMachineArn=machine)["executionArn"])
        states.stop_execution(executionArn=begun[-1])
    for execution in begun:
        events = lambda arn=execution: states.get_execution_history(executionArn=arn)["events"]  # noqa: E731
        eventually(lambda events=events: events()[-1]["type"] == "ExecutionAborted")


def test_a_stop_interrupts_the_pause_before_a_retry(gateway, role, unique, function):
    states = gateway.client("stepfunctions")
    arn = function("def handler(event, context): raise ValueError('no')")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn},
        "Retry": [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 7200, "MaxAttempts": 3}],
        "End": True,
    }
    machine = _machine(gateway, unique, role("states", ("lambda:InvokeFunction", arn)), {"S": task})
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    types = lambda: [e["type"] for e in states.get_execution_history(executionArn=execution)["events"]]  # noqa: E731
    eventually(lambda: "TaskFailed" in types())
    states.stop_execution(executionArn=execution)
    eventually(lambda: types()[-1] == "ExecutionAborted", within=3)


def test_a_handlers_exception_can_be_caught_by_name(run, function):
    arn = function("""
        class EndpointBusy(Exception): pass
        def handler(event, context): raise EndpointBusy("updating")
    """)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn, "Payload.$": "$"},
        "Catch": [{"ErrorEquals": ["EndpointBusy"], "ResultPath": "$.error", "Next": "Busy"}],
        "End": True,
    }
    ended = run(
        {"StartAt": "S", "States": {"S": task, "Busy": {"Type": "Pass", "End": True}}}, ("lambda:InvokeFunction", arn)
    )
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["error"]["Error"] == "EndpointBusy"


def test_a_task_without_permission_is_denied(run, function):
    arn = function("def handler(event, context): return 1")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn},
        "End": True,
    }
    denied = run({"StartAt": "S", "States": {"S": task}}, ("lambda:InvokeFunction", f"{arn}-other"))
    assert (denied["status"], denied["error"]) == ("FAILED", "Lambda.AccessDeniedException")
    assert run({"StartAt": "S", "States": {"S": task}}, ("lambda:InvokeFunction", arn))["status"] == "SUCCEEDED"


def test_sdk_integrations_know_both_spellings_of_parameters(run, gateway, unique):
    parameter = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter",
        "Parameters": {"Name": f"/p/{unique}", "Value": "v", "Type": "String"},
        "ResultPath": None,
        "Next": "List",
    }
    listing = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines",
        "Parameters": {"MaxResults": 5},
        "ResultSelector": {"first.$": "$.StateMachines[0].StateMachineArn"},
        "End": True,
    }
    ended = run(
        {"StartAt": "S", "States": {"S": parameter, "List": listing}},
        ("ssm:PutParameter", f"arn:aws:ssm:{ARN}:parameter/p/{unique}"),
        ("states:ListStateMachines", "*"),
    )
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["first"].startswith("arn:aws:states:")
    assert gateway.client("ssm").get_parameter(Name=f"/p/{unique}")["Parameter"]["Value"] == "v"


def test_an_execution_can_hand_over_to_another(run, gateway, role, unique):
    next_one = _machine(gateway, unique, role("states"), {"S": {"Type": "Pass", "End": True}})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": next_one, "Name": f"run-{unique}", "Input": {"release": "r"}},
        "End": True,
    }
    ended = run({"StartAt": "S", "States": {"S": task}}, ("states:StartExecution", next_one))
    assert ended["status"] == "SUCCEEDED", ended
    executions = gateway.client("stepfunctions").list_executions(stateMachineArn=next_one)["executions"]
    assert [execution["name"] for execution in executions] == [f"run-{unique}"]


def test_a_name_is_used_once(gateway, role, unique):
    states = gateway.client("stepfunctions")
    machine = _machine(gateway, unique, role("states"), {"S": {"Type": "Wait", "Seconds": 600, "End": True}})
    first = states.start_execution(stateMachineArn=machine, name="same", input="{}")
    assert (
        states.start_execution(stateMachineArn=machine, name="same", input="{}")["executionArn"]
        == first["executionArn"]
    )
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(stateMachineArn=machine, name="same", input='{"other": 1}')
    states.stop_execution(executionArn=first["executionArn"])


def test_jsonata_and_jsonpath_both_work(run, gateway):
    doubled = run(
        {
            "QueryLanguage": "JSONata",
            "StartAt": "S",
            "States": {"S": {"Type": "Pass", "Output": "{% {'twice': $states.input.n * 2} %}", "End": True}},
        },
        given={"n": 21},
    )
    assert json.loads(doubled["output"]) == {"twice": 42}
    timed = run(
        {
            "QueryLanguage": "JSONata",
            "StartAt": "S",
            "States": {"S": {"Type": "Pass", "Output": "{% {'ms': $millis()} %}", "End": True}},
        }
    )
    assert json.loads(timed["output"])["ms"] / 1000 == pytest.approx(gateway.clock.now(), abs=120)
    picked = run(
        {"StartAt": "S", "States": {"S": {"Type": "Pass", "OutputPath": "$.a.b", "End": True}}}, given={"a": {"b": 7}}
    )
    assert json.loads(picked["output"]) == 7


def test_a_definite_path_gives_a_value_and_an_indefinite_one_a_list(run):
    fields = {"one.$": "$.a[0].b", "first.$": "$.a[0].c", "all.$": "$.a[*].b", "found.$": "$.a[?(@.b == 1)].b"}
    ended = run(
        {"StartAt": "S", "States": {"S": {"Type": "Pass", "Parameters": fields, "End": True}}},
        given={"a": [{"b": 1, "c": [5]}]},
    )
    assert json.loads(ended["output"]) == {"one": 1, "first": [5], "all": [1], "found": [1]}


def test_time_outs_are_virtual_but_leave_functions_time_to_compute(run, function):
    arn = function("import time\ndef handler(event, context): time.sleep(5)")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn},
        "TimeoutSeconds": 2,
        "End": True,
    }
    patient = {**task, "TimeoutSeconds": 60}
    assert run({"StartAt": "S", "States": {"S": patient}}, ("lambda:InvokeFunction", arn))["status"] == "SUCCEEDED"
    assert run({"StartAt": "S", "States": {"S": task}}, ("lambda:InvokeFunction", arn))["error"] == "States.Timeout"
    whole = {"StartAt": "S", "TimeoutSeconds": 30, "States": {"S": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    assert run(whole)["status"] == "TIMED_OUT"


def test_an_admission_that_breaks_down_fails_and_people_are_told_what_was_to_be_admitted(
    run, gateway, unique, function
):
    arn = function("def handler(event, context): raise RuntimeError('no table')")
    topic = gateway.client("sns").create_topic(Name=f"t-{unique}")["TopicArn"]
    holes = dict.fromkeys(("Admit", "Shift", "Judge", "Settle", "RollBack"), arn) | {"Promotion": arn, "Topic": topic}
    definition = re.sub(r"\$\{(\w+)\}", lambda hole: holes[hole[1]], DEFINITION.read_text())
    given = {"model_package_arn": "arn:aws:sagemaker:us-east-1:1:model-package/fraud/7"}
    ended = run(json.loads(definition), ("lambda:InvokeFunction", arn), ("sns:Publish", topic), given=given)
    assert (ended["status"], ended["error"]) == ("FAILED", "NotAdmitted")
    told = [json.loads(line) for line in (gateway.logs / "notifications.jsonl").read_text().splitlines()]
    (message,) = [one for one in told if one["topic"].endswith(unique)]
    assert message["subject"] == "FAILED: admission of a release"
    for said in ("Nothing of any endpoint was changed", "model-package/fraud/7", "RuntimeError", "no table"):
        assert said in message["body"]


def test_the_end_of_an_execution_is_an_event(gateway, role, unique, run):
    queue = _queue_for(gateway, unique, {"source": ["aws.states"]})
    ended = run({"StartAt": "S", "States": {"S": {"Type": "Fail", "Error": "Boom", "Cause": "test"}}})
    statuses = {}

    def received():
        for message in (
            gateway.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        ):
            detail = json.loads(message["Body"])["detail"]
            statuses.setdefault(detail["executionArn"], []).append(detail["status"])
        return sorted(statuses.get(ended["executionArn"], [])) == ["FAILED", "RUNNING"]  # events come in any order

    eventually(received)


def _queue_for(gateway, unique, pattern):
    queue = gateway.client("sqs").create_queue(QueueName=f"q-{unique}")["QueueUrl"]
    arn = f"arn:aws:sqs:{ARN}:q-{unique}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Statement": [statement]})
    gateway.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    gateway.client("events").put_rule(Name=f"r-{unique}", EventPattern=json.dumps(pattern))
    gateway.client("events").put_targets(Rule=f"r-{unique}", Targets=[{"Id": "q", "Arn": arn}])
    return queue
