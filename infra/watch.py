"""Who watches the watchman: alarms on releases that nobody drives any more, and on events that reached nobody."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from slipway import names

MINUTE = Duration.minutes(1)


class Watch(Construct):
    """A rolled-back release is a good end; a failed or aborted execution may leave one half-way."""

    def __init__(
        self, scope: Construct, *, machine: sfn.StateMachine, undelivered: sqs.IQueue, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, "Watch")
        self._action = actions.SnsAction(topic)
        failed = machine.metric_failed(period=MINUTE, statistic="Sum")
        self._on_any(f"{names.PROMOTION}-failed", failed, "a promotion failed, its rollback included; look now")
        aborted = machine.metric_aborted(period=MINUTE, statistic="Sum")
        self._on_any(f"{names.PROMOTION}-aborted", aborted, "a promotion was stopped by hand; its release still stands")
        waiting = undelivered.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum")
        self._on_any(f"{names.PREFIX}-undelivered", waiting, "an approval or an alarm reached nobody")

    def _on_any(self, name: str, metric: cloudwatch.Metric, meaning: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=f"Slipway: {meaning}; docs/runbooks/stuck-release.md",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
