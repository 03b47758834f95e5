"""A gateway process with the SageMaker control plane, and a data plane that only writes down what it is told."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import clock
from tests.sagemaker.support import (
    ACCOUNT,
    BUCKET,
    ENDPOINT_SECONDS,
    IMAGE,
    SPEED,
    TOKEN,
    FakeDataPlane,
    Gateway,
    recording,
    until,
)

ROOT = Path(__file__).resolve().parents[2]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="session")
def dataplane() -> Iterator[FakeDataPlane]:
    fake = FakeDataPlane()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), recording(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


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
        "SANDBOX_ENDPOINT_SECONDS": str(ENDPOINT_SECONDS),
        "SANDBOX_JOB_START_SECONDS": "20",
        "SANDBOX_TOKEN": TOKEN,
        "SANDBOX_WEIGHT_SECONDS": "30",
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
