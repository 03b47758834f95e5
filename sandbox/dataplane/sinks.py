"""Where capture files, metrics and logs go: the sandbox's AWS, or a directory for measuring without it."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
import orjson
from botocore.config import Config

from sandbox.dataplane.metrics import Datum


class Sink(Protocol):
    """Raises OSError, BotoCoreError or ClientError when it can't keep something."""

    def put_object(self, url: str, body: bytes) -> None: ...

    def put_metrics(self, namespace: str, data: list[Datum]) -> None: ...

    def put_log_lines(self, group: str, stream: str, lines: list[str], at: float) -> None:
        """`at`: virtual Unix seconds."""
        ...


class AwsSink:
    """S3, CloudWatch and its Logs, found through the process's environment."""

    def __init__(self) -> None:
        config = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=20)
        self._s3: Any = boto3.client("s3", config=config)
        self._cloudwatch: Any = boto3.client("cloudwatch", config=config)
        self._logs: Any = boto3.client("logs", config=config)
        self._streams: set[tuple[str, str]] = set()

    def put_object(self, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        self._s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=body)

    def put_metrics(self, namespace: str, data: list[Datum]) -> None:
        for start in range(0, len(data), 1000):  # PutMetricData's limit
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + 1000])

    def put_log_lines(self, group: str, stream: str, lines: list[str], at: float) -> None:
        self._ensure_stream(group, stream)
        events = [{"timestamp": int(at * 1000), "message": line} for line in lines]
        self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _ensure_stream(self, group: str, stream: str) -> None:
        if (group, stream) in self._streams:
            return
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=group)
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._streams.add((group, stream))


class DirectorySink:
    """Objects as files under `directory`/objects, metrics as lines of `directory`/metrics.jsonl, logs under
    `directory`/logs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def put_object(self, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        path = self._directory / "objects" / parts.netloc / parts.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def put_metrics(self, namespace: str, data: list[Datum]) -> None:
        with (self._directory / "metrics.jsonl").open("ab") as file:
            file.write(b"".join(orjson.dumps({"Namespace": namespace, **datum}) + b"\n" for datum in data))

    def put_log_lines(self, group: str, stream: str, lines: list[str], at: float) -> None:
        path = self._directory / "logs" / group.lstrip("/") / f"{stream}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(f"{at:.3f} {line}\n" for line in lines)
