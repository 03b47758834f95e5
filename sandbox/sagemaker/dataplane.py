"""The control plane's side of its contract with the data plane: JSON over loopback HTTP.

SANDBOX_DATAPLANE_URL says where it is; SANDBOX_TOKEN opens its /_control/ paths.
"""

import http.client
import json
import os
from typing import Any
from urllib.parse import quote, urlsplit

# Longer than any container takes to load its model; a PUT waits for that.
CONTROL_TIMEOUT_SECONDS = 300
# SageMaker lets a container take 60 s to answer.
INVOKE_TIMEOUT_SECONDS = 70
Response = tuple[int, dict[str, str], bytes]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class DataPlaneError(Exception):
    """The data plane could not be reached, or did not understand."""


def put_endpoint(name: str, routing: dict[str, Any]) -> dict[str, str]:
    """Serve `routing`; returns why it failed by variant name, nothing when all the variants are ready."""
    answer = json.loads(_control("PUT", name, json.dumps(routing).encode()))
    return {} if answer["ready"] else answer.get("failures") or {"endpoint": "not ready"}


def delete_endpoint(name: str) -> None:
    """Stop serving the endpoint."""
    _control("DELETE", name, None)


def invoke(path: str, headers: dict[str, str], body: bytes) -> Response:
    """Pass a runtime request on, signature included; returns status, headers and body. Raises DataPlaneError."""
    kept = {key: value for key, value in headers.items() if key not in {*_HOP_BY_HOP, "host"}}
    return _request("POST", path, kept, body, INVOKE_TIMEOUT_SECONDS)


def _control(method: str, name: str, body: bytes | None) -> bytes:
    headers = {"x-sandbox-token": os.environ.get("SANDBOX_TOKEN", ""), "content-type": "application/json"}
    path = f"/_control/endpoints/{quote(name)}"
    status, _, answer = _request(method, path, headers, body, CONTROL_TIMEOUT_SECONDS)
    if status >= 300 and not (method == "DELETE" and status == 404):
        raise DataPlaneError(f"data plane answered {status}: {answer.decode(errors='replace')[:500]}")
    return answer


def _request(method: str, path: str, headers: dict[str, str], body: bytes | None, timeout: float) -> Response:
    address = urlsplit(os.environ.get("SANDBOX_DATAPLANE_URL", ""))
    if not address.hostname:
        raise DataPlaneError("SANDBOX_DATAPLANE_URL does not name a data plane")
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        kept = {key: value for key, value in response.getheaders() if key.lower() not in _HOP_BY_HOP}
        return response.status, kept, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise DataPlaneError(f"no data plane at {address.netloc}: {error}") from error
    finally:
        connection.close()
