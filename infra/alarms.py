"""Alarms of a variant by its role, so they outlive every release: three signals, and one composite of them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.config import Thresholds
from slipway import names

LEAST_REQUESTS = 20  # in a minute; fewer say nothing about a rate
MEANING = {
    names.ERROR_RATE: "too many requests end in a 5xx",
    names.MODEL_ERRORS: "too many requests get no answer from the model: errors, time-outs, broken responses",
    names.LATENCY: "the model is too slow: 90th percentile of ModelLatency, in microseconds",
}


class RoleAlarms(Construct):
    """The alarms of one role of one endpoint. `any` is in ALARM while one of them is."""

    def __init__(self, scope: Construct, *, endpoint: str, role: str, thresholds: Thresholds) -> None:
        super().__init__(scope, role.title())
        self._endpoint, self._role = endpoint, role
        rate, slow = thresholds.error_rate, thresholds.latency_p90_ms * 1000
        alarms = [
            self._alarm(names.ERROR_RATE, self._share("Invocation5XXErrors"), rate, minutes=2),
            self._alarm(names.MODEL_ERRORS, self._model_errors(), rate, minutes=2),
            self._alarm(names.LATENCY, self._latency(), slow, minutes=3),
        ]
        self.any = cloudwatch.CompositeAlarm(
            self,
            "Any",
            composite_alarm_name=names.alarm(endpoint, role),
            alarm_description=f"Endpoint {endpoint}, {role}: one of its alarms fires; see docs/runbooks/",
            alarm_rule=cloudwatch.AlarmRule.any_of(*alarms),
        )

    def _alarm(self, signal: str, value: cloudwatch.IMetric, threshold: float, *, minutes: int) -> cloudwatch.Alarm:
        """Fires when `minutes` of the last three are over the threshold."""
        return cloudwatch.Alarm(
            self,
            signal,
            alarm_name=names.alarm(self._endpoint, self._role, signal),
            alarm_description=f"Endpoint {self._endpoint}, {self._role}: {MEANING[signal]}; docs/runbooks/{signal}.md",
            metric=value,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=minutes,
            # A variant without requests publishes nothing; that is not an incident.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _share(self, metric: str) -> cloudwatch.MathExpression:
        """Of the minute's requests. The metric is 0 or 1 a request, but a threshold on its average ignores volume."""
        return self._with_enough_requests("errors / invocations", errors=self._metric(metric, "Sum"))

    def _model_errors(self) -> cloudwatch.MathExpression:
        """Less those that are a 4xx: one arm alone can't tell clients' mistakes from the model's; the judge can."""
        return self._with_enough_requests(
            "(errors - refused) / invocations",
            errors=self._metric("InvocationModelErrors", "Sum"),
            refused=self._metric("Invocation4XXErrors", "Sum"),
        )

    def _latency(self) -> cloudwatch.MathExpression:
        return self._with_enough_requests("latency", latency=self._metric("ModelLatency", "p90"))

    def _with_enough_requests(self, value: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
        return cloudwatch.MathExpression(
            expression=f"IF(invocations >= {LEAST_REQUESTS}, {value}, 0)",
            using_metrics={"invocations": self._metric("Invocations", "Sum"), **metrics},
            period=cdk.Duration.minutes(1),
            label=value,
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self._endpoint, "VariantName": self._role},
            statistic=statistic,
            period=cdk.Duration.minutes(1),
        )
