"""What Model Monitor's data-quality schedule has written: one `statistics.json` an hour of an endpoint's traffic.

`{output}/{endpoint}/{schedule}/yyyy/mm/dd/HH/statistics.json`, the hour being the one in which the job was due; it
looked at the hour before. An hour without traffic fails, and has no files.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-results.html
"""

import json
from datetime import UTC, datetime
from typing import Any

from lambdas.aws import bucket, counted
from slipway import names
from slipway.windows import Monitor

FILE = "statistics.json"


def by_window(monitor: Monitor, variant: str, since: float, until: float) -> dict[float, int]:
    """The windows that have statistics. Model Monitor knows no variants: what it saw is taken for the baseline's."""
    if variant != names.BASELINE:
        return {}
    prefix = _prefix(monitor.endpoint)
    keys = bucket.below(prefix, after=f"{prefix}/{counted.when(since)[:-3]}")
    starts = (_start(monitor, key) for key in keys if key.endswith(f"/{FILE}"))
    return {start: 1 for start in starts if since <= start < until}


def statistics(monitor: Monitor, since: float) -> dict[str, Any] | None:
    """Of the window that starts at `since`; None where there are none."""
    body = bucket.get(f"{_prefix(monitor.endpoint)}/{counted.when(since + monitor.seconds)[:-3]}/{FILE}")
    return dict(json.loads(body)) if body else None


def _prefix(endpoint: str) -> str:
    return names.monitored(endpoint, names.MODEL_MONITOR, endpoint, names.data_quality(endpoint))


def _start(monitor: Monitor, key: str) -> float:
    hour = key.removesuffix(f"/{FILE}")[-13:]
    return datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=UTC).timestamp() - monitor.seconds
