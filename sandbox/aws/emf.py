"""CloudWatch embedded metric format: metrics that a function writes into its log.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from sandbox.aws.patching import replace


def install() -> None:
    emit = replace(lambda_svc, "_emit_lambda_logs", None)

    def emit_and_extract(function: dict, request_id: str, text: str, *args: Any, **kwargs: Any) -> None:
        emit(function, request_id, text, *args, **kwargs)
        extract(text)

    lambda_svc._emit_lambda_logs = emit_and_extract


def extract(text: str) -> None:
    """Store the metrics of every embedded-metric line of a log. They get the log's (virtual) time of arrival."""
    for line in text.splitlines():
        if line.startswith("{") and '"CloudWatchMetrics"' in line:
            try:
                _store(json.loads(line))
            except ValueError:
                continue  # a log line that only looks like one is just a log line


def _store(document: dict[str, Any]) -> None:
    now = cloudwatch.time.time()
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                unit = metric.get("Unit", "None")
                cloudwatch._store_datum(
                    directive["Namespace"], metric["Name"], dimensions, now, unit, None, values, None, None
                )
