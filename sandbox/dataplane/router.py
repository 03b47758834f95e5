"""The router process: puts the pieces together, flushes in rhythm, drains on a signal."""

import asyncio
import gc
import logging
import random
import signal
import sys
import tempfile
from pathlib import Path

from sandbox.clock import Clock
from sandbox.dataplane.authorisation import Authority
from sandbox.dataplane.control import Control
from sandbox.dataplane.fleet import Fleet
from sandbox.dataplane.invocations import Invocations
from sandbox.dataplane.listener import Request, Server
from sandbox.dataplane.recorder import Recorder
from sandbox.dataplane.shipper import Shipper
from sandbox.dataplane.sinks import Sink
from sandbox.dataplane.usage import UsageMeter

log = logging.getLogger(__name__)

_INSTANCE_EVERY_S = 5.0  # instance metrics and container logs
_DRAIN_S = 5.0  # real seconds, for callers that wait for an answer
_SHADOW_DRAIN_S = 1.0  # nobody waits for a shadow
_LAST_FLUSH_S = 3.0


class Router:
    """Serves until SIGINT or SIGTERM. `flush_s` is in real seconds."""

    def __init__(
        self, *, clock: Clock, sink: Sink, gateway_url: str | None, token: str, seed: int | None, flush_s: float
    ) -> None:
        self._shipper = Shipper()
        self._recorder = Recorder(clock, sink, self._shipper)
        self._authority = Authority(gateway_url)
        self._rng = random.Random(seed)
        self._token = token
        self._flush_s = flush_s

    async def serve(self, port: int, *, with_parent: bool = False) -> None:
        """`with_parent`: end too when standard input closes. Raises OSError if the port is taken."""
        sys.setswitchinterval(0.001)  # the shipper's thread must not hold up answers for the default 5 ms
        with tempfile.TemporaryDirectory(prefix="slipway-dataplane-") as directory:
            self._fleet = Fleet(Path(directory), self._recorder)
            self._control = Control(self._fleet, self._shipper, self._token)
            self._invocations = Invocations(self._fleet.routes, self._authority, self._recorder, self._rng)
            server = Server(self._dispatch)
            port = await server.start(port)
            gc.freeze()
            rhythm = [
                asyncio.create_task(self._flush_forever()),
                asyncio.create_task(self._observe_instances_forever()),
            ]
            stop = _stop_signal(with_parent)
            sys.stdout.write(f"READY http://127.0.0.1:{port}\n")
            sys.stdout.flush()
            await stop.wait()
            log.info("draining")
            await server.stop(_DRAIN_S)
            for task in rhythm:
                task.cancel()
            await self._fleet.stop(_SHADOW_DRAIN_S)
            self._recorder.flush()
            self._recorder.put_logs(self._fleet.logs)
            await asyncio.to_thread(self._shipper.close, _LAST_FLUSH_S)

    def _dispatch(self, request: Request) -> None:
        match request.target.partition(b"?")[0].split(b"/"):
            case [b"", b"endpoints", name, b"invocations"] if request.method == b"POST":
                self._invocations.handle(request, name.decode("latin-1"))
            case [b"", b"ping"]:
                request.reply(200)
            case [b"", b"_control", *path]:
                self._control.handle(request, [part.decode("latin-1") for part in path])
            case _:
                unknown = ((b"x-amzn-ErrorType", b"UnknownOperationException"),)
                request.reply(404, b'{"Message":"UnknownOperationException"}', headers=unknown)

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(self._flush_s)
            self._recorder.flush()

    async def _observe_instances_forever(self) -> None:
        meter = UsageMeter()
        while True:
            await asyncio.sleep(_INSTANCE_EVERY_S)
            data = meter.sample(self._fleet.targets(), self._recorder.now())
            if data:
                self._recorder.put_instance_metrics(data)
            self._recorder.put_logs(self._fleet.logs)


def _stop_signal(with_parent: bool) -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if with_parent:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    return stop
