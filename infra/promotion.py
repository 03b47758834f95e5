"""Promotion: an approved model package starts an execution of the state machine, which walks it through its plan."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import Function
from infra.permissions import Permission, promotion_arn
from infra.workflow import Workflow
from slipway import names

DEFINITION = Path(__file__).parent / "workflows" / "promotion.asl.json"


class Promotion(Workflow):
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
        own_arn = promotion_arn(scope)
        values = {"Promotion": own_arn, "Topic": topic.topic_arn}
        may = [Permission(["states:StartExecution"], [own_arn]), *notify]
        super().__init__(
            scope, "Promotion", name=names.PROMOTION, definition=DEFINITION, steps=steps, values=values, may=may
        )
        self._start_on_approval(packages, undelivered)

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
