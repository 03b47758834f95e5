"""Where capture files and metrics go: the sandbox's AWS, or a directory for measuring without it."""

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


class AwsSink:
    """S3 and CloudWatch, found through the process's environment."""

    def __init__(self) -> None:
        config = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=20)
        self._s3: Any = boto3.client("s3", config=config)
        self._cloudwatch: Any = boto3.client("cloudwatch", config=config)

    def put_object(self, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        self._s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=body)

    def put_metrics(self, namespace: str, data: list[Datum]) -> None:
        for start in range(0, len(data), 1000):  # PutMetricData's limit
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + 1000])


class DirectorySink:
    """Objects as files under `directory`/objects, metrics as lines of `directory`/metrics.jsonl."""

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
