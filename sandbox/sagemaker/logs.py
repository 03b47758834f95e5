"""A job's output in CloudWatch Logs, written as the job's role; a role that may not write logs has none."""

import logging
import threading
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from sandbox.sagemaker import role
from sandbox.sagemaker.store import CLOCK

logger = logging.getLogger("sandbox.sagemaker")
FLUSH_SECONDS = 0.5


class LogStream:
    """One log stream, open within its `with` block: lines are sent every half (real) second, the rest at the end."""

    def __init__(self, group: str, stream: str, credentials: dict[str, str]) -> None:
        self._client = role.client("logs", credentials)
        self._group, self._stream = group, stream
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._sender = threading.Thread(target=self._send_regularly, daemon=True, name=f"logs-{stream}")

    def __enter__(self) -> "LogStream":
        self._call(self._client.create_log_group)
        self._call(self._client.create_log_stream, logStreamName=self._stream)
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._sender.join()
        self._send()

    def write(self, line: str) -> None:
        """Add a line at the present virtual time."""
        with self._lock:
            # CloudWatch Logs takes no empty messages.
            self._lines.append({"timestamp": int(CLOCK.now() * 1000), "message": line or " "})

    def _send_regularly(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self._send()

    def _send(self) -> None:
        with self._lock:
            batch, self._lines = self._lines, []
        if batch:
            self._call(self._client.put_log_events, logStreamName=self._stream, logEvents=batch)

    def _call(self, method: Any, **arguments: Any) -> None:
        try:
            method(logGroupName=self._group, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                logger.warning("no logs for %s: %s", self._stream, error)
