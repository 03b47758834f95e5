"""Pairing: each object of captured traffic and each of ground truth goes to `pair` as it arrives."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import Function
from slipway import names


class Pairing(Construct):
    """The rule that starts `pair`. Lambda tries a failed event twice more before it is undelivered."""

    def __init__(self, scope: Construct, *, pair: Function, store: s3.IBucket, undelivered: sqs.IQueue) -> None:
        super().__init__(scope, "Pairing")
        below = [{"prefix": f"{prefix}/"} for prefix in (names.CAPTURE, names.GROUND_TRUTH)]
        arrived = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [store.bucket_name]}, "object": {"key": below}},
        )
        target = targets.LambdaFunction(pair, dead_letter_queue=undelivered)
        events.Rule(self, "Arrived", event_pattern=arrived, targets=[target])
