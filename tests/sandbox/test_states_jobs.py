"""Step Functions and what takes long: jobs, answers with a token, executions taken up again."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import ARN, eventually

pytestmark = pytest.mark.sandbox
JOB = ("sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob")


@pytest.fixture
def job(role, unique):
    """A `.sync` task that runs a Python command in a Processing job, and what its machine's role may do."""
    works = role("sagemaker")

    def make(command: str, name: str = f"j-{unique}", **fields: Any) -> tuple[dict[str, Any], list[tuple[Any, str]]]:
        parameters = {
            "ProcessingJobName": name,
            "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["python3", "-c", command]},
            "RoleArn": works,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
        }
        named = {"ProcessingJobName.$": parameters.pop("ProcessingJobName")} if name.startswith("States.") else {}
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Parameters": {**parameters, **named},
            "End": True,
            **fields,
        }
        return task, [(list(JOB), f"arn:aws:sagemaker:{ARN}:processing-job/*"), ("iam:PassRole", works)]

    return make


@pytest.fixture
def start(gateway, role, unique):
    """Starts a machine of the given states; its execution's ARN."""

    def begin(states: dict[str, Any], *allowed: tuple[Any, str], first: str = "S") -> str:
        client = gateway.client("stepfunctions")
        machine = client.create_state_machine(
            name=f"m-{unique}",
            definition=json.dumps({"StartAt": first, "States": states}),
            roleArn=role("states", *allowed),
        )["stateMachineArn"]
        return client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]

    return begin


@pytest.fixture
def see(gateway):
    states = gateway.client("stepfunctions")
    return lambda execution: states.describe_execution(executionArn=execution)


def status_of(gateway, name):
    try:
        return gateway.client("sagemaker").describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
    except ClientError:
        return None


def test_a_task_waits_for_its_processing_job_and_hands_its_description_on(start, see, job):
    task, allowed = job("print('done')")
    execution = start({"S": task}, *allowed)
    eventually(lambda: see(execution)["status"] != "RUNNING")
    assert see(execution)["status"] == "SUCCEEDED", see(execution).get("cause")
    assert json.loads(see(execution)["output"])["ProcessingJobStatus"] == "Completed"


def test_a_failed_job_fails_its_task_with_the_jobs_own_reason(start, see, job):
    task, allowed = job("raise SystemExit('no rows')")
    execution = start({"S": task}, *allowed)
    eventually(lambda: see(execution)["status"] != "RUNNING")
    assert (see(execution)["status"], see(execution)["error"]) == ("FAILED", "States.TaskFailed")
    assert "no rows" in see(execution)["cause"]


def test_a_task_that_ends_early_stops_its_job(gateway, start, see, job, unique):
    task, allowed = job("import time; time.sleep(600)")
    execution = start({"S": task}, *allowed)
    eventually(lambda: status_of(gateway, f"j-{unique}") == "InProgress")
    gateway.client("stepfunctions").stop_execution(executionArn=execution, cause="by hand")
    eventually(lambda: status_of(gateway, f"j-{unique}") == "Stopped")
    assert see(execution)["status"] == "ABORTED"


@pytest.fixture
def waiting(start, gateway, unique):
    """An execution that waits for an answer, and the token to answer with."""
    queue = gateway.client("sqs").create_queue(QueueName=f"q-{unique}")["QueueUrl"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 3600,
        "ResultPath": "$.answer",
        "End": True,
    }
    execution = start({"S": task}, ("sqs:SendMessage", f"arn:aws:sqs:{ARN}:q-{unique}"))
    receive = lambda: gateway.client("sqs").receive_message(QueueUrl=queue).get("Messages")  # noqa: E731
    return execution, json.loads(eventually(receive)[0]["Body"])["token"]


def test_an_answer_with_its_token_lets_an_execution_go_on_once(gateway, see, waiting):
    execution, token = waiting
    states = gateway.client("stepfunctions")
    states.send_task_success(taskToken=token, output='{"says": "yes"}')
    eventually(lambda: see(execution)["status"] == "SUCCEEDED")
    assert json.loads(see(execution)["output"]) == {"answer": {"says": "yes"}}
    with pytest.raises(ClientError, match="TaskTimedOut"):
        states.send_task_success(taskToken=token, output="{}")


def test_an_execution_that_waits_for_an_answer_can_be_stopped(gateway, see, waiting):
    execution, token = waiting
    states = gateway.client("stepfunctions")
    states.stop_execution(executionArn=execution, cause="by hand")
    newest = lambda: states.get_execution_history(executionArn=execution, reverseOrder=True)["events"][0]["type"]  # noqa: E731
    eventually(lambda: newest() == "ExecutionAborted", within=3)
    with pytest.raises(ClientError, match="TaskTimedOut"):
        states.send_task_success(taskToken=token, output="{}")
    assert (see(execution)["status"], see(execution)["cause"]) == ("ABORTED", "by hand")


def test_a_redriven_execution_goes_on_at_the_state_that_failed(gateway, start, see, job, unique, tmp_path):
    begun = {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.begun", "Next": "Work"}
    name = f"States.Format('j-{unique}-{{}}', $$.Execution.RedriveCount)"
    command = f"import pathlib; pathlib.Path({str(tmp_path / 'ready')!r}).read_text()"
    work, allowed = job(command, name, ResultSelector={"status.$": "$.ProcessingJobStatus"}, ResultPath="$.work")
    execution = start({"Begin": begun, "Work": work}, *allowed, first="Begin")
    eventually(lambda: see(execution)["status"] == "FAILED")
    assert see(execution)["redriveStatus"] == "REDRIVABLE"
    (tmp_path / "ready").write_text("yes")
    gateway.client("stepfunctions").redrive_execution(executionArn=execution)
    assert (see(execution)["status"], see(execution)["redriveCount"]) == ("RUNNING", 1)
    eventually(lambda: see(execution)["status"] != "RUNNING")
    assert json.loads(see(execution)["output"]) == {"begun": {"n": 1}, "work": {"status": "Completed"}}
    assert [status_of(gateway, f"j-{unique}-{n}") for n in (0, 1)] == ["Failed", "Completed"]
    events = gateway.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    types = [event["type"] for event in events]
    assert types.count("PassStateEntered") == 1 and types.count("ExecutionRedriven") == 1
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_an_execution_that_succeeded_is_not_redriven(gateway, run):
    ended = run({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}})
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        gateway.client("stepfunctions").redrive_execution(executionArn=ended["executionArn"])
