"""SageMaker Model Monitor's files, written and read: statistics.json, constraints.json, constraint_violations.json.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-statistics.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-constraints.html
"""

from monitoring.model_monitor.read import profile, reference, violations
from monitoring.model_monitor.rules import Violation, check, distance
from monitoring.model_monitor.write import constraint_violations, constraints, statistics

__all__ = [
    "Violation",
    "check",
    "constraint_violations",
    "constraints",
    "distance",
    "profile",
    "reference",
    "statistics",
    "violations",
]
