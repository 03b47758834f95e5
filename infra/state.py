"""The State stack: what outlives releases, and the roles that touch it."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import images, model_monitor, spark_image
from infra.config import Config, Endpoint
from infra.job_code import JobCode
from infra.notices import Notices
from infra.permissions import Permissions, arn
from infra.roles import SageMakerRole
from infra.storage import Encryption, Ledger, Store
from slipway import names


class State(cdk.Stack):
    """Ledger, bucket and key, topic, package groups, SageMaker's roles.

    Ledger, bucket, key and package groups stay when the stack is destroyed, unless `retain_data` is false.
    """

    def __init__(self, scope: Construct, *, config: Config) -> None:
        super().__init__(scope, f"{names.PREFIX}-state", description="Slipway: what must not be lost")
        removal = cdk.RemovalPolicy.RETAIN if config.retain_data else cdk.RemovalPolicy.DESTROY
        self.key = Encryption(self, "Key", removal=removal)
        self.ledger = Ledger(self, "Ledger", removal=removal)
        self.store = Store(self, "Store", key=self.key, removal=removal)
        self.topic = Notices(self, "Notices", key=self.key, addresses=[e.alarm_email for e in config.endpoints])
        self.job_code = JobCode(self, "JobCode")
        self.training_role = self._training_role(config.endpoints)
        self.retraining_role = self._retraining_role(config.endpoints)
        self.label_role = self._label_role(config.endpoints)
        self.holdout_role = self._holdout_role(config.endpoints)
        for role in (self.label_role, self.holdout_role):
            self.export_value(role.role_arn)  # also while Monitoring is not there, or not any more, to import it
        self.serving_roles: dict[str, iam.IRole] = {}
        self.monitoring_roles: dict[str, iam.IRole] = {}
        for endpoint in config.endpoints:
            self._endpoint(endpoint, removal)
        cdk.CfnOutput(self, "BucketName", value=self.store.bucket_name)
        cdk.CfnOutput(self, "TrainingRoleArn", value=self.training_role.role_arn)
        cdk.CfnOutput(self, "TopicArn", value=self.topic.topic_arn)

    def permissions(self, scope: Construct) -> Permissions:
        """What functions of another stack may do here and to the endpoints."""
        return Permissions(
            scope,
            ledger=self.ledger,
            # As the other stack will import it, so that cdk-nag's findings can be named.
            store_arn=self.export_value(self.store.bucket_arn),
            key=self.key,
            topic=self.topic,
            serving_roles=self.serving_roles,
        )

    def _training_role(self, endpoints: tuple[Endpoint, ...]) -> SageMakerRole:
        role = SageMakerRole(
            self, "TrainingRole", store=self.store, key=self.key, logs="*Jobs", name=f"{names.PREFIX}-training"
        )
        for image in sorted({endpoint.image for endpoint in endpoints}):
            role.pulls(images.repository_arn(self, image))
        return role.reads(names.DATA, names.CODE).writes(names.MODELS)

    def _monitoring_role(self, room: Construct, endpoint: Endpoint) -> SageMakerRole:
        """For Model Monitor's jobs."""
        role = SageMakerRole(room, "MonitoringRole", store=self.store, key=self.key, logs="*Jobs")
        role.pulls(model_monitor.REGISTRY.repository_arn(self))
        role.allow(["sagemaker:DescribeEndpoint"], arn(self, "sagemaker", "endpoint", endpoint.name))
        role.reads(f"{names.CAPTURE}/{endpoint.name}", f"{names.GROUND_TRUTH}/{endpoint.name}")
        return role.writes(names.monitored(endpoint.name, names.MODEL_MONITOR))

    def _retraining_role(self, endpoints: tuple[Endpoint, ...]) -> SageMakerRole:
        """Of the jobs of a run: from captured traffic and its labels to a model and its comparison."""
        role = SageMakerRole(
            self, "RetrainingRole", store=self.store, key=self.key, logs="*Jobs", name=names.RETRAINING
        )
        self._pull_job_images(role, endpoints)
        role.pulls(spark_image.REGISTRY.repository_arn(self))
        code = self.job_code
        role.fetches(code.program, code.program_app, code.monitoring, code.sources, code.wheel)
        role.reads(names.CAPTURE, names.GROUND_TRUTH, names.MODELS, names.RETRAINED)
        return role.writes(names.MODELS).writes(names.RETRAINED)

    def _label_role(self, endpoints: tuple[Endpoint, ...]) -> SageMakerRole:
        """Of the jobs that join a window's labels."""
        role = SageMakerRole(self, "LabelRole", store=self.store, key=self.key, logs="*Jobs", name=names.LABELLING)
        role.pulls(spark_image.REGISTRY.repository_arn(self))
        role.fetches(self.job_code.monitoring, self.job_code.app)
        role.reads(names.CAPTURE, names.GROUND_TRUTH, names.JOBS)
        for endpoint in endpoints:
            role.writes(names.monitored(endpoint.name, names.LABELLED))
        return role

    def _holdout_role(self, endpoints: tuple[Endpoint, ...]) -> SageMakerRole:
        """Of the jobs that compare what a package was evaluated on with recent requests."""
        role = SageMakerRole(self, "HoldoutRole", store=self.store, key=self.key, logs="*Jobs", name=names.COMPARING)
        self._pull_job_images(role, endpoints)
        role.fetches(self.job_code.program)
        kept = [names.monitored(endpoint.name, names.BASELINES) for endpoint in endpoints]
        role.reads(names.CAPTURE, names.GROUND_TRUTH, names.MODELS, names.RETRAINED, names.JOBS, *kept)
        for prefix in kept:
            role.writes(prefix)
        return role

    def _pull_job_images(self, role: SageMakerRole, endpoints: tuple[Endpoint, ...]) -> None:
        wanted = {image for endpoint in endpoints for image in (endpoint.image, endpoint.retraining.image) if image}
        for image in sorted(wanted):
            role.pulls(images.repository_arn(self, image))

    def _endpoint(self, endpoint: Endpoint, removal: cdk.RemovalPolicy) -> None:
        room = Construct(self, endpoint.name)
        cdk.Tags.of(room).add(names.ENDPOINT_TAG, endpoint.name)
        role = SageMakerRole(room, "ServingRole", store=self.store, key=self.key, logs=f"Endpoints/{endpoint.name}")
        role.pulls(images.repository_arn(self, endpoint.image))
        role.reads(names.MODELS).writes(f"{names.CAPTURE}/{endpoint.name}")
        self.serving_roles[endpoint.name] = role
        if endpoint.monitor == names.MODEL_MONITOR:
            self.monitoring_roles[endpoint.name] = self._monitoring_role(room, endpoint)
        group = sagemaker.CfnModelPackageGroup(
            room,
            "Packages",
            model_package_group_name=endpoint.name,
            model_package_group_description=f"Candidates for endpoint {endpoint.name}: approve one to release it",
        )
        group.apply_removal_policy(removal)
        cdk.CfnOutput(room, "Image", value=images.uri(self, endpoint.image)).override_logical_id(
            f"Image{''.join(part.title() for part in endpoint.name.split('-'))}"
        )
