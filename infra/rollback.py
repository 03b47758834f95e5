"""Rollback: a candidate's alarm, or an operator's request, goes straight to `roll_back`, past the state machine."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import Function
from slipway import names


class Rollback(Construct):
    """The two rules that start `roll_back`. Lambda tries a failed event twice more before it is undelivered."""

    def __init__(
        self, scope: Construct, *, roll_back: Function, endpoints: Sequence[str], undelivered: sqs.IQueue
    ) -> None:
        super().__init__(scope, "Rollback")
        target = targets.LambdaFunction(roll_back, dead_letter_queue=undelivered)
        alarms = [names.alarm(endpoint, names.CANDIDATE) for endpoint in endpoints]
        alarmed = events.EventPattern(
            source=["aws.cloudwatch"],
            detail_type=["CloudWatch Alarm State Change"],
            detail={"alarmName": alarms, "state": {"value": ["ALARM"]}},
        )
        events.Rule(self, "Alarmed", event_pattern=alarmed, targets=[target])
        requested = events.EventPattern(source=[names.EVENT_SOURCE], detail_type=[names.ABORT_REQUESTED])
        events.Rule(self, "Requested", event_pattern=requested, targets=[target])
