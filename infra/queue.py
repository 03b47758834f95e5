"""Dead-letter queues: where events go that reached nobody."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag import accept


def undelivered(scope: Construct, name: str) -> sqs.Queue:
    queue = sqs.Queue(
        scope,
        "Undelivered",
        queue_name=name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
    )
    accept(queue, "SQS3", "This is the dead-letter queue; an alarm tells people of its first message.")
    return queue
