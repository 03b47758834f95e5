"""Stacks of the resource types that the extensions add or change: created, updated, deleted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import WaiterError

from sandbox.environment import ROOT
from tests.sandbox.conftest import ARN, eventually

pytestmark = pytest.mark.sandbox


@pytest.fixture
def stack(gateway, unique):
    """Create or update this test's stack from its resources; `delete=True` deletes it."""
    client, name = gateway.client("cloudformation"), f"stack-{unique}"
    made = []

    def apply(resources=None, delete=False):
        if delete:
            client.delete_stack(StackName=name)
            waiter = "stack_delete_complete"
        else:
            call, waiter = (
                (client.update_stack, "stack_update_complete")
                if made
                else (client.create_stack, "stack_create_complete")
            )
            call(StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_IAM"])
            made.append(name)
        client.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
        return None if delete else client.describe_stack_resources(StackName=name)["StackResources"]

    return apply


def _alarm(unique, threshold):
    metric = {"Namespace": "N", "MetricName": "Errors", "Dimensions": [{"Name": "V", "Value": "candidate"}]}
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": f"math-{unique}",
            "EvaluationPeriods": "2",
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "Metrics": [
                {"Id": "rate", "Expression": "FILL(e, 0) / 2"},
                {
                    "Id": "e",
                    "MetricStat": {"Metric": metric, "Period": "60", "Stat": "Sum"},
                    "ReturnData": "false",
                },
            ],
        },
    }


def test_alarms_with_metric_math_and_composites(gateway, stack, unique):
    composite = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {"AlarmName": f"both-{unique}", "AlarmRule": {"Fn::Sub": 'ALARM("${Math}")'}},
    }
    cloudwatch = gateway.client("cloudwatch")
    described = lambda: cloudwatch.describe_alarms(AlarmNames=[f"math-{unique}"])["MetricAlarms"]  # noqa: E731
    stack({"Math": _alarm(unique, "0.5"), "Both": composite})
    assert described()[0]["Metrics"][0]["Expression"] == "FILL(e, 0) / 2"
    assert described()[0]["EvaluationPeriods"] == 2
    eventually(lambda: described()[0]["StateValue"] == "OK", within=5)
    composite["Properties"]["AlarmRule"] = {"Fn::Sub": 'NOT ALARM("${Math}")'}
    stack({"Math": _alarm(unique, "0.7"), "Both": composite})
    assert described()[0]["Threshold"] == 0.7
    found = cloudwatch.describe_alarms(AlarmNames=[f"both-{unique}"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (found[0]["AlarmRule"], found[0]["StateValue"]) == (f'NOT ALARM("math-{unique}")', "ALARM")
    stack(delete=True)
    assert described() == []


def test_an_alarm_that_could_not_be_evaluated_fails_the_stack(stack, unique):
    alarm = _alarm(unique, "1")
    alarm["Properties"]["Metrics"][0]["Expression"] = "SEARCH('{N}', 'Sum', 60)"
    with pytest.raises(WaiterError):
        stack({"Math": alarm})


def test_a_state_machine_changes_in_place(gateway, stack, unique, role):
    def machine(seconds):
        text = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": "${S}", "End": True}}})
        return {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": f"m-{unique}",
                "DefinitionString": text.replace('"${S}"', "${S}"),
                "DefinitionSubstitutions": {"S": str(seconds)},
                "RoleArn": role("states"),
                "TracingConfiguration": {"Enabled": "true"},
                "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": "true"},
                "Tags": [{"Key": "stage", "Value": str(seconds)}],
            },
        }

    arn = f"arn:aws:states:{ARN}:stateMachine:m-{unique}"
    states = gateway.client("stepfunctions")
    stack({"M": machine(86400)})
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    stack({"M": machine(1)})
    assert '"Seconds": 1,' in states.describe_state_machine(stateMachineArn=arn)["definition"]
    assert states.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {"enabled": True}
    assert {"key": "stage", "value": "1"} in states.list_tags_for_resource(resourceArn=arn)["tags"]
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    stack(delete=True)
    assert arn not in [m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"]]


def test_custom_resources_are_created_updated_and_deleted(gateway, stack, unique, function):
    bucket = f"custom-{unique}"
    s3 = gateway.client("s3")
    s3.create_bucket(Bucket=bucket)
    arn = function(
        f"""
        import boto3, json, urllib.request
        def handler(event, context):
            boto3.client("s3").put_object(Bucket={bucket!r}, Key=event["RequestType"], Body=json.dumps(event))
            answer = {{k: event[k] for k in ("StackId", "RequestId", "LogicalResourceId")}}
            said = event["ResourceProperties"].get("Say")
            answer.update(Status="SUCCESS", PhysicalResourceId="p", Data={{"Said": said}})
            request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
            urllib.request.urlopen(request)
        """,
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/*"),
    )

    def resources(say):
        custom = {"Type": "Custom::Saying", "Properties": {"ServiceToken": arn, "Say": say}}
        heard = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": f"/said/{unique}", "Type": "String", "Value": {"Fn::GetAtt": ["Custom", "Said"]}},
        }
        return {"Custom": custom, "Heard": heard}

    stack(resources("hello"))
    stack(resources("good-bye"))
    assert gateway.client("ssm").get_parameter(Name=f"/said/{unique}")["Parameter"]["Value"] == "good-bye"
    stack(delete=True)
    assert sorted(o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["Create", "Delete", "Update"]


def test_a_scalable_target_without_its_variant_fails_the_stack(stack):
    target = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ResourceId": "endpoint/nowhere/variant/baseline",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": "1",
            "MaxCapacity": "2",
        },
    }
    with pytest.raises(WaiterError):
        stack({"Target": target})


def test_the_stock_aws_command_line_works(gateway):
    aws = Path(sys.executable).parent / "aws"
    environment = {**gateway.environment(), "PATH": str(aws.parent), "HOME": "/nonexistent"}
    command = [aws, "cloudwatch", "describe-alarms", "--query", "length(MetricAlarms)"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(found.stdout) >= 0


def test_cdk_bootstrap_works_unmodified(gateway, tmp_path):
    environment = {**gateway.environment(), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [ROOT / "node_modules/.bin/cdk", "bootstrap", "aws://123456789012/us-east-1"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    version = gateway.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]
    assert int(version) >= 6
