"""A real data plane for the tests, its capture and metrics in a directory, with models that start quickly."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).parents[2]
TOKEN = "test-token"

# What a body says is what the model does; all else is answered with the model's own name.
SERVE = """
import os, sys, time
from pathlib import Path

class BadRequest(Exception):
    status = 400

def model_fn(model_dir):
    name = (Path(model_dir) / "name").read_text()
    if name == "broken":
        raise ValueError("the model file is corrupt")
    return name

def input_fn(body, content_type):
    if body == b"bad":
        raise BadRequest("row 1, column 2: not a number")
    return body

def predict_fn(data, model):
    if data == b"boom":
        raise RuntimeError("division by cucumber")
    if data == b"exit":
        os._exit(3)
    if data.startswith(b"sleep "):
        time.sleep(float(data[6:]))
    if data == b"environment":
        return repr(sorted(os.environ))
    if data == b"path":
        return repr(sys.path)
    return f"{model},{len(data)}"

def output_fn(prediction, accept):
    return prediction, "text/csv; charset=utf-8"
"""


class Plane:
    """A running data plane and how to talk to it."""

    def __init__(self, process: subprocess.Popen[str], url: str, directory: Path) -> None:
        self.process = process
        self.url = url
        self.directory = directory
        self.version = 0
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
        keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        self.runtime: Any = boto3.client("sagemaker-runtime", endpoint_url=url, config=config, **keys)

    def control(self, method: str, path: str, body: object = None, token: str = TOKEN) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", data, {"x-sandbox-token": token}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def artifact(self, name: str, serve: str = SERVE) -> str:
        """The URL of an artifact whose model answers with `name`."""
        folder = self.directory / "artifacts" / name
        (folder / "code").mkdir(parents=True, exist_ok=True)
        (folder / "code/serve.py").write_text(serve)
        (folder / "name").write_text(name)
        target = folder.with_suffix(".tar.gz")
        if not target.exists():
            with tarfile.open(target, "w:gz") as tar:
                tar.add(folder, ".")
        return target.as_uri()

    def variant(self, name: str, model: str, weight: float = 1.0, **other: Any) -> dict[str, Any]:
        environment = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        what = {"name": model, "artifact": self.artifact(model), "image": "", "environment": environment}
        return {"name": name, "kind": "production", "weight": weight, "instances": 1, "model": what, **other}

    def put(self, endpoint: str, *variants: dict[str, Any], capture: object = None) -> Any:
        """Deploy; the data plane's answer."""
        self.version += 1
        body = {"version": self.version, "config_name": "c", "endpoint_config_arn": "", "capture": capture}
        status, answer = self.control("PUT", f"endpoints/{endpoint}", {**body, "variants": list(variants)})
        assert status == 200, answer
        return answer

    def invoke(self, endpoint: str, body: bytes = b"1,2,3", **arguments: Any) -> tuple[str, bytes]:
        """The variant that answered, and its answer."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, **{"ContentType": "text/csv", **arguments}
        )
        return answer["InvokedProductionVariant"], answer["Body"].read()

    def state(self, endpoint: str) -> Any:
        return self.control("GET", "state")[1]["endpoints"][endpoint]

    def captured(self, endpoint: str, variant: str) -> list[dict[str, Any]]:
        """Every captured record so far, oldest file first."""
        files = sorted((self.directory / "sink/objects/bucket/capture" / endpoint / variant).rglob("*.jsonl"))
        return [json.loads(text) for file in files for text in file.read_text().splitlines()]

    def metric(self, name: str, endpoint: str, variant: str) -> tuple[float, float]:
        """(sum, sample count) of an invocation metric so far."""
        total = count = 0.0
        path = self.directory / "sink/metrics.jsonl"
        for text in path.read_text().splitlines() if path.exists() else []:
            datum = json.loads(text)
            if datum["MetricName"] == name and [d["Value"] for d in datum["Dimensions"]] == [endpoint, variant]:
                total += sum(v * c for v, c in zip(datum["Values"], datum["Counts"], strict=True))
                count += sum(datum["Counts"])
        return total, count


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The condition's first true value. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.02)
    return value


@pytest.fixture
def eventually() -> Callable[..., Any]:
    return wait_for


@pytest.fixture
def start_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Plane]]:
    """Starts data planes; ends those that still run."""
    yield from _starter(tmp_path_factory)


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """One data plane for the tests that don't break it; each uses an endpoint of its own."""
    for start in _starter(tmp_path_factory):
        yield start()


def _starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Plane]]:
    planes: list[Plane] = []

    def start(*arguments: str, sink: bool = True, **environment: str) -> Plane:
        directory = tmp_path_factory.mktemp("plane")
        command = [sys.executable, "-m", "sandbox.dataplane", "--seed", "7", "--flush-seconds", "0.2", *arguments]
        command += ["--sink", str(directory / "sink")] if sink else []
        # In a session of its own, as if started from a terminal of its own.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"SANDBOX_TOKEN": TOKEN, "TMPDIR": str(directory)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        ready = process.stdout.readline().split()
        assert ready and ready[0] == "READY", "the data plane did not start"
        planes.append(Plane(process, ready[1], directory))
        return planes[-1]

    yield start
    for each in planes:
        each.process.send_signal(signal.SIGTERM)
        each.process.wait(20)
        each.process.stdin.close()
        each.process.stdout.close()
