"""Tasks' calls of other services: what becomes of one that gets no answer."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from infra.promotion import DEFINITION
from sandbox.aws import states_tasks

ROLE = "arn:aws:iam::123456789012:role/unanswered"


@pytest.fixture(params=["refuses", "closes"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of a server that refuses connections, or closes them without an answer to what it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if request.param == "closes":
            threading.Thread(target=_close_after_reading, args=[server], daemon=True).start()
        number = server.getsockname()[1]
        if request.param == "refuses":
            server.close()
        yield number


def _close_after_reading(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)


def test_a_call_without_an_answer_is_an_error_that_the_workflow_retries(port, monkeypatch):
    monkeypatch.setenv("GATEWAY_PORT", str(port))
    client = states_tasks._make_client("us-east-1", "lambda", ROLE)
    with pytest.raises(ClientError, match="Unable to execute HTTP request") as caught:
        client.invoke(FunctionName="admit")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    admit = json.loads(DEFINITION.read_text())["States"]["Admit"]
    retried = {name for retrier in admit["Retry"] for name in retrier["ErrorEquals"]}
    assert f"Lambda.{caught.value.response['Error']['Code']}" in retried
