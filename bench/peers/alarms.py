"""CloudWatch alarms that roll back: SageMaker deployment guardrails, and CodeDeploy.

Sources: "Auto-Rollback Configuration and Monitoring" (docs.aws.amazon.com/sagemaker/latest/dg/
deployment-guardrails-configuration.html): any alarm that trips rolls back. "Evaluating an alarm" (docs.aws.amazon.com/
AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html): DatapointsToAlarm out of EvaluationPeriods.
One alarm each on the candidate's error rate, p50 and p99.
"""

import numpy as np

from bench.calibration.decisions import Decisions, Rule, first
from bench.calibration.traffic import Traffic
from bench.peers.thresholds import decided, over, windows


def alarm(datapoints: int, minutes: int = 1) -> Rule:
    """ALARM after so many consecutive datapoints over the threshold; minutes: the period of a datapoint."""

    def rule(traffic: Traffic) -> Decisions:
        breach = over(windows(traffic.candidate, minutes))
        return decided(first(consecutive(breach, datapoints).any(axis=0)), traffic.minutes, minutes)

    return rule


def consecutive(breach: np.ndarray, datapoints: int) -> np.ndarray:
    """Where the last `datapoints` of [..., periods] are all True."""
    result = breach.copy()
    for back in range(1, datapoints):
        result[..., back:] &= breach[..., :-back]
        result[..., :back] = False
    return result
