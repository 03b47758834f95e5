"""The data plane behind the real gateway: artifacts from S3, capture, metrics, logs and IAM."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.environment import Sandbox

pytestmark = pytest.mark.sandbox
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sagemaker:InvokeEndpoint",
            "Resource": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud",
        }
    ],
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An AWS; the data planes are the tests' own."""
    with Sandbox(logs=tmp_path_factory.mktemp("logs"), dataplane=False) as sandbox:
        yield sandbox


@pytest.fixture
def served(aws: Sandbox, start_plane: Any) -> Any:
    """A data plane behind `aws` whose endpoint `fraud` serves a model from S3."""
    plane = start_plane(sink=False, **aws.environment() | {"SANDBOX_TOKEN": "test-token"})
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.upload_file(Path(plane.artifact("champion").removeprefix("file://")), "bucket", "models/model.tar.gz")
    variant = plane.variant("baseline", "champion")
    variant["model"]["artifact"] = "s3://bucket/models/model.tar.gz"
    capture = {"sampling_percentage": 100, "destination": "s3://bucket/capture", "csv": ["text/csv"], "json": []}
    assert plane.put("fraud", variant, capture=capture) == {"ready": True}
    return plane


def runtime(plane: Any, key: str, secret: str) -> Any:
    keys = {"aws_access_key_id": key, "aws_secret_access_key": secret, "region_name": "us-east-1"}
    return boto3.client("sagemaker-runtime", endpoint_url=plane.url, **keys)


def code(client: Any, endpoint: str) -> str:
    """The error's name; `ok` if there is none."""
    try:
        client.invoke_endpoint(EndpointName=endpoint, Body=b"1,2,3", ContentType="text/csv")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def test_an_invocation_ends_up_in_s3_cloudwatch_and_its_logs(aws: Sandbox, served: Any, eventually: Any) -> None:
    s3, cloudwatch = aws.client("s3"), aws.client("cloudwatch")
    client = runtime(served, "test", "test")
    for number in range(3):
        client.invoke_endpoint(EndpointName="fraud", Body=b"1,2", ContentType="text/csv", InferenceId=f"id-{number}")
    with pytest.raises(client.exceptions.ModelError):
        client.invoke_endpoint(EndpointName="fraud", Body=b"boom", ContentType="text/csv")

    def captured() -> set[str]:
        found = s3.list_objects_v2(Bucket="bucket", Prefix="capture/fraud/baseline/").get("Contents", [])
        bodies = [s3.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read() for entry in found]
        return {json.loads(line)["eventMetadata"]["inferenceId"] for body in bodies for line in body.splitlines()}

    def total(name: str) -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "baseline"}],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=10),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def logged() -> str:
        group = {"logGroupName": "/aws/sagemaker/Endpoints/fraud"}
        events = aws.client("logs").filter_log_events(**group)["events"]
        return "\n".join(event["message"] for event in events)

    eventually(lambda: captured() == {"id-0", "id-1", "id-2"})
    eventually(lambda: total("Invocations") == 4 and total("Invocation5XXErrors") == 1)
    served.process.terminate()  # the logs go out every few seconds, and at the end
    assert served.process.wait(10) == 0
    assert "division by cucumber" in logged()


def test_iam_decides_who_may_invoke(aws: Sandbox, served: Any, eventually: Any) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="caller")
    keys = iam.create_access_key(UserName="caller")["AccessKey"]
    caller = runtime(served, keys["AccessKeyId"], keys["SecretAccessKey"])
    assert code(caller, "fraud") == "AccessDeniedException"
    iam.put_user_policy(UserName="caller", PolicyName="invoke", PolicyDocument=json.dumps(POLICY))
    eventually(lambda: code(caller, "fraud") == "ok")
    assert code(caller, "other") == "AccessDeniedException"
    iam.delete_user_policy(UserName="caller", PolicyName="invoke")
    eventually(lambda: code(caller, "fraud") == "AccessDeniedException")
    assert code(runtime(served, "AKIANOBODY", "x"), "fraud") == "AccessDeniedException"


def test_a_session_is_held_to_its_roles_policy(aws: Sandbox, served: Any) -> None:
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName="caller", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName="caller", PolicyName="invoke", PolicyDocument=json.dumps(POLICY))
    keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    client = session.client("sagemaker-runtime", endpoint_url=served.url)
    assert code(client, "fraud") == "ok"
    assert code(client, "other") == "AccessDeniedException"


def test_without_the_gateway_invocations_are_refused(start_plane: Any) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    plane = start_plane(sink=False, AWS_ENDPOINT_URL="http://127.0.0.1:9", **keys)
    assert plane.put("alone", plane.variant("baseline", "champion")) == {"ready": True}
    with pytest.raises(plane.runtime.exceptions.InternalFailure, match="authorisation unavailable"):
        plane.invoke("alone")
    assert plane.state("alone")["variants"]["baseline"]["requests"] == 0
