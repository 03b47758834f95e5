"""SNS messages where the sandbox's user sees them: GET /_sandbox/notifications?since=N, and a JSONL file.

MiniStack delivers to queues and functions; an e-mail is a line in its log. Here every published message is kept, with
who would have received it.
"""

import json
import os
from pathlib import Path
from typing import Any

from ministack.services import sns

from sandbox import clock as clocks
from sandbox.aws import routes
from sandbox.aws.patching import replace

_published: list[dict[str, Any]] = []


def install(app: Any) -> None:
    clock = clocks.from_env()
    fan_out = replace(sns, "_fanout", None)

    def keep_and_fan_out(topic_arn: str, msg_id: str, message: str, subject: str, *args: Any, **kwargs: Any) -> None:
        _keep(topic_arn, msg_id, message, subject, clock.now())
        fan_out(topic_arn, msg_id, message, subject, *args, **kwargs)

    sns._fanout = keep_and_fan_out
    routes.get("notifications", lambda query, headers: since(int(query.get("since", 0))))


def since(number: int) -> list[dict[str, Any]]:
    """Messages from the `number`th on; a client asks next for `number` + how many it got."""
    return _published[number:]


def _keep(topic_arn: str, message_id: str, body: str, subject: str, at: float) -> None:
    topic = sns._topic_by_arn_any_scope(topic_arn)
    receivers = [f"{s['protocol']}:{s['endpoint']}" for s in topic["subscriptions"]] if topic else []
    message = {
        "number": len(_published),
        "message_id": message_id,
        "topic": topic_arn,
        "subject": subject,
        "body": body,
        "at": at,
        "receivers": receivers,
    }
    _published.append(message)
    file = os.environ.get("SANDBOX_NOTIFICATIONS")
    if file:
        with Path(file).open("a") as lines:
            lines.write(json.dumps(message) + "\n")
