"""A job's output in CloudWatch Logs, written as the job's role; a role that may not write logs has none."""

import logging
import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from sandbox.sagemaker import role
from sandbox.sagemaker.store import CLOCK

logger = logging.getLogger("sandbox.sagemaker")
FLUSH_SECONDS = 0.5
MAX_BATCH = 500


class LogStream:
    """One log stream: lines are sent in batches, the last ones when it is closed."""

    def __init__(self, group: str, stream: str, credentials: dict[str, str]) -> None:
        self._client = role.client("logs", credentials)
        self._target = {"logGroupName": group, "logStreamName": stream}
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._flushed = time.monotonic()
        self._open = self._create()

    def write(self, line: str) -> None:
        """Add a line at the present virtual time."""
        with self._lock:
            self._lines.append({"timestamp": int(CLOCK.now() * 1000), "message": line or " "})
            due = len(self._lines) >= MAX_BATCH or time.monotonic() - self._flushed > FLUSH_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            batch, self._lines = self._lines, []
            self._flushed = time.monotonic()
        if batch and self._open:
            self._call(self._client.put_log_events, logEvents=batch)

    def _create(self) -> bool:
        self._call(self._client.create_log_group, only="logGroupName")
        return self._call(self._client.create_log_stream)

    def _call(self, method: Any, only: str | None = None, **arguments: Any) -> bool:
        target = {only: self._target[only]} if only else self._target
        try:
            method(**target, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceAlreadyExistsException":
                return True
            logger.warning("no logs for %s: %s", self._target["logStreamName"], error)
            return False
        return True
