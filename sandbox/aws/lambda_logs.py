"""What a function's run leaves in its log: real durations at virtual times, and the metrics it wrote as log lines.

Those are in CloudWatch's embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from sandbox.aws.patching import replace
from sandbox.clock import Clock


def install(clock: Clock) -> None:
    emit = replace(lambda_svc, "_emit_lambda_logs", None)
    measure = replace(lambda_svc, "_emit_lambda_metrics", None)

    def emit_and_extract(
        function: dict, request_id: str, text: str, failed: bool, duration_ms: int, **extra: Any
    ) -> None:
        duration = clock.real(duration_ms)
        name = (function.get("config") or function)["FunctionName"]
        # A stack that is destroyed takes log groups along, and its functions may not make them anew.
        if name in lambda_svc._functions:
            emit(function, request_id, text, failed, int(duration), **extra)
        measure(name, duration_ms=duration, error=failed, throttle=False)
        extract(text)

    def measure_throttles(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        """MiniStack counts what callers see; each run, asynchronous ones too, is counted above."""
        if throttle:
            measure(name, duration_ms=0.0, error=False, throttle=True)

    lambda_svc._emit_lambda_logs = emit_and_extract
    lambda_svc._emit_lambda_metrics = measure_throttles


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
