"""Where people hear of releases and alarms: one topic, encrypted."""

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from slipway import names


class Notices(sns.Topic):
    """`addresses` get an e-mail each, once they have confirmed the subscription."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, addresses: Iterable[str | None]) -> None:
        super().__init__(scope, id, topic_name=names.TOPIC, master_key=key, enforce_ssl=True)
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        for address in sorted({address for address in addresses if address}):
            self.add_subscription(subscriptions.EmailSubscription(address))
