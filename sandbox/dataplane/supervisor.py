"""A model container as the router sees it: a child process kept alive, and connections to its workers."""

import asyncio
import contextlib
import itertools
import logging
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import orjson

from sandbox.dataplane import wire
from sandbox.dataplane.connection import GONE, MAX_PENDING, Answer, Connection
from sandbox.dataplane.spec import Faults, Model

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60
INVOCATION_TIMEOUT_S = 60  # SageMaker's limit for a model's answer
_BACKOFF_S = (0.5, 1, 2, 4, 8, 16, 30)
_STEADY_S = 60  # a container that lived this long starts its backoff afresh
_sockets = itertools.count()


class StartFailed(Exception):
    """The container ended or stayed silent instead of answering the ping; says why."""


class Container:
    """One running model. `workers` connections share the load; each answers one request at a time."""

    def __init__(self, label: str, model: Model, model_dir: Path, log_path: Path) -> None:
        self.label = label
        self.model = model
        self.restarts = 0
        self.log_path = log_path
        self._model_dir = model_dir
        self._process: asyncio.subprocess.Process | None = None
        self._control: Connection | None = None  # a worker of its own, so that faults don't queue behind requests
        self._connections: list[Connection] = []
        self._workers = 0
        self._faults = Faults()
        self._fault_lifted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while the container is down."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def in_flight(self) -> int:
        return sum(connection.load for connection in self._connections)

    def submit(self, frame: bytes, answer: Answer) -> None:
        """Give a request to the least loaded worker. Calls `answer` with GONE at once if there is none to take it."""
        connections = self._connections
        connection = connections[0] if len(connections) == 1 else min(connections, key=_load, default=None)
        if connection is None or not connection.open:
            answer(GONE, b"", b"the container is not running")
        elif connection.load >= MAX_PENDING:
            answer(GONE, b"", b"the container has too many requests waiting")
        else:
            connection.submit(frame, answer)

    async def start(self, instances: int) -> None:
        """Start, wait for the ping, then keep alive. Raises StartFailed."""
        self._workers = self._workers_for(instances)
        await self._launch()
        self._keeper = asyncio.create_task(self._keep_alive())

    async def resize(self, instances: int) -> None:
        """Have as many workers as `instances` need; those too many finish what they have."""
        self._workers = self._workers_for(instances)
        if self._connections:
            with contextlib.suppress(OSError):  # it is just ending; its next start makes the right number
                await self._connect()

    async def set_faults(self, faults: Faults) -> None:
        self._faults = faults
        if faults.kill:
            self._fault_lifted.clear()
            if self._process and self.pid:
                self._process.kill()
                await self._process.wait()
        else:
            self._fault_lifted.set()
            if self.pid:
                await self._send_faults()

    async def stop(self, grace_s: float = INVOCATION_TIMEOUT_S) -> None:
        """End the process once its requests are answered, after `grace_s` real seconds in any case."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        deadline = perf_counter() + grace_s
        while self.in_flight and perf_counter() < deadline:
            await asyncio.sleep(0.02)
        await self._end()

    def _workers_for(self, instances: int) -> int:
        return instances * int(self.model.environment.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1"))

    async def _launch(self) -> None:
        self._socket_path = self.log_path.parent / f"{next(_sockets)}.sock"  # short: its limit is about 100 bytes
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self._process = await self._spawn()
                await self._await_ready(self._process)
        except (OSError, TimeoutError, StartFailed) as error:
            await self._end()
            raise StartFailed(str(error) or f"no answer to the ping within {START_TIMEOUT_S} s") from error

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self.log_path.open("ab") as log_file:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox.dataplane.container", str(self._model_dir), str(self._socket_path)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                env=self._environment(),
            )

    def _environment(self) -> dict[str, str]:
        """The model's variables and what Python needs; a container has no credentials of the sandbox's user."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        root = str(Path(__file__).parents[2])
        return keep | self.model.environment | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    async def _await_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        line = (await process.stdout.readline()).decode().strip()
        if line != "ready":
            raise StartFailed(line or f"the container ended with status {await process.wait()}")
        self._control = await self._open()
        if await self._control.ask(wire.encode(wire.PING)) != 200:
            raise StartFailed("the container did not answer the ping")
        await self._send_faults()
        await self._connect()

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_unix_connection(Connection, str(self._socket_path)))[1]

    async def _connect(self) -> None:
        while len(self._connections) < self._workers:
            self._connections.append(await self._open())
        while len(self._connections) > self._workers:
            self._connections.pop().close_when_idle()

    async def _send_faults(self) -> None:
        faults = {name: getattr(self._faults, name) for name in ("error_rate", "extra_latency_ms", "base_score")}
        if self._control and self._control.open:
            await self._control.ask(wire.encode(wire.FAULTS, b"application/json", b"", orjson.dumps(faults)))

    async def _keep_alive(self) -> None:
        failures = 0
        while True:
            started = perf_counter()
            await self._watch()
            failures = 0 if perf_counter() - started > _STEADY_S else failures
            log.warning("container %s ended; restarting", self.label)
            await self._end()
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            if self._faults.kill:
                await self._fault_lifted.wait()
            failures += 1
            self.restarts += 1
            with contextlib.suppress(StartFailed):  # the next round watches a dead process and tries again, later
                await self._launch()

    async def _watch(self) -> None:
        """Return when the process has ended or a worker is lost; give up on requests that take too long."""
        while self.pid and all(connection.open for connection in self._connections):
            for connection in self._connections:
                connection.expire(INVOCATION_TIMEOUT_S)
            await asyncio.sleep(0.1)

    async def _end(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._connections = []
        self._socket_path.unlink(missing_ok=True)


def _load(connection: Connection) -> int:
    return connection.load if connection.open else MAX_PENDING
