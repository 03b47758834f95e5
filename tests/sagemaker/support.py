"""What the SageMaker tests stand on: a recording data plane, a gateway's address, and small helpers."""

import http.server
import io
import json
import tarfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, REGION, TOKEN, SPEED = "123456789012", "us-east-1", "a token", 100.0
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0"
BUCKET = "models-and-data"
# Virtual: 0.6 s of the test's own time.
ENDPOINT_SECONDS = 60


@dataclass
class FakeDataPlane:
    """What the control plane asked for: endpoint name and body of each PUT (None for a DELETE)."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    invocations: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def last(self, endpoint: str) -> dict[str, Any]:
        return [body for name, body in self.calls if name == endpoint and body is not None][-1]

    def weights(self, endpoint: str) -> dict[str, float]:
        return {variant["name"]: variant["weight"] for variant in self.last(endpoint)["variants"]}


def recording(fake: FakeDataPlane) -> type[http.server.BaseHTTPRequestHandler]:
    """The HTTP side of a fake data plane."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def do_DELETE(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fake.invocations.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self._send(200, b"0.25\n", {"x-Amzn-Invoked-Production-Variant": "baseline", "Content-Type": "text/csv"})

        def _answer(self, body: dict[str, Any] | None) -> None:
            if self.headers["x-sandbox-token"] != TOKEN:
                return self._send(403, b"{}", {})
            fake.calls.append((self.path.rsplit("/", 1)[-1], body))
            answer = {"ready": False, "failures": fake.failures} if fake.failures else {"ready": True}
            return self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@dataclass
class Gateway:
    """The running gateway and what reaches it."""

    url: str

    def client(self, service: str, config: Config | None = None) -> Any:
        once = Config(retries={"total_max_attempts": 1})
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="secret",
            config=once.merge(config) if config else once,
        )

    def faults(self, method: str = "POST", **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox/sagemaker/faults", json.dumps(body).encode(), method=method
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)


def until(read: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 20.0) -> Any:
    """Read until what was read is good."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if good(value):
            return value
        assert time.monotonic() < deadline, f"still {value}"
        time.sleep(0.05)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def archive(files: dict[str, str]) -> bytes:
    """A tar.gz of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
