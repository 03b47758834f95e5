"""What functions may do, in the words of the trade. Every permission names ARNs; each `*` says why it is there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.nag import accept
from slipway import names


@dataclass(frozen=True)
class Permission:
    """why: the reason for a `*` in the resources. when: a policy condition."""

    actions: Sequence[str]
    resources: Sequence[str]
    why: str = ""
    when: dict[str, Any] = field(default_factory=dict)

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(actions=[*self.actions], resources=[*self.resources], conditions=self.when)

    def give(self, to: iam.Role | sfn.StateMachine) -> None:
        to.grant_principal.add_to_principal_policy(self.statement())
        for resource in self.resources:
            if "*" in resource:
                accept(to, "IAM5", self.why, finding=f"Resource::{resource}")


def arn(scope: Construct, service: str, resource: str, name: str, *, colon: bool = False) -> str:
    """An ARN in the stack's own account and region."""
    form = cdk.ArnFormat.COLON_RESOURCE_NAME if colon else cdk.ArnFormat.SLASH_RESOURCE_NAME
    return cdk.Stack.of(scope).format_arn(service=service, resource=resource, resource_name=name, arn_format=form)


def promotion_arn(scope: Construct) -> str:
    """The state machine's ARN, from its name: its own definition and its functions hold it."""
    return arn(scope, "states", "stateMachine", names.PROMOTION, colon=True)


def retraining_arn(scope: Construct) -> str:
    return arn(scope, "states", "stateMachine", names.RETRAINING, colon=True)


NAMED_BY_RELEASE = "Releases make these; their names start with the endpoint's, and no other endpoint's does."
MLFLOW_VERBS = (
    "CreateExperiment",
    "GetExperimentByName",
    "CreateRun",
    "DeleteRun",
    "LogBatch",
    "SearchRuns",
    "UpdateRun",
    "CreateRegisteredModel",
    "GetRegisteredModel",
    "SetRegisteredModelAlias",
    "DeleteRegisteredModelAlias",
    "CreateModelVersion",
    "DeleteModelVersion",
    "SearchModelVersions",
    "SetModelVersionTag",
)
NAMED_BY_RUN = "Runs and windows make these jobs; their names start with the endpoint's, and no other endpoint's does."
TO_SAGEMAKER = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
FOR_SAGEMAKER = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
LISTED_ANYWHERE = "It is not checked against the group that is listed, and tells no more than names and states."
NO_RESOURCE = "The service knows no resource for this action."


class Permissions:
    """The permissions of one deployment: its ledger, its bucket, its topic and its endpoints."""

    def __init__(
        self,
        scope: Construct,
        *,
        ledger: dynamodb.ITable,
        store_arn: str,
        key: kms.IKey,
        topic: sns.ITopic,
        serving_roles: dict[str, iam.IRole],
    ) -> None:
        self._scope, self._ledger, self._store, self._key, self._topic = scope, ledger, store_arn, key, topic
        self._serving_roles = serving_roles

    def _made(self, kind: str, pattern: str = "{}-*") -> list[str]:
        return [arn(self._scope, "sagemaker", kind, pattern.format(name)) for name in self._serving_roles]

    @property
    def _endpoints(self) -> list[str]:
        return self._made("endpoint", "{}")

    def use_ledger(self) -> Permission:
        verbs = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Query"]
        return Permission([f"dynamodb:{verb}" for verb in verbs], [self._ledger.table_arn])

    def see_releases(self) -> Permission:
        return self._items(["GetItem"], "ENDPOINT#*")

    def keep_pairs(self) -> Permission:
        """Sampled answers and their sums, and nothing else in the ledger."""
        verbs = ["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem"]
        return self._items(verbs, "SAMPLED#*", "ROW#*", "PAIRS#*")

    def _items(self, verbs: list[str], *partitions: str) -> Permission:
        leading = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*partitions]}}
        return Permission([f"dynamodb:{verb}" for verb in verbs], [self._ledger.table_arn], when=leading)

    def read(self, *prefixes: str) -> list[Permission]:
        objects = [f"{self._store}/{prefix}/*" for prefix in prefixes]
        return [
            Permission(["s3:GetObject"], objects, "Objects below a prefix of Slipway's bucket."),
            self.see_objects(*prefixes),
            Permission(["kms:Decrypt"], [self._key.key_arn]),
        ]

    def see_objects(self, *prefixes: str) -> Permission:
        below = {"StringLike": {"s3:prefix": [f"{prefix}/*" for prefix in prefixes]}}
        return Permission(["s3:ListBucket"], [self._store], when=below)

    def write(self, *prefixes: str) -> list[Permission]:
        objects = [f"{self._store}/{prefix}/*" for prefix in prefixes]
        return [
            Permission(["s3:PutObject"], objects, "Objects below a prefix of Slipway's bucket."),
            Permission(["kms:Decrypt", "kms:GenerateDataKey"], [self._key.key_arn]),
        ]

    def notify(self) -> list[Permission]:
        return [
            Permission(["sns:Publish"], [self._topic.topic_arn]),
            Permission(["kms:Decrypt", "kms:GenerateDataKey"], [self._key.key_arn]),
        ]

    def emit(self) -> Permission:
        return Permission(["events:PutEvents"], [arn(self._scope, "events", "event-bus", "default")])

    def see_packages(self) -> Permission:
        packages = self._made("model-package", "{}/*")
        return Permission(["sagemaker:DescribeModelPackage"], packages, "The versions in an endpoint's package group.")

    def see_endpoints(self) -> list[Permission]:
        return [
            Permission(["sagemaker:DescribeEndpoint"], self._endpoints),
            Permission(["sagemaker:DescribeEndpointConfig"], self._made("endpoint-config"), NAMED_BY_RELEASE),
            Permission(["sagemaker:DescribeModel"], self._made("model"), NAMED_BY_RELEASE),
        ]

    def see_scaling(self) -> Permission:
        return Permission(["application-autoscaling:DescribeScalableTargets"], ["*"], NO_RESOURCE)

    def move_weights(self) -> Permission:
        return Permission(["sagemaker:UpdateEndpointWeightsAndCapacities"], self._endpoints)

    def change_layout(self) -> list[Permission]:
        """CreateGrant lets SageMaker encrypt the instances' volumes with the key."""
        configs = self._made("endpoint-config")
        return [
            Permission(["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"], configs, NAMED_BY_RELEASE),
            Permission(["sagemaker:UpdateEndpoint"], [*self._endpoints, *configs], NAMED_BY_RELEASE),
            Permission(["kms:CreateGrant"], [self._key.key_arn], when=FOR_SAGEMAKER),
            Permission(["kms:DescribeKey"], [self._key.key_arn]),
        ]

    def make_models(self) -> list[Permission]:
        roles = [role.role_arn for role in self._serving_roles.values()]
        return [
            Permission(["sagemaker:CreateModel", "sagemaker:AddTags"], self._made("model"), NAMED_BY_RELEASE),
            Permission(["iam:PassRole"], roles, when=TO_SAGEMAKER),
        ]

    def probe(self) -> Permission:
        return Permission(["sagemaker:InvokeEndpoint"], self._endpoints)

    def scale(self) -> list[Permission]:
        return self._scaling(["RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy"])

    def stop_scaling(self) -> list[Permission]:
        return self._scaling(["DeregisterScalableTarget"])

    def _scaling(self, verbs: list[str]) -> list[Permission]:
        """Application Auto Scaling checks that its caller might do what it does itself: keep two alarms a policy."""
        targets = arn(self._scope, "application-autoscaling", "scalable-target", "*")
        why = "AWS gives scalable targets random ids; only those of SageMaker are allowed."
        of_sagemaker = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
        tracking = [f"TargetTracking-endpoint/{name}/variant/*" for name in self._serving_roles]
        alarms = [arn(self._scope, "cloudwatch", "alarm", name, colon=True) for name in tracking]
        keep = [f"cloudwatch:{verb}" for verb in ("DescribeAlarms", "PutMetricAlarm", "DeleteAlarms")]
        return [
            Permission([f"application-autoscaling:{verb}" for verb in verbs], [targets], why, of_sagemaker),
            Permission(keep, alarms, "Their names end in an id that AWS chooses."),
        ]

    def measure(self) -> Permission:
        return Permission(["cloudwatch:GetMetricData"], ["*"], NO_RESOURCE)

    def publish_metrics(self) -> Permission:
        ours = {"StringEquals": {"cloudwatch:namespace": names.METRICS}}
        return Permission(["cloudwatch:PutMetricData"], ["*"], NO_RESOURCE, ours)

    def start_promotions(self) -> Permission:
        return Permission(["states:StartExecution"], [promotion_arn(self._scope)])

    def follow(self, machine: str) -> Permission:
        executions = arn(self._scope, "states", "execution", f"{machine}:*", colon=True)
        return Permission(["states:DescribeExecution"], [executions], "The executions of the one state machine.")

    def clear_away(self) -> list[Permission]:
        """Remove models and endpoint configs of ended releases."""
        models, configs = self._made("model"), self._made("endpoint-config")
        return [
            Permission(["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"], ["*"], NO_RESOURCE),
            Permission(["sagemaker:DeleteModel"], models, NAMED_BY_RELEASE),
            Permission(["sagemaker:DeleteEndpointConfig"], configs, NAMED_BY_RELEASE),
        ]

    # Retraining

    def _jobs(self) -> list[str]:
        return [*self._made("training-job", "{}-retrain-*"), *self._made("processing-job", "{}-retrain-*")]

    def run_jobs(self, role: iam.IRole) -> list[Permission]:
        """Those of a retraining."""
        return self._run_jobs(("Training", "Processing"), self._jobs(), role)

    def run_watching_jobs(self, *roles: iam.IRole) -> list[Permission]:
        """Those that join a window's labels, and those that compare a holdout with recent requests."""
        made = [arn for kind in ("label", "holdout") for arn in self._made("processing-job", f"{{}}-{kind}-*")]
        return self._run_jobs(("Processing",), made, *roles)

    def find_processing_jobs(self) -> Permission:
        return Permission(["sagemaker:ListProcessingJobs"], ["*"], NO_RESOURCE)

    def _run_jobs(self, kinds: Sequence[str], jobs: Sequence[str], *roles: iam.IRole) -> list[Permission]:
        """What a state machine needs to run jobs on encrypted volumes and to hear of their ends, by its own rules."""
        verbs = [f"{verb}{kind}Job" for kind in kinds for verb in ("Create", "Describe", "Stop")]
        rules = [f"StepFunctionsGetEventsForSageMaker{kind}JobsRule" for kind in kinds]
        keep = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
        return [
            Permission([f"sagemaker:{verb}" for verb in (*verbs, "AddTags")], jobs, NAMED_BY_RUN),
            Permission(["iam:PassRole"], [role.role_arn for role in roles], when=TO_SAGEMAKER),
            Permission(["kms:CreateGrant"], [self._key.key_arn], when=FOR_SAGEMAKER),
            Permission(["kms:DescribeKey"], [self._key.key_arn]),
            Permission(keep, [arn(self._scope, "events", "rule", rule) for rule in rules]),
        ]

    def see_jobs(self) -> Permission:
        verbs = ["DescribeTrainingJob", "DescribeProcessingJob"]
        return Permission([f"sagemaker:{verb}" for verb in verbs], self._jobs(), NAMED_BY_RUN)

    def stop_jobs(self) -> list[Permission]:
        find = ["ListTrainingJobs", "ListProcessingJobs"]
        stop = ["StopTrainingJob", "StopProcessingJob"]
        return [
            Permission([f"sagemaker:{verb}" for verb in find], ["*"], NO_RESOURCE),
            Permission([f"sagemaker:{verb}" for verb in stop], self._jobs(), NAMED_BY_RUN),
        ]

    def report(self) -> list[Permission]:
        objects = [f"{self._store}/{names.RETRAINED}/*"]
        return [
            Permission(["s3:PutObject"], objects, "Objects below a prefix of Slipway's bucket."),
            Permission(["kms:GenerateDataKey"], [self._key.key_arn]),
        ]

    def register(self) -> Permission:
        """Make versions in the endpoints' groups."""
        packages = self._made("model-package", "{}/*")
        return Permission(["sagemaker:CreateModelPackage"], packages, "The versions in an endpoint's package group.")

    def approve(self) -> Permission:
        packages = self._made("model-package", "{}/*")
        verbs = ["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"]
        return Permission(verbs, packages, "The versions in an endpoint's package group.")

    def keep_mlflow(self, servers: Sequence[str]) -> list[Permission]:
        """The calls of `slipway/lineage.py`, on the servers that are SageMaker's."""
        arns = sorted({server for server in servers if server.startswith("arn:")})
        tracked = [server for server in arns if ":mlflow-tracking-server/" in server]
        apps = [server for server in arns if ":mlflow-app/" in server]
        listed = Permission(["sagemaker:ListModelPackages"], ["*"], LISTED_ANYWHERE)
        called = Permission([f"sagemaker-mlflow:{verb}" for verb in MLFLOW_VERBS], tracked)
        return [
            listed,
            self.see_packages(),
            *([called] if tracked else []),
            *([Permission(["sagemaker:CallMlflowAppApi"], apps)] if apps else []),
        ]

    def answer_retrainings(self) -> Permission:
        return Permission(["states:SendTaskSuccess"], [retraining_arn(self._scope)])
