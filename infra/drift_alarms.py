"""Alarms of drift, one a detector; and of the workflow that looks for it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.config import Endpoint
from slipway import names

MEANING = {
    "feature": "the requests are no longer like the training data",
    "concept": "the same requests get other labels than the model says",
    "label": "labels are given by another rule than before",
    "infrastructure": "the same rows get other scores, or the variant runs on something else",
    "eval": "the holdout is no longer like the traffic",
}


class DriftAlarms(Construct):
    """In ALARM while the newest verdict on the baseline says so. People are told by the verdict, with its evidence."""

    def __init__(self, scope: Construct, *, endpoint: Endpoint) -> None:
        super().__init__(scope, f"{endpoint.name}-drift")
        cdk.Tags.of(self).add(names.ENDPOINT_TAG, endpoint.name)
        for detector in names.DETECTORS:
            cloudwatch.Alarm(
                self,
                detector,
                alarm_name=names.drift_alarm(endpoint.name, detector),
                alarm_description=f"Endpoint {endpoint.name}: {MEANING[detector]}; docs/runbooks/drift.md",
                metric=cloudwatch.Metric(
                    namespace=names.METRICS,
                    metric_name=names.DRIFT,
                    dimensions_map={
                        "EndpointName": endpoint.name,
                        "VariantName": names.BASELINE,
                        "Detector": detector,
                    },
                    statistic="Maximum",
                    period=cdk.Duration.minutes(1),
                ),
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                # Between two looks nothing is measured: the last verdict stands.
                treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            )


class WorkflowAlarms(Construct):
    """Looks that fail, looks that do not happen, and events that reached nobody."""

    def __init__(
        self, scope: Construct, *, machine: sfn.StateMachine, undelivered: sqs.IQueue, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, "Alarms")
        self._action = actions.SnsAction(topic)
        failed = machine.metric_failed(period=cdk.Duration.minutes(5), statistic="Sum")
        self._on_any(f"{names.MONITOR}-failed", failed, "a look for drift failed")
        late = machine.metric_timed_out(period=cdk.Duration.minutes(5), statistic="Sum")
        self._on_any(f"{names.MONITOR}-timed-out", late, "a look for drift did not end")
        waiting = undelivered.metric_approximate_number_of_messages_visible(
            period=cdk.Duration.minutes(1), statistic="Maximum"
        )
        self._on_any(f"{names.MONITOR}-undelivered", waiting, "captured traffic or a look's start reached nobody")

    def silent(self, machine: sfn.StateMachine) -> None:
        """For stacks with a schedule: three hours without a look that succeeded."""
        looked = machine.metric_succeeded(period=cdk.Duration.hours(1), statistic="Sum")
        self._alarm(
            f"{names.MONITOR}-silent",
            looked,
            "nobody has looked for drift in three hours",
            evaluation_periods=3,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )

    def _on_any(self, name: str, metric: cloudwatch.Metric, meaning: str) -> None:
        self._alarm(
            name,
            metric,
            meaning,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric,
        meaning: str,
        *,
        evaluation_periods: int,
        comparison_operator: cloudwatch.ComparisonOperator,
        treat_missing_data: cloudwatch.TreatMissingData,
    ) -> None:
        cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=f"Slipway: {meaning}; docs/runbooks/monitor-silent.md",
            metric=metric,
            threshold=1,
            evaluation_periods=evaluation_periods,
            comparison_operator=comparison_operator,
            treat_missing_data=treat_missing_data,
        ).add_alarm_action(self._action)
