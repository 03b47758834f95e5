"""What makes the monitoring workflow look at an endpoint: its schedule, and each deployment that is over."""

from dataclasses import asdict

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import images
from infra.config import Drift, Endpoint
from slipway import names

LATEST = cdk.Duration.hours(1)  # a look that could not be started by then is the next one's


class Looks(Construct):
    """A schedule soon after each window's end, and a rule for when the endpoint is in service again."""

    def __init__(
        self, scope: Construct, *, endpoint: Endpoint, machine: sfn.StateMachine, undelivered: sqs.IQueue
    ) -> None:
        super().__init__(scope, f"{endpoint.name}-looks")
        cdk.Tags.of(self).add(names.ENDPOINT_TAG, endpoint.name)
        image = images.uri(self, endpoint.retraining.image or endpoint.image)
        about = {"endpoint": endpoint.name, "kind": endpoint.monitor, "image": image}
        given = {"monitor": {**about, **asdict(endpoint.drift)}}
        self._schedule(endpoint, machine, undelivered, self._text(given))
        start = targets.SfnStateMachine(
            machine,
            input=events.RuleTargetInput.from_object(given),
            dead_letter_queue=undelivered,
            max_event_age=LATEST,
        )
        deployed = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Endpoint State Change"],
            detail={"EndpointName": [endpoint.name], "EndpointStatus": ["IN_SERVICE"]},
        )
        events.Rule(self, "Deployed", event_pattern=deployed, targets=[start])

    def _text(self, given: object) -> str:
        return cdk.Stack.of(self).to_json_string(given)

    def _schedule(self, endpoint: Endpoint, machine: sfn.StateMachine, undelivered: sqs.IQueue, given: str) -> None:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        machine.grant_start_execution(role)
        undelivered.grant_send_messages(role)
        made = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=names.monitor_schedule(endpoint.name),
            description=f"Slipway: looks at the traffic of {endpoint.name}",
            schedule_expression=expression(endpoint.drift),
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=machine.state_machine_arn,
                role_arn=role.role_arn,
                input=given,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=undelivered.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=int(LATEST.to_seconds()), maximum_retry_attempts=10
                ),
            ),
        )
        made.node.add_dependency(role)


def expression(drift: Drift) -> str:
    """When a window has settled; every hour for longer windows, whose variants are still to be probed."""
    every = drift.window_minutes if 60 % drift.window_minutes == 0 else 60
    first = drift.settle_minutes % every
    minutes = str(first) if every == 60 else f"{first}/{every}"
    return f"cron({minutes} * * * ? *)"
