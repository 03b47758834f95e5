"""Promotion: an approved model package starts an execution of the state machine, which walks it through its plan."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.function import KEEP_LOGS, Function
from infra.nag import accept
from infra.permissions import Permission, promotion_arn
from slipway import names

DEFINITION = Path(__file__).parent / "workflows" / "promotion.asl.json"


class Promotion(Construct):
    """The state machine `infra/workflows/promotion.asl.json`, started by approvals."""

    def __init__(
        self,
        scope: Construct,
        *,
        steps: Mapping[str, Function],
        packages: Sequence[str],
        undelivered: sqs.IQueue,
        topic: sns.ITopic,
        notify: Sequence[Permission],
    ) -> None:
        """steps: the functions for the definition's holes. packages: the groups whose approvals count. notify: what
        publishing to the topic takes."""
        super().__init__(scope, "Promotion")
        own_arn = promotion_arn(self)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=names.PROMOTION,
            # As text the definition is part of the template, so `cdk diff` shows a change of it.
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                **{hole: function.function_arn for hole, function in steps.items()},
                "Promotion": own_arn,
                "Topic": topic.topic_arn,
            },
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=self._log(), level=sfn.LogLevel.ALL, include_execution_data=True),
        )
        arns = [function.function_arn for function in steps.values()]
        start = Permission(["states:StartExecution"], [own_arn])
        for permission in (Permission(["lambda:InvokeFunction"], arns), start, *notify):
            self.machine.add_to_role_policy(permission.statement())
        reason = "Log delivery and X-Ray know no resources; the state machine needs both."
        accept(self.machine, "IAM5", reason, finding="Resource::*")
        self._start_on_approval(packages, undelivered)

    def _log(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{names.PROMOTION}",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _start_on_approval(self, packages: Sequence[str], undelivered: sqs.IQueue) -> None:
        start = targets.SfnStateMachine(
            self.machine,
            input=events.RuleTargetInput.from_object(
                {"model_package_arn": events.EventField.from_path("$.detail.ModelPackageArn")}
            ),
            dead_letter_queue=undelivered,
        )
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={"ModelApprovalStatus": ["Approved"], "ModelPackageGroupName": [*packages]},
        )
        events.Rule(self, "Approved", event_pattern=pattern, targets=[start])
