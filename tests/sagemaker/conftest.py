"""A gateway process with the SageMaker control plane, and a data plane that only writes down what it is told."""

import http.server
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import clock

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION, TOKEN, SPEED = "123456789012", "us-east-1", "a token", 100.0
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0"
BUCKET = "models-and-data"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


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


@pytest.fixture(scope="session")
def dataplane() -> Iterator[FakeDataPlane]:
    fake = FakeDataPlane()

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

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


@dataclass
class Gateway:
    """The running gateway and what reaches it."""

    url: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def faults(self, method: str = "POST", **body: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/_sandbox/sagemaker/faults", json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def gateway(dataplane: FakeDataPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    log = tmp_path_factory.mktemp("gateway") / "log"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SANDBOX_"))},
        "AUTH": "true",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": port,
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "PYTHONPATH": str(ROOT),
        "SANDBOX_CLOCK": clock.start(SPEED).to_env(),
        "SANDBOX_DATAPLANE_URL": dataplane.url,
        "SANDBOX_TOKEN": TOKEN,
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("gateway.py"))], env=environment, stdout=out, stderr=out
        )
    try:
        _wait_for_port(int(port), process, log)
        yield Gateway(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the gateway did not start:\n{log.read_text()}")


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "gateway" in request.fixturenames:
        request.getfixturevalue("gateway").faults()
        request.getfixturevalue("dataplane").failures.clear()


@pytest.fixture(scope="session")
def sagemaker(gateway: Gateway) -> Any:
    return gateway.client("sagemaker")


@pytest.fixture(scope="session")
def s3(gateway: Gateway) -> Any:
    client = gateway.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="models/a/model.tar.gz", Body=b"a model")
    return client


@pytest.fixture(scope="session")
def make_role(gateway: Gateway) -> Callable[[str, list[dict[str, Any]]], str]:
    iam = gateway.client("iam")

    def make(name: str, statements: list[dict[str, Any]]) -> str:
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return str(created)

    return make


@pytest.fixture(scope="session")
def role(make_role: Callable[[str, list[dict[str, Any]]], str]) -> str:
    """A role that may do with the bucket and logs what jobs do."""
    return make_role("job", [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}])


@pytest.fixture(scope="session")
def model(sagemaker: Any, s3: Any, role: str) -> str:
    """A model that endpoint configs can name."""
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/models/a/model.tar.gz", "Environment": {"A": "1"}}
    sagemaker.create_model(ModelName="Model-a", PrimaryContainer=container, ExecutionRoleArn=role)
    return "Model-a"


@pytest.fixture(scope="session")
def make_config(sagemaker: Any, model: str) -> Callable[..., str]:
    """Create an endpoint config from weights by variant name; `shadow` names the shadow variants."""

    def variants(weights: dict[str, float]) -> list[dict[str, Any]]:
        common = {"ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        return [{"VariantName": name, "InitialVariantWeight": weight, **common} for name, weight in weights.items()]

    def make(name: str, weights: dict[str, float], shadow: dict[str, float] | None = None, **more: Any) -> str:
        if shadow:
            more["ShadowProductionVariants"] = variants(shadow)
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants(weights), **more)
        return name

    return make


@pytest.fixture(scope="session")
def settled(sagemaker: Any) -> Callable[[str], dict[str, Any]]:
    """Wait until an endpoint is neither Creating nor Updating; returns its description."""

    def wait(name: str) -> dict[str, Any]:
        return until(
            lambda: sagemaker.describe_endpoint(EndpointName=name),
            lambda described: described["EndpointStatus"] not in ("Creating", "Updating"),
        )

    return wait


@pytest.fixture
def endpoint(
    request: pytest.FixtureRequest, sagemaker: Any, make_config: Any, settled: Any, dataplane: FakeDataPlane
) -> Iterator[str]:
    """An endpoint in service with baseline at weight 9 and candidate at weight 1, named after the test."""
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "")[-50:].strip("-")
    make_config(f"{name}-first", {"baseline": 9, "candidate": 1})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-first")
    assert settled(name)["EndpointStatus"] == "InService"
    yield name


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
