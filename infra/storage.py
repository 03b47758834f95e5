"""What must not be lost: the ledger of releases and the bucket of models, captured traffic and ground truth."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import accept
from slipway import names

CAPTURE_DAYS = 30


class Encryption(kms.Key):
    """One key for the bucket and the topic. CloudWatch must use it to tell the topic about alarms."""

    def __init__(self, scope: Construct, id: str, *, removal: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            alias=names.PREFIX,
            description="Slipway: bucket and topic",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=["*"],  # in a key policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )


class Ledger(dynamodb.Table):
    """Every release and every verdict.

    Encrypted with DynamoDB's own key: the rows hold decisions, no personal data, and each write of a release would
    otherwise cost a call to KMS and a grant to every function.
    """

    def __init__(self, scope: Construct, id: str, *, removal: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            table_name=names.LEDGER_TABLE,
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal,
        )


class Store(s3.Bucket):
    """Models, captured traffic, ground truth, training data and code, each below its prefix."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, removal: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            versioned=True,
            lifecycle_rules=[
                *(
                    s3.LifecycleRule(prefix=f"{prefix}/", expiration=cdk.Duration.days(CAPTURE_DAYS))
                    for prefix in (names.CAPTURE, names.JOBS)
                ),
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                ),
            ],
            removal_policy=removal,
        )
        # The L2 property would add a Lambda function with rights to every bucket; CloudFormation can do it alone.
        bucket = self.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        accept(
            self, "S1", "Who read what is in CloudTrail's data events, which an account switches on for all buckets."
        )
