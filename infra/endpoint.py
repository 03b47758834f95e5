"""An endpoint with its first model, as one baseline variant that captures its traffic and scales."""

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.config import Endpoint
from infra.frame import Frame
from slipway import names

SCRIPT_MODE = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


class FirstDeployment(Construct):
    """Model, endpoint config and endpoint: what a user may change comes frozen from the frame.

    Nothing else here may ever change either, since CloudFormation can't replace resources that bear names.
    """

    def __init__(
        self, scope: Construct, *, name: str, frame: Frame, role: iam.IRole, store: s3.IBucket, key: kms.IKey
    ) -> None:
        super().__init__(scope, "First")
        first = f"{name}-first"
        model = sagemaker.CfnModel(
            self,
            "Model",
            model_name=first,
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=frame.image, model_data_url=frame.artifact_url, environment=SCRIPT_MODE
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            endpoint_config_name=first,
            kms_key_id=key.key_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=names.BASELINE,
                    model_name=model.attr_model_name,
                    initial_variant_weight=1,
                    initial_instance_count=frame.initial_instance_count,
                    instance_type=frame.instance_type,
                )
            ],
            data_capture_config=_capture(frame, store, key),
        )
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            # Should CloudFormation ever update it all the same, instances and weights stay as they are.
            retain_all_variant_properties=True,
        )


def _capture(frame: Frame, store: s3.IBucket, key: kms.IKey) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    config = sagemaker.CfnEndpointConfig
    return config.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=frame.capture_percentage,
        destination_s3_uri=f"s3://{store.bucket_name}/{names.CAPTURE}",
        kms_key_id=key.key_arn,
        capture_options=[config.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
        # Without these, payloads are captured in base64.
        capture_content_type_header=config.CaptureContentTypeHeaderProperty(
            csv_content_types=["text/csv"], json_content_types=["application/json"]
        ),
    )


class Scaling(Construct):
    """Target tracking on requests a minute and instance, for the baseline; releases register the candidate's."""

    def __init__(self, scope: Construct, *, endpoint: Endpoint) -> None:
        super().__init__(scope, "Scaling")
        target = autoscaling.CfnScalableTarget(
            self,
            "Baseline",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=names.scalable_target(endpoint.name, names.BASELINE),
            min_capacity=endpoint.initial_instance_count,
            max_capacity=endpoint.max_instance_count,
        )
        policy = autoscaling.CfnScalingPolicy
        policy(
            self,
            "Requests",
            policy_name=f"{names.PREFIX}-{endpoint.name}-{names.BASELINE}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
                target_value=endpoint.target_invocations_per_instance,
            ),
        )
