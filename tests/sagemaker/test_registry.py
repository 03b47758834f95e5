"""The model registry through the API, and what EventBridge hears of it."""

import json
from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, refused, until

pytestmark = pytest.mark.sandbox
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
INFERENCE = {
    "Containers": [
        {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/models/a/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "serve.py", "LEVEL": "packaged"},
        }
    ],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture(scope="module")
def heard(gateway) -> Any:
    """Reads the aws.sagemaker events so far, oldest first, of one detail type."""
    sqs, rules = gateway.client("sqs"), gateway.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rules.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    rules.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    events: list[dict[str, Any]] = []

    def read(detail_type: str) -> list[dict[str, Any]]:
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            events.extend(json.loads(message["Body"]) for message in batch)
            for message in batch:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in events if event["detail-type"] == detail_type]

    return read


def register(sagemaker: Any, group: str, **more: Any) -> str:
    if group not in [
        g["ModelPackageGroupName"] for g in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    ]:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    package = {"ModelPackageGroupName": group, "InferenceSpecification": INFERENCE, **more}
    return sagemaker.create_model_package(**package)["ModelPackageArn"]


def test_a_request_repeated_with_its_token_makes_one_version(sagemaker):
    made = {register(sagemaker, "repeated", ClientToken="of-run-1") for _ in range(2)}
    assert len(made) == 1
    assert register(sagemaker, "repeated", ClientToken="of-run-2") not in made


def test_packages_are_numbered_in_their_group_and_a_number_is_never_used_again(sagemaker):
    first, second = register(sagemaker, "Numbered"), register(sagemaker, "Numbered")
    assert (first, second) == (f"{ARN}:model-package/numbered/1", f"{ARN}:model-package/numbered/2")
    sagemaker.delete_model_package(ModelPackageName=second)
    third = register(sagemaker, "Numbered")
    assert third.endswith("/3")
    listed = sagemaker.list_model_packages(ModelPackageGroupName="Numbered", SortBy="CreationTime")
    assert [row["ModelPackageVersion"] for row in listed["ModelPackageSummaryList"]] == [3, 1]
    assert sagemaker.describe_model_package(ModelPackageName=third)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_group_that_still_holds_packages_can_not_be_deleted(sagemaker):
    package = register(sagemaker, "full")
    assert "still contains" in refused(sagemaker.delete_model_package_group, ModelPackageGroupName="full")[1]
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName="full")
    assert refused(sagemaker.describe_model_package_group, ModelPackageGroupName="full") == (
        "ValidationException",
        f"ModelPackageGroup {ARN}:model-package-group/full does not exist.",
    )


def test_an_approval_is_heard_with_the_documented_detail(sagemaker, heard):
    package = register(sagemaker, "heard", CustomerMetadataProperties={"auc": "0.98"})
    sagemaker.update_model_package(
        ModelPackageArn=package,
        ModelApprovalStatus="Approved",
        ApprovalDescription="looks good",
        CustomerMetadataProperties={"ticket": "7"},
    )
    about = until(
        lambda: [e for e in heard("SageMaker Model Package State Change") if e["resources"] == [package]],
        lambda events: len(events) == 2,
    )
    assert [event["detail"]["ModelApprovalStatus"] for event in about] == ["PendingManualApproval", "Approved"]
    assert about[1]["source"] == "aws.sagemaker"
    detail = about[1]["detail"]
    assert detail["ModelPackageArn"] == package
    assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == ("heard", 1)
    assert detail["ModelPackageStatus"] == "Completed"
    assert detail["CustomerMetadataProperties"] == {"auc": "0.98", "ticket": "7"}
    assert detail["CreationTime"].endswith("Z")


def test_an_update_that_changes_no_approval_is_not_heard(sagemaker, heard):
    package = register(sagemaker, "quiet", ModelApprovalStatus="Approved")
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    marker = register(sagemaker, "quiet")
    events = until(
        lambda: heard("SageMaker Model Package State Change"),
        lambda events: any(event["resources"] == [marker] for event in events),
    )
    assert len([event for event in events if event["resources"] == [package]]) == 1


def test_endpoint_events_spell_the_status_as_eventbridge_does_and_can_come_twice(
    gateway, sagemaker, endpoint, settled, heard
):
    gateway.faults(duplicate_events=True)
    change = [{"VariantName": "candidate", "DesiredWeight": 0}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=change)
    settled(endpoint)
    about = until(
        lambda: [e for e in heard("SageMaker Endpoint State Change") if e["detail"]["EndpointName"] == endpoint],
        lambda events: len(events) == 6,
    )
    statuses = [event["detail"]["EndpointStatus"] for event in about]
    assert statuses == ["CREATING", "IN_SERVICE", "UPDATING", "UPDATING", "IN_SERVICE", "IN_SERVICE"]
    assert about[-1]["detail"]["ProductionVariants"][1]["CurrentWeight"] == 0


def test_a_model_of_an_approved_package_takes_its_container_from_it(sagemaker, role, s3):
    package = register(sagemaker, "resolved", ModelApprovalStatus="Approved")
    container = {"ModelPackageName": package, "Environment": {"LEVEL": "given"}}
    sagemaker.create_model(ModelName="from-package", PrimaryContainer=container, ExecutionRoleArn=role)
    described = sagemaker.describe_model(ModelName="from-package")["PrimaryContainer"]
    assert described["Image"] == IMAGE
    assert described["ModelDataUrl"] == f"s3://{BUCKET}/models/a/model.tar.gz"
    assert described["Environment"] == {"SAGEMAKER_PROGRAM": "serve.py", "LEVEL": "given"}
    assert described["ModelPackageName"] == package


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_model_of_a_package_that_is_not_approved_is_refused(sagemaker, role, status):
    package = register(sagemaker, "unapproved", ModelApprovalStatus=status)
    code, message = refused(
        sagemaker.create_model,
        ModelName="from-unapproved",
        PrimaryContainer={"ModelPackageName": package},
        ExecutionRoleArn=role,
    )
    assert code == "ValidationException"
    assert package in message
    assert "not approved" in message


def test_a_package_that_does_not_exist_is_named(sagemaker):
    name = f"{ARN}:model-package/nothing/1"
    assert refused(sagemaker.describe_model_package, ModelPackageName=name) == (
        "ValidationException",
        f"ModelPackage {name} does not exist.",
    )
    answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[name])
    assert list(answer["BatchDescribeModelPackageErrorMap"]) == [name]
