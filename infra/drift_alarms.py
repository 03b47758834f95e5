"""Alarms of drift, one a detector."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
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
