"""Permissions are enforced per action and resource, and refusals say what is missing."""

import json
import urllib.parse
import urllib.request
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import ACCOUNT, ARN

pytestmark = pytest.mark.sandbox
SAGEMAKER = f"arn:aws:sagemaker:{ARN}"


@pytest.fixture
def user(gateway):
    """Clients of a user who may do what is given: `user(("s3:GetObject", arn))("s3")`."""

    def make(*allowed, condition=None):
        iam, name = gateway.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        statements = [
            {
                "Effect": "Allow",
                "Action": action,
                "Resource": resource,
                **({"Condition": condition} if condition else {}),
            }
            for action, resource in allowed
        ]
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": statements}))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: _client(gateway, service, key["AccessKeyId"], key["SecretAccessKey"])

    return make


def _refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]


def _client(gateway, service, key, secret):
    return boto3.client(
        service,
        endpoint_url=gateway.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def test_a_stranger_may_do_nothing(gateway):
    assert _refused(_client(gateway, "s3", "AKIAX", "x").list_buckets)["Code"] == "InvalidAccessKeyId"


@pytest.mark.parametrize(("service", "call"), [("s3", "list_buckets"), ("sagemaker", "list_models")])
def test_a_wrong_secret_is_refused(gateway, user, service, call):
    key = user(("*", "*"))("s3")._request_signer._credentials.access_key
    liar = _client(gateway, service, key, "not-the-secret")
    assert _refused(getattr(liar, call))["Code"] in ("SignatureDoesNotMatch", "InvalidSignatureException")


def test_a_wrong_secret_is_refused_where_more_than_one_permission_is_needed(gateway, user, role):
    key = user(("*", "*"))("s3")._request_signer._credentials.access_key
    liar = _client(gateway, "sagemaker", key, "not-the-secret")
    request = {"ModelName": "m", "ExecutionRoleArn": role("sagemaker"), "PrimaryContainer": {"Image": "i"}}
    assert _refused(liar.create_model, **request)["Code"] == "InvalidSignatureException"


def test_sagemaker_actions_are_checked_on_the_resource_named(user):
    may = user(("sagemaker:DescribeEndpoint", f"{SAGEMAKER}:endpoint/fraud"))("sagemaker")
    assert _refused(may.describe_endpoint, EndpointName="other")["Code"] == "AccessDeniedException"
    assert "Could not find" in _refused(may.describe_endpoint, EndpointName="fraud")["Message"]
    assert _refused(may.delete_endpoint, EndpointName="fraud")["Code"] == "AccessDeniedException"


def test_update_endpoint_needs_the_endpoint_and_the_config(user):
    half = user(("sagemaker:UpdateEndpoint", f"{SAGEMAKER}:endpoint/fraud"))("sagemaker")
    request = {"EndpointName": "fraud", "EndpointConfigName": "fraud-7-canary"}
    refused = _refused(half.update_endpoint, **request)
    assert refused["Code"] == "AccessDeniedException"
    assert "endpoint-config/fraud-7-canary" in refused["Message"]
    both = user(("sagemaker:UpdateEndpoint", f"{SAGEMAKER}:endpoint*/fraud*"))("sagemaker")
    assert _refused(both.update_endpoint, **request)["Code"] == "ValidationException"


def test_passing_a_role_needs_permission(user, role):
    given = role("sagemaker")
    request = {"ModelName": "m", "ExecutionRoleArn": given, "PrimaryContainer": {"Image": "i"}}
    without = user(("sagemaker:CreateModel", "*"))("sagemaker")
    refused = _refused(without.create_model, **request)
    assert (refused["Code"], "iam:PassRole" in refused["Message"]) == ("AccessDeniedException", True)
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    wrong_service = user((["sagemaker:CreateModel", "iam:PassRole"], "*"), condition=to_lambda)("sagemaker")
    assert _refused(wrong_service.create_model, **request)["Code"] == "AccessDeniedException"


def test_passing_a_role_to_a_state_machine_needs_permission(user, role):
    given, definition = role("states"), '{"StartAt": "S", "States": {"S": {"Type": "Pass", "End": true}}}'
    request = {"name": f"m-{uuid.uuid4().hex[:6]}", "definition": definition, "roleArn": given}
    without = user(("states:CreateStateMachine", "*"))("stepfunctions")
    assert "iam:PassRole" in _refused(without.create_state_machine, **request)["Message"]
    allowed = user(("states:CreateStateMachine", "*"), ("iam:PassRole", given))("stepfunctions")
    assert allowed.create_state_machine(**request)["stateMachineArn"]


def test_autoscaling_actions_are_checked(user):
    may = user(("application-autoscaling:DescribeScalableTargets", "*"))("application-autoscaling")
    assert may.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    refused = _refused(may.describe_scaling_policies, ServiceNamespace="sagemaker")
    assert refused["Code"] == "AccessDeniedException"


def test_loopback_counts_as_tls(gateway, user, unique):
    bucket = f"tls-{unique}"
    s3 = gateway.client("s3")
    s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [statement]}))
    user(("s3:PutObject", "*"))("s3").put_object(Bucket=bucket, Key="k", Body=b"x")


def test_autoscaling_refuses_a_variant_that_does_not_exist(gateway):
    scaling = gateway.client("application-autoscaling")
    refused = _refused(
        scaling.register_scalable_target,
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/nowhere/variant/baseline",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    assert refused["Code"] == "ValidationException"


def test_the_data_plane_can_ask_whether_a_caller_may_invoke(gateway, user):
    client = user(("sagemaker:InvokeEndpoint", f"{SAGEMAKER}:endpoint/fraud"))("s3")
    key = client._request_signer._credentials.access_key

    def ask(endpoint, access_key=key):
        query = {
            "access_key": access_key,
            "action": "sagemaker:InvokeEndpoint",
            "resource": f"{SAGEMAKER}:endpoint/{endpoint}",
        }
        with urllib.request.urlopen(f"{gateway.url}/_sandbox/authorize?{urllib.parse.urlencode(query)}") as answer:
            return json.loads(answer.read())

    assert ask("fraud")["allowed"]
    assert not ask("other")["allowed"]
    assert "InvokeEndpoint" in ask("other")["reason"]
    assert not ask("fraud", "AKIAUNKNOWN")["allowed"]
    assert ask("other", "test")["allowed"]


@pytest.fixture
def key(gateway):
    """A key whose policy leaves it to IAM who may use it, as CDK writes it; returns its ARN."""
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    return gateway.client("kms").create_key(Policy=json.dumps({"Statement": [root]}))["KeyMetadata"]["Arn"]


def test_objects_encrypted_with_a_key_need_the_key(gateway, user, unique, key):
    bucket = f"kms-{unique}"
    s3 = gateway.client("s3")
    s3.create_bucket(Bucket=bucket)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    without = user((["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"))("s3")
    assert "kms:GenerateDataKey" in _refused(without.put_object, Bucket=bucket, Key="k", Body=b"")["Message"]
    assert "kms:Decrypt" in _refused(without.get_object, Bucket=bucket, Key="k")["Message"]
    reader = user(("s3:*", f"arn:aws:s3:::{bucket}/*"), ("kms:Decrypt", key))("s3")
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert _refused(reader.put_object, Bucket=bucket, Key="k", Body=b"")["Code"] == "AccessDenied"


def test_an_encrypted_topic_needs_the_key(gateway, user, unique, key):
    topic = gateway.client("sns").create_topic(Name=f"t-{unique}", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    without = user(("sns:Publish", topic))("sns")
    assert _refused(without.publish, TopicArn=topic, Message="m")["Code"] == "KMSAccessDenied"
    both = user(("sns:Publish", topic), (["kms:GenerateDataKey*", "kms:Decrypt"], key))("sns")
    assert both.publish(TopicArn=topic, Message="m")["MessageId"]


def test_a_target_state_machine_needs_a_role_that_may_start_it(gateway, role, unique):
    states, events = gateway.client("stepfunctions"), gateway.client("events")
    definition = '{"StartAt": "S", "States": {"S": {"Type": "Pass", "End": true}}}'
    machine = states.create_state_machine(name=f"m-{unique}", definition=definition, roleArn=role("states"))
    arn = machine["stateMachineArn"]
    events.put_rule(Name=f"r-{unique}", EventPattern=json.dumps({"source": [f"s-{unique}"]}))
    entry = {"Source": f"s-{unique}", "DetailType": "t", "Detail": "{}"}

    def executions_with(target_role):
        events.put_targets(Rule=f"r-{unique}", Targets=[{"Id": "m", "Arn": arn, "RoleArn": target_role}])
        events.put_events(Entries=[entry])
        return len(states.list_executions(stateMachineArn=arn)["executions"])

    assert executions_with(role("events", ("states:StartExecution", f"{arn}-other"))) == 0
    assert executions_with(role("lambda", ("states:StartExecution", arn))) == 0
    assert executions_with(role("events", ("states:StartExecution", arn))) == 1
    assert ACCOUNT in arn
