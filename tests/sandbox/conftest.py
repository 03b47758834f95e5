"""One gateway for all tests of the embedded AWS, sixty times faster than real time; each test uses names of its own."""

import io
import json
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.environment import Sandbox

ACCOUNT = "123456789012"
ARN = f"us-east-1:{ACCOUNT}"


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(speed=60, logs=tmp_path_factory.mktemp("gateway"), dataplane=False) as running:
        yield running


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex[:8]


def eventually(question: Callable[[], Any], within: float = 10.0) -> Any:
    """The first true answer; fails after `within` real seconds."""
    deadline = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {within} s"
        time.sleep(0.05)
    return answer


def package(**files: str) -> bytes:
    """A zip of Python files: `package(index="def handler...")`; `__` in a name is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(f"{name.replace('__', '/')}.py", textwrap.dedent(text))
    return buffer.getvalue()


@pytest.fixture
def role(gateway: Sandbox, unique: str) -> Callable[..., str]:
    """Make a role for a service, with the statements given: `role("lambda", ("s3:GetObject", arn))`."""

    def make(service: str, *allowed: tuple[str | list[str], str]) -> str:
        name = f"{service}-{unique}-{uuid.uuid4().hex[:4]}"
        iam = gateway.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        if allowed:
            statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    return make


@pytest.fixture
def function(gateway: Sandbox, unique: str, role: Callable[..., str]) -> Callable[..., str]:
    """Make a Lambda function from source; returns its ARN. `allowed` is what its role may do."""

    def make(source: str, *allowed: tuple[str | list[str], str], layers: list[str] | None = None, **extra: Any) -> str:
        files = {key: extra.pop(key) for key in list(extra) if key.startswith("lambdas")}
        return gateway.client("lambda").create_function(
            FunctionName=f"f-{unique}-{uuid.uuid4().hex[:4]}",
            Runtime="python3.13",
            Handler="index.handler",
            Role=role("lambda", *allowed),
            Code={"ZipFile": package(index=source, **files)},
            Layers=layers or [],
            **{"Timeout": 10, **extra},
        )["FunctionArn"]

    return make


@pytest.fixture
def invoke(gateway: Sandbox) -> Callable[..., Any]:
    """Invoke a function; returns (payload, error kind or None)."""

    def call(arn: str, event: Any = None) -> tuple[Any, str | None]:
        answer = gateway.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event or {}))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return call


@pytest.fixture
def run(gateway: Sandbox, unique: str, role: Callable[..., str]) -> Callable[..., dict[str, Any]]:
    """Run a state machine to its end; returns its description."""

    def start(definition: dict[str, Any], *allowed: tuple[str, str], given: Any = None) -> dict[str, Any]:
        states = gateway.client("stepfunctions")
        machine = states.create_state_machine(
            name=f"m-{unique}-{uuid.uuid4().hex[:4]}",
            definition=json.dumps(definition),
            roleArn=role("states", *allowed),
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]
        eventually(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
        return states.describe_execution(executionArn=execution)

    return start
