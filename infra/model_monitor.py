"""SageMaker Model Monitor, for accounts that have it (it is closed to new ones). Slipway's detectors read its files."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.config import Endpoint
from infra.registry import Registry
from slipway import names

REPOSITORY = "sagemaker-model-monitor-analyzer"
# Source: the image table of the SageMaker Python SDK.
ACCOUNTS = {
    "ap-east-1": "001633400207",
    "ap-northeast-1": "574779866223",
    "ap-northeast-2": "709848358524",
    "ap-south-1": "126357580389",
    "ap-southeast-1": "245545462676",
    "ap-southeast-2": "563025443158",
    "ca-central-1": "536280801234",
    "cn-north-1": "453000072557",
    "cn-northwest-1": "453252182341",
    "eu-central-1": "048819808253",
    "eu-north-1": "895015795356",
    "eu-west-1": "468650794304",
    "eu-west-2": "749857270468",
    "eu-west-3": "680080141114",
    "me-south-1": "607024016150",
    "sa-east-1": "539772159869",
    "us-east-1": "156813124566",
    "us-east-2": "777275614652",
    "us-west-1": "890145073186",
    "us-west-2": "159807026194",
}
REGISTRY = Registry("AnalyzerRegistry", REPOSITORY, ACCOUNTS)
INPUT, OUTPUT = "/opt/ml/processing/input/endpoint", "/opt/ml/processing/output"
HOURLY = "cron(0 * ? * * *)"
SCORE = "0"  # the first column of a CSV answer


class ModelMonitor(Construct):
    """Job definitions of data quality and model quality, each with its hourly schedule, for one endpoint.

    A definition can't be updated: what may change of it stands in its name, so that CloudFormation can replace it.
    """

    def __init__(
        self, scope: Construct, *, endpoint: Endpoint, role: iam.IRole, store: s3.IBucket, key: kms.IKey
    ) -> None:
        super().__init__(scope, f"{endpoint.name}-model-monitor")
        cdk.Tags.of(self).add(names.ENDPOINT_TAG, endpoint.name)
        self._endpoint, self._role, self._store, self._key = endpoint, role, store, key
        self._schedule("DataQuality", names.data_quality(endpoint.name), self._data_quality())
        self._schedule("ModelQuality", names.model_quality(endpoint.name), self._model_quality())

    def _data_quality(self) -> str:
        kind = sagemaker.CfnDataQualityJobDefinition
        name = f"{self._endpoint.name}-data-quality"
        kind(
            self,
            "DataQualityJob",
            job_definition_name=name,
            role_arn=self._role.role_arn,
            data_quality_app_specification=kind.DataQualityAppSpecificationProperty(image_uri=REGISTRY.uri(self)),
            data_quality_job_input=kind.DataQualityJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(endpoint_name=self._endpoint.name, local_path=INPUT)
            ),
            data_quality_job_output_config=self._output(kind),
            job_resources=self._resources(kind),
            stopping_condition=kind.StoppingConditionProperty(max_runtime_in_seconds=3600),
        )
        return name

    def _model_quality(self) -> str:
        """Compared are the requests of an hour whose labels are due, `label_hours` later."""
        kind, hours = sagemaker.CfnModelQualityJobDefinition, self._endpoint.drift.label_hours
        truth = f"s3://{self._store.bucket_name}/{names.GROUND_TRUTH}/{self._endpoint.name}"
        name = f"{self._endpoint.name}-model-quality-{hours}h"
        kind(
            self,
            "ModelQualityJob",
            job_definition_name=name,
            role_arn=self._role.role_arn,
            model_quality_app_specification=kind.ModelQualityAppSpecificationProperty(
                image_uri=REGISTRY.uri(self), problem_type="BinaryClassification"
            ),
            model_quality_job_input=kind.ModelQualityJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(
                    endpoint_name=self._endpoint.name,
                    local_path=INPUT,
                    start_time_offset=f"-PT{hours + 1}H",
                    end_time_offset=f"-PT{hours}H",
                    probability_attribute=SCORE,
                    probability_threshold_attribute=0.5,
                ),
                ground_truth_s3_input=kind.MonitoringGroundTruthS3InputProperty(s3_uri=truth),
            ),
            model_quality_job_output_config=self._output(kind),
            job_resources=self._resources(kind),
            stopping_condition=kind.StoppingConditionProperty(max_runtime_in_seconds=1800),
        )
        return name

    def _output(self, kind: type) -> object:
        uri = f"s3://{self._store.bucket_name}/{names.monitored(self._endpoint.name, names.MODEL_MONITOR)}"
        written = kind.S3OutputProperty(s3_uri=uri, local_path=OUTPUT, s3_upload_mode="EndOfJob")
        return kind.MonitoringOutputConfigProperty(
            kms_key_id=self._key.key_arn, monitoring_outputs=[kind.MonitoringOutputProperty(s3_output=written)]
        )

    def _resources(self, kind: type) -> object:
        cluster = kind.ClusterConfigProperty(
            instance_count=1, instance_type="ml.m5.large", volume_size_in_gb=20, volume_kms_key_id=self._key.key_arn
        )
        return kind.MonitoringResourcesProperty(cluster_config=cluster)

    def _schedule(self, monitored: str, name: str, definition: str) -> None:
        kind = sagemaker.CfnMonitoringSchedule
        made = kind(
            self,
            f"{monitored}Schedule",
            monitoring_schedule_name=name,
            monitoring_schedule_config=kind.MonitoringScheduleConfigProperty(
                monitoring_job_definition_name=definition,
                monitoring_type=monitored,
                schedule_config=kind.ScheduleConfigProperty(schedule_expression=HOURLY),
            ),
        )
        made.node.add_dependency(self.node.find_child(f"{monitored}Job"))
