"""A lean HTTP/1.1 client for one address: keep-alive connections, one request at a time on each."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import httptools

VARIANT = b"x-amzn-invoked-production-variant"
RECONNECT = 0.2  # seconds
MOST = 1024


@dataclass(slots=True)
class Call:
    """One request: its number, when it was due (perf_counter seconds), its bytes, and what became of it."""

    number: int
    due: float
    payload: bytes
    status: int = 0
    variant: str = ""
    label_delay: float | None = None  # virtual seconds until the truth is known; None: never
    failure: str = field(default="")  # `timeout` or `connection` where there is no answer


class Connection(asyncio.Protocol):
    """The callbacks named `on_*` are httptools'."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self.call: Call | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._parser = httptools.HttpResponseParser(self)
        self._pool.ready(self)

    def send(self, call: Call) -> None:
        self.call = call
        self.transport.write(call.payload)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.call and name.lower() == VARIANT:
            self.call.variant = value.decode("latin-1")

    def on_message_complete(self) -> None:
        call, self.call = self.call, None
        if call:
            call.status = self._parser.get_status_code()
            self._pool.done(call)
        if self._parser.should_keep_alive():
            self._pool.ready(self)
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.gone(self)


class Pool:
    """Connections to one address. Every call handed in comes back through `done`, answered or not, once.

    It opens more connections when all are busy, up to MOST: a slow variant must not make the users of another wait.
    """

    def __init__(self, host: str, port: int, size: int, timeout: float, done: Callable[[Call], None]) -> None:
        self._address = (host, port)
        self._size = size
        self._timeout = timeout
        self.done = done
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Call] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def pending(self) -> int:
        """Calls handed in and not come back."""
        return len(self._waiting) + sum(connection.call is not None for connection in self._connections)

    async def open(self) -> None:
        """Raises OSError where nobody listens."""
        loop = asyncio.get_running_loop()
        for _ in range(self._size):
            await loop.create_connection(lambda: Connection(self), *self._address)

    def submit(self, call: Call) -> None:
        if self._idle:
            self._idle.popleft().send(call)
            return
        self._waiting.append(call)
        if len(self._connections) + len(self._opening) < MOST:
            self._open_one(delay=0.0)

    def ready(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def gone(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.call:
            self._fail(connection.call, "connection")
        if not self._closing:
            self._open_one(delay=RECONNECT)

    def expire(self) -> None:
        """Give up on calls that were due more than the timeout ago."""
        latest = perf_counter() - self._timeout
        while self._waiting and self._waiting[0].due < latest:
            self._fail(self._waiting.popleft(), "timeout")
        for connection in list(self._connections):
            if connection.call and connection.call.due < latest:
                call, connection.call = connection.call, None
                self._fail(call, "timeout")
                connection.transport.abort()

    async def close(self) -> None:
        """Wait for calls in flight, at most the timeout, then hang up."""
        while self.pending:
            self.expire()
            await asyncio.sleep(0.02)
        self._closing = True
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.transport.close()

    def _fail(self, call: Call, reason: str) -> None:
        call.failure = reason
        self.done(call)

    def _open_one(self, delay: float) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(delay))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, delay: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            await asyncio.sleep(delay)
            try:
                await loop.create_connection(lambda: Connection(self), *self._address)
                return
            except OSError:
                delay = RECONNECT
