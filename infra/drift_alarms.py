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

MINUTE = cdk.Duration.minutes(1)
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
                    period=MINUTE,
                ),
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                # Between two looks nothing is measured: the last verdict stands.
                treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            )


class WorkflowAlarms(Construct):
    """Looks that fail or do not end, and events that reached nobody: a schedule that can't start a look is one."""

    def __init__(
        self, scope: Construct, *, machine: sfn.StateMachine, undelivered: sqs.IQueue, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, "Alarms")
        self._action = actions.SnsAction(topic)
        failed = machine.metric_failed(period=MINUTE, statistic="Sum")
        self._on_any(f"{names.MONITOR}-failed", failed, "a look for drift failed")
        late = machine.metric_timed_out(period=MINUTE, statistic="Sum")
        self._on_any(f"{names.MONITOR}-timed-out", late, "a look for drift did not end")
        waiting = undelivered.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum")
        self._on_any(f"{names.MONITOR}-undelivered", waiting, "captured traffic or the start of a look reached nobody")

    def _on_any(self, name: str, metric: cloudwatch.Metric, meaning: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=f"Slipway: {meaning}; docs/runbooks/monitoring-failed.md",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
