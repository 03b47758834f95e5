"""SageMaker as a MiniStack service: requests in, answers out."""

import asyncio
import json
import logging
import re
from typing import Any

from sandbox.sagemaker import (  # noqa: F401  (importing a module adds its operations)
    configs,
    dataplane,
    endpoints,
    groups,
    models,
    monitoring,
    processing,
    registry,
    shapes,
    store,
    tags,
    training,
    tuning,
)
from sandbox.sagemaker.errors import ServiceError, invalid, throttled
from sandbox.sagemaker.faults import ANY, FAULTS
from sandbox.sagemaker.operations import OPERATIONS, Answer, Params

logger = logging.getLogger("sandbox.sagemaker")
FAULTS_PATH = "/_sandbox/sagemaker/faults"
_INVOCATIONS = re.compile(r"/endpoints/[^/]+/invocations")
_JSON = "application/x-amz-json-1.1"
Response = tuple[int, dict[str, str], bytes]


def call(operation: str, params: Params) -> Answer:
    """Answer one API call. Raises ServiceError."""
    if operation not in OPERATIONS:
        raise ServiceError("UnknownOperationException", f"The sandbox has no operation {operation}.")
    if FAULTS.take_throttle(params.get("EndpointName", ANY)):
        raise throttled()
    shapes.validate(operation, params)
    return OPERATIONS[operation](params)


async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, _query: Any) -> Response:
    """MiniStack's entry: an API call by its X-Amz-Target, or a runtime request to pass on."""
    if method == "POST" and _INVOCATIONS.fullmatch(path):
        return await asyncio.to_thread(_invoke, path, headers, body)
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return await asyncio.to_thread(_answer, operation, body)


async def handle_faults(method: str, body: bytes) -> Response:
    """GET, POST or DELETE of the fault switches; always answers their state."""
    try:
        if method != "GET":
            FAULTS.switch(json.loads(body or b"{}") if method == "POST" else {})
    except (ValueError, AttributeError) as error:
        return 400, {"Content-Type": "application/json"}, json.dumps({"message": str(error)}).encode()
    return 200, {"Content-Type": "application/json"}, json.dumps(FAULTS.state()).encode()


def reset() -> None:
    FAULTS.clear()
    store.reset()


def get_state() -> dict[str, Any]:
    """The sandbox's SageMaker lives only as long as the server."""
    return {}


def load_persisted_state(_state: dict[str, Any]) -> None:
    """Nothing is persisted."""


def _answer(operation: str, body: bytes) -> Response:
    try:
        params = json.loads(body or b"{}")
        if not isinstance(params, dict):
            raise invalid("The request is not a JSON object.")
        answer = call(operation, params)
        with store.LOCK:
            return 200, {"Content-Type": _JSON}, json.dumps(answer).encode()
    except ServiceError as error:
        told = {"__type": error.code, "message": error.message}
        return error.status, {"Content-Type": _JSON, "x-amzn-ErrorType": error.code}, json.dumps(told).encode()
    except json.JSONDecodeError:
        return 400, {"Content-Type": _JSON}, json.dumps({"__type": "SerializationException"}).encode()


def _invoke(path: str, headers: dict[str, str], body: bytes) -> Response:
    try:
        return dataplane.invoke(path, headers, body)
    except dataplane.DataPlaneError as error:
        logger.error("could not pass %s on: %s", path, error)
        answer = json.dumps({"message": str(error)}).encode()
        return 503, {"Content-Type": "application/json", "x-amzn-ErrorType": "ServiceUnavailable"}, answer
