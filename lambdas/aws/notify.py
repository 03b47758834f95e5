"""Notifications to people (SNS) and events to machines (EventBridge)."""

import json
from collections.abc import Mapping

from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from slipway import names


def publish(subject: str, body: str) -> None:
    """One message to the release topic; SNS takes at most 100 ASCII characters of subject."""
    plain = subject.encode("ascii", "replace").decode().replace("\n", " ")
    client("sns").publish(TopicArn=setting("TOPIC_ARN"), Subject=plain[:100], Message=body)


def emit(kind: str, detail: Mapping[str, object]) -> None:
    """One event on the default bus, source `slipway`."""
    entry = {"Source": names.EVENT_SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
    answer = client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"EventBridge refused {kind}: {answer['Entries']}")
