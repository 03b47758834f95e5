from pathlib import Path

import pytest

from tests.infra.synthesis import CONTEXT, Template, of_type, one, read, statements, synthesize

DATA = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SageMaker::ModelPackageGroup"}


def test_the_ledger_can_be_restored_to_any_second_and_forgets_by_itself(templates: dict[str, Template]) -> None:
    table = one(templates["state"], "AWS::DynamoDB::Table", TableName="slipway-ledger")
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_the_bucket_is_encrypted_private_versioned_and_announces_its_objects(templates: dict[str, Template]) -> None:
    bucket = one(templates["state"], "AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_captured_traffic_and_what_jobs_were_given_of_it_expire_and_nothing_else_does(
    templates: dict[str, Template],
) -> None:
    rules = one(templates["state"], "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [(r["Prefix"], r["ExpirationInDays"]) for r in rules if "ExpirationInDays" in r] == [
        ("capture/", 30),
        ("jobs/", 30),
    ]


def test_the_key_turns_every_year(templates: dict[str, Template]) -> None:
    assert one(templates["state"], "AWS::KMS::Key")["EnableKeyRotation"] is True


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"])
def test_only_tls_reaches_the_bucket_and_the_topic(templates: dict[str, Template], kind: str) -> None:
    policy = one(templates["state"], kind)["PolicyDocument"]["Statement"]
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    assert any(s["Effect"] == "Deny" and s.get("Condition") == plain for s in policy)


def test_the_topic_is_encrypted_and_mails_to_whoever_is_named(templates: dict[str, Template]) -> None:
    assert "KmsMasterKeyId" in one(templates["state"], "AWS::SNS::Topic", TopicName="slipway-releases")
    mail = one(templates["state"], "AWS::SNS::Subscription")
    assert (mail["Protocol"], mail["Endpoint"]) == ("email", "ops@example.com")


def test_cloudwatch_of_this_account_may_use_the_key_and_publish(templates: dict[str, Template]) -> None:
    key = one(templates["state"], "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    topic = one(templates["state"], "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    for policy in (key, topic):
        (allowed,) = [s for s in policy if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_every_endpoint_has_its_package_group_even_without_a_model(templates: dict[str, Template]) -> None:
    groups = of_type(templates["state"], "AWS::SageMaker::ModelPackageGroup")
    assert {group["ModelPackageGroupName"] for group in groups} == {"fraud", "churn", "returns"}


def test_an_endpoint_writes_only_its_own_capture(templates: dict[str, Template]) -> None:
    written = [s["Resource"] for s in statements(templates["state"]) if s["Action"] == ["s3:PutObject"]]
    ends = {resource.split(">")[-1] for resources in written for resource in resources}
    own = {
        f"/{kind}/*"
        for name in ("fraud", "churn", "returns")
        for kind in (f"capture/{name}", f"monitoring/{name}/labelled", f"monitoring/{name}/baselines")
    }
    assert ends == {"/models/*", "/retraining/*", "/monitoring/churn/model-monitor/*", *own}


def test_data_outlives_the_stack(templates: dict[str, Template]) -> None:
    kept = {r["Type"] for r in templates["state"]["Resources"].values() if r.get("DeletionPolicy") == "Retain"}
    assert kept == DATA


def test_data_goes_with_the_stack_if_told_so(tmp_path: Path) -> None:
    state = read(synthesize(tmp_path, {**CONTEXT, "retain_data": "false"}))["state"]
    policies = {r["DeletionPolicy"] for r in state["Resources"].values() if r["Type"] in DATA}
    assert policies == {"Delete"}
