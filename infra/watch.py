"""Who watches the watchmen: alarms on workflows that end badly, and on events that reached nobody."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class Watch(Construct):
    """Alarms that tell people of the first minute with anything in it; all point to one runbook."""

    def __init__(self, scope: Construct, *, topic: sns.ITopic, runbook: str) -> None:
        super().__init__(scope, "Watch")
        self._action, self._runbook = actions.SnsAction(topic), runbook

    def on_undelivered(self, name: str, queue: sqs.IQueue, meaning: str) -> None:
        self.on_any(name, queue.metric_approximate_number_of_messages_visible(), meaning)

    def on_any(self, name: str, metric: cloudwatch.Metric, meaning: str) -> None:
        """metric: a count; its statistic is kept, its period becomes a minute."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=f"Slipway: {meaning}; {self._runbook}",
            metric=metric.with_(period=cdk.Duration.minutes(1)),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
