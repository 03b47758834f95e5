"""`/_control`: how the control plane and the stories steer the data plane. JSON, with the shared token in a header."""

import asyncio
import hmac

import orjson

from sandbox.dataplane.fleet import Fleet
from sandbox.dataplane.listener import Request
from sandbox.dataplane.shipper import Shipper
from sandbox.dataplane.spec import BadSpec, Endpoint, Faults


class Control:
    """PUT and DELETE /_control/endpoints/{name}, PUT /_control/faults/{endpoint}/{variant}, GET /_control/state."""

    def __init__(self, fleet: Fleet, shipper: Shipper, token: str) -> None:
        self._fleet = fleet
        self._shipper = shipper
        self._token = token.encode()
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, path: list[str]) -> None:
        """`path`: the parts after /_control."""
        if not hmac.compare_digest(request.headers.get(b"x-sandbox-token", b""), self._token):
            return _reply(request, 403, {"error": "x-sandbox-token is missing or wrong"})
        task = asyncio.create_task(self._answer(request, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _answer(self, request: Request, path: list[str]) -> None:
        try:
            status, body = await self._act(request, path)
        except (BadSpec, orjson.JSONDecodeError) as error:
            status, body = 400, {"error": str(error)}
        except Exception as error:
            _reply(request, 500, {"error": repr(error)})
            raise
        _reply(request, status, body)

    async def _act(self, request: Request, path: list[str]) -> tuple[int, object]:
        match request.method, path:
            case b"PUT", ["endpoints", name]:
                failures = await self._fleet.apply(name, Endpoint.parse(orjson.loads(request.body)))
                return 200, {"ready": False, "failures": failures} if failures else {"ready": True}
            case b"DELETE", ["endpoints", name]:
                return (200, {}) if await self._fleet.remove(name) else (404, {"error": f"no endpoint {name}"})
            case b"PUT", ["faults", endpoint, variant]:
                await self._fleet.set_faults(endpoint, variant, Faults.parse(orjson.loads(request.body)))
                return 200, {}
            case b"GET", ["state"]:
                return 200, {"endpoints": self._fleet.state(), "flushes_dropped": self._shipper.dropped}
        return 404, {"error": f"no such operation: {request.method.decode()} {'/'.join(path)}"}


def _reply(request: Request, status: int, body: object) -> None:
    request.reply(status, orjson.dumps(body))
