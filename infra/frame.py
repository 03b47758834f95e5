"""The frame of an endpoint: its settings, recorded for releases and frozen for CloudFormation."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.config import Endpoint
from slipway import codec, names


class Frame(Construct):
    """A custom resource that answers every deployment with what the first one was told.

    So the model, the config and the endpoint in the template never change once they exist, and no deployment can take
    back what releases did since; a changed setting reaches the ledger and takes effect with the next release.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        endpoint: Endpoint,
        recorder: lambda_.IFunction,
        image: str,
        role: iam.IRole,
        store: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        """image: the URI that `endpoint.image` stands for. recorder: the function `lambdas/frame.py`."""
        super().__init__(scope, "Frame")
        self._resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::SlipwayFrame",
            service_token=recorder.function_arn,
            service_timeout=cdk.Duration.minutes(10),
            properties={
                "Endpoint": endpoint.name,
                "Image": image,
                "ArtifactUrl": endpoint.first_model,
                "RoleArn": role.role_arn,
                "InstanceType": endpoint.instance_type,
                "InitialInstanceCount": str(endpoint.initial_instance_count),
                "MaxInstanceCount": str(endpoint.max_instance_count),
                "TargetInvocationsPerInstance": str(endpoint.target_invocations_per_instance),
                "CaptureUri": f"s3://{store.bucket_name}/{names.CAPTURE}",
                "CapturePercentage": str(endpoint.capture_percentage),
                "KmsKeyArn": key.key_arn,
                "KeepOldConfigDays": str(endpoint.keep_old_config_days),
                "Plan": endpoint.plan,
                "Retraining": codec.dumps(endpoint.retraining),
            },
        )
        # Its rights must be there before the function is called, and until it has answered the deletion.
        self._resource.node.add_dependency(recorder)

    @property
    def image(self) -> str:
        return self._resource.get_att_string("Image")

    @property
    def artifact_url(self) -> str:
        return self._resource.get_att_string("ArtifactUrl")

    @property
    def instance_type(self) -> str:
        return self._resource.get_att_string("InstanceType")

    @property
    def initial_instance_count(self) -> float:
        return cdk.Token.as_number(self._resource.get_att("InitialInstanceCount"))

    @property
    def capture_percentage(self) -> float:
        return cdk.Token.as_number(self._resource.get_att("CapturePercentage"))
