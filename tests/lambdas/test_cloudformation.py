"""Answers to CloudFormation, received by a real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lambdas import frame
from lambdas.aws import cloudformation, ledger
from slipway import codec, names
from slipway import frame as frames
from tests.lambdas.world import CANARY, CONTEXT, FRAME, World

PROPERTIES = {
    "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:slipway-frame",
    "Endpoint": "fraud",
    "Image": FRAME.image,
    "ArtifactUrl": "s3://bucket/models/first/model.tar.gz",
    "RoleArn": FRAME.role_arn,
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": "1",
    "MaxInstanceCount": "8",
    "TargetInvocationsPerInstance": "1000",
    "CaptureUri": FRAME.capture_uri,
    "CapturePercentage": "100",
    "KmsKeyArn": FRAME.kms_key_arn,
    "KeepOldConfigDays": "7",
    "Plan": json.dumps(codec.encode(FRAME.plan)),
    "Retraining": codec.dumps(FRAME.retraining),
}


class Cloud:
    """What CloudFormation received: (content type, answer)."""

    def __init__(self) -> None:
        self.received: list[tuple[str | None, dict[str, Any]]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.headers["Content-Type"], json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def event(self, kind: str, **properties: str) -> dict[str, Any]:
        event = {"RequestType": kind, "StackId": "s", "RequestId": "r", "LogicalResourceId": "Frame"}
        url = f"http://127.0.0.1:{self.server.server_port}/answer?Signature=x"
        return {**event, "ResponseURL": url, "ResourceProperties": {**PROPERTIES, **properties}}

    def ask(self, kind: str, **properties: str) -> dict[str, Any]:
        """The handler's answer to a request."""
        frame.handler(self.event(kind, **properties), CONTEXT)
        return self.received[-1][1]


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_an_answer_names_its_request_and_has_no_content_type(cloud: Cloud) -> None:
    cloudformation.succeed(cloud.event("Create"), "slipway-frame-fraud", {"Image": "i"})
    same = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "Frame"}
    body = {"Status": "SUCCESS", "PhysicalResourceId": "slipway-frame-fraud", "Data": {"Image": "i"}}
    assert cloud.received == [("", {**same, **body})]


def test_a_failures_reason_is_kept_short(cloud: Cloud) -> None:
    cloudformation.fail(cloud.event("Create"), "x", "y" * 5000)
    answer = cloud.received[0][1]
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "y" * 1000)


def test_a_creation_records_the_frame_and_answers_what_it_was_told(world: World, cloud: Cloud) -> None:
    ledger.delete_frame("fraud")
    answer = cloud.ask("Create")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "slipway-frame-fraud")
    assert answer["Data"] == {name: PROPERTIES[name] for name in frames.FROZEN}
    assert ledger.frame("fraud") == FRAME


def test_an_update_changes_the_frame_and_still_answers_what_the_first_deployment_was_told(
    world: World, cloud: Cloud
) -> None:
    first = cloud.ask("Create")["Data"]
    changed = {"InstanceType": "ml.m5.xlarge", "MaxInstanceCount": "4", "Image": "i:4.0-0", "Plan": '"blue-green"'}
    answer = cloud.ask("Update", **changed)
    assert (answer["Status"], answer["Data"]) == ("SUCCESS", first)
    now = ledger.frame("fraud")
    assert (now.instance_type, now.max_instance_count, now.plan.name) == ("ml.m5.xlarge", 4, "blue-green")


def test_an_update_in_the_middle_of_a_release_touches_neither_it_nor_the_endpoint(world: World, cloud: Cloud) -> None:
    cloud.ask("Create")
    known = world.at(CANARY)
    cloud.ask("Update", InitialInstanceCount="5")
    assert ledger.release(known.id) == known
    assert {call.service for call in world.wire.calls} == {"dynamodb"}


def test_a_deletion_clears_what_releases_made_and_forgets_the_frame(world: World, cloud: Cloud) -> None:
    cloud.ask("Create")
    known = world.at(CANARY)
    world.later(60)
    assert cloud.ask("Delete")["Status"] == "SUCCESS"
    assert not [name for name in world.sagemaker.models if names.made_by_release("fraud", name)]
    with pytest.raises(ledger.NotFound):
        ledger.frame("fraud")
    assert ledger.release(known.id) == known, "its history stays"
    assert cloud.ask("Delete")["Status"] == "SUCCESS", "a repeated deletion finds nothing to do"


@pytest.mark.parametrize(
    ("kind", "properties", "says"),
    [
        ("Create", {"Plan": '"no-such-plan"'}, "plan: 'no-such-plan' is not built in"),
        ("Create", {"MaxInstanceCount": "many"}, "ValueError"),
        ("Update", {"Endpoint": "churn"}, "NotFound: endpoint churn has no first deployment"),
        ("Migrate", {}, "KeyError: 'Migrate'"),
    ],
)
def test_a_failure_is_an_answer_with_its_reason(
    world: World, cloud: Cloud, kind: str, properties: dict[str, str], says: str
) -> None:
    answer = cloud.ask(kind, **properties)
    assert answer["Status"] == "FAILED" and says in answer["Reason"]


def test_a_failure_keeps_the_identity_that_cloudformation_knows(world: World, cloud: Cloud) -> None:
    world.wire.refuse("list_models", "AccessDeniedException", "not authorized")
    frame.handler({**cloud.event("Delete"), "PhysicalResourceId": "known"}, CONTEXT)
    answer = cloud.received[-1][1]
    assert answer["PhysicalResourceId"] == "known" and "not authorized" in answer["Reason"]
