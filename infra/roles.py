"""The roles SageMaker works under: one to train, one for each endpoint to serve."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.nag import accept

TOKEN_REASON = "A registry token is not tied to a resource; pulling is limited to the image's repository."  # noqa: S105
METRIC_REASON = "CloudWatch has no resource for PutMetricData; the namespaces are SageMaker's."
OBJECTS_REASON = "Objects below a prefix of Slipway's bucket."
STREAMS_REASON = "SageMaker names the log streams after jobs and instances."


class SageMakerRole(iam.Role):
    """A role for SageMaker: writes logs and metrics, pulls images, reads and writes prefixes of the bucket."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        store: s3.IBucket,
        key: kms.IKey,
        logs: str,
        name: str | None = None,
    ) -> None:
        """logs: the log group's name below /aws/sagemaker/, a trailing * included where SageMaker adds to it."""
        super().__init__(scope, id, role_name=name, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        self._store = store
        self.allow(["ecr:GetAuthorizationToken"], "*", why=TOKEN_REASON)
        spaces = ["AWS/SageMaker", "/aws/sagemaker/*"]
        self.allow(
            ["cloudwatch:PutMetricData"], "*", why=METRIC_REASON, when={"StringLike": {"cloudwatch:namespace": spaces}}
        )
        group = cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/sagemaker/{logs}",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        write = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        # The group itself, and the streams in it.
        for resource in (group, f"{group}:*"):
            self.allow(write, resource, why=STREAMS_REASON)
        self.allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn)

    def allow(
        self, actions: list[str], resource: str, *, why: str = "", when: dict[str, dict[str, object]] | None = None
    ) -> None:
        """Add a statement. A resource that holds a `*` needs a reason."""
        self.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=when))
        if why:
            accept(self, "IAM5", why, finding=f"Resource::{resource}")

    def pulls(self, repository: str) -> "SageMakerRole":
        layers = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        self.allow(layers, repository)
        return self

    def reads(self, *prefixes: str) -> "SageMakerRole":
        for prefix in prefixes:
            self.allow(["s3:GetObject"], self._store.arn_for_objects(f"{prefix}/*"), why=OBJECTS_REASON)
        keys = [f"{prefix}/*" for prefix in prefixes]
        self.allow(["s3:ListBucket"], self._store.bucket_arn, when={"StringLike": {"s3:prefix": keys}})
        return self

    def writes(self, prefix: str) -> "SageMakerRole":
        self.allow(["s3:PutObject"], self._store.arn_for_objects(f"{prefix}/*"), why=OBJECTS_REASON)
        return self

    def fetches(self, *files: assets.Asset) -> "SageMakerRole":
        """Of the deployment's bucket just these."""
        bucket = f"arn:{cdk.Aws.PARTITION}:s3:::{files[0].s3_bucket_name}"
        keys = [file.s3_object_key for file in files]
        self.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{key}" for key in keys]))
        self.allow(["s3:ListBucket"], bucket, when={"StringEquals": {"s3:prefix": keys}})
        return self
