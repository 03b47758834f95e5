"""The sandbox's own paths on the gateway, beside AWS's: GET /_sandbox/... answered with JSON, for loopback clients."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.aws.patching import replace

PREFIX = "/_sandbox/"
Route = Callable[[dict[str, str], dict[str, str]], Any]
_routes: dict[str, Route] = {}


def get(path: str, answer: Route) -> None:
    """Answer GET /_sandbox/`path` with `answer(query, headers)`, as JSON."""
    _routes[PREFIX + path] = answer


def install(app: Any) -> None:
    handle = replace(app, "_handle_pre_body_request", None)

    async def handle_first(method: str, path: str, headers: dict, params: dict, request_id: str) -> Any:
        route = _routes.get(path) if method == "GET" else None
        if route is None:
            return await handle(method, path, headers, params, request_id)
        query = {name: values[0] for name, values in params.items()}
        return 200, {"Content-Type": "application/json"}, json.dumps(route(query, headers)).encode()

    app._handle_pre_body_request = handle_first
