"""SageMaker Runtime's errors, in the form its clients parse."""

from typing import Any, NamedTuple

import orjson

from sandbox.dataplane.connection import GONE, TIMED_OUT
from sandbox.dataplane.listener import MAX_BODY, Request

REGION = "us-east-1"
ACCOUNT = "123456789012"


class Refusal(NamedTuple):
    """An error answer: HTTP status, the exception's name, its members."""

    status: int
    code: str
    members: dict[str, Any]


def send(request: Request, refusal: Refusal, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    named = (*headers, (b"x-amzn-ErrorType", refusal.code.encode())) if refusal.code else headers
    request.reply(refusal.status, orjson.dumps(refusal.members), headers=named)


def validation(message: str) -> Refusal:
    return Refusal(400, "ValidationError", {"Message": message})


def no_endpoint(endpoint: str) -> Refusal:
    return validation(f"Endpoint {endpoint} of account {ACCOUNT} not found.")


def too_large() -> Refusal:
    """SageMaker names no exception here: clients report the bare 413."""
    return Refusal(413, "", {"Message": f"HTTP content length exceeded {MAX_BODY} bytes."})


def unavailable(message: str) -> Refusal:
    return Refusal(503, "ServiceUnavailable", {"Message": message})


def failed(endpoint: str, status: int, body: bytes) -> Refusal:
    """What the caller sees when a container did not answer with 2xx."""
    original = body.decode("utf-8", "replace")
    if status == GONE:
        return unavailable(original)
    if status == TIMED_OUT:
        status, original = 0, "Your invocation timed out while waiting for a response from container primary."
    side = "client" if 400 <= status <= 499 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    message = (
        f'Received {side} error ({status}) from primary with message "{original}". See https://{REGION}.console.aws.'
        f"amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group} in account {ACCOUNT} "
        "for more information."
    )
    members = {
        "Message": message,
        "OriginalMessage": original,
        "OriginalStatusCode": status,
        "LogStreamArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    }
    return Refusal(424, "ModelError", members)
