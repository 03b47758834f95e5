"""State changes published on the default event bus, as `aws.sagemaker` does.

Source: the guide page "Events that Amazon SageMaker AI sends to Amazon EventBridge". Delivery is at least once:
the `duplicate_events` fault makes every event arrive twice.
"""

import contextvars
import datetime
import json
import logging
import queue
import threading
from functools import cache
from typing import Any

from ministack.services import eventbridge

from sandbox.sagemaker.faults import FAULTS

logger = logging.getLogger("sandbox.sagemaker")
Delivery = tuple[contextvars.Context, dict[str, Any]]


def emit(subject: str, resource: str, detail: dict[str, Any]) -> None:
    """Publish `SageMaker {subject} State Change` about the ARN `resource`, in order, off the caller's thread."""
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {subject} State Change",
        "Resources": [resource],
        "Detail": json.dumps(detail),
    }
    for _ in range(2 if FAULTS.duplicate_events else 1):
        _outbox().put((contextvars.copy_context(), entry))


def iso(timestamp: float) -> str:
    """Unix seconds as the ISO 8601 text that model package events carry."""
    return datetime.datetime.fromtimestamp(timestamp, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(timestamp: float) -> int:
    """Unix seconds as the milliseconds that endpoint and job events carry."""
    return int(timestamp * 1000)


@cache
def _outbox() -> "queue.SimpleQueue[Delivery]":
    outbox: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    threading.Thread(target=_deliver, args=(outbox,), daemon=True, name="sagemaker-events").start()
    return outbox


def _deliver(outbox: "queue.SimpleQueue[Delivery]") -> None:
    while True:
        context, entry = outbox.get()
        try:
            context.run(eventbridge._put_events, {"Entries": [entry]}, allow_aws_source=True)
        except Exception:
            logger.exception("could not deliver %s", entry["DetailType"])
