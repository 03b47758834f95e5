"""The router's end of a connection to one worker of a model container."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from sandbox.dataplane import wire

# (status, content type, body). Statuses under 100 are no answer of the model's: see below.
Answer = Callable[[int, bytes, bytes], None]
GONE = 0
TIMED_OUT = 1

MAX_PENDING = 1024  # requests waiting for one worker; a real container's listen backlog is of that order


class Connection(asyncio.Protocol):
    """Sends requests without waiting for earlier answers; answers come back in order."""

    def __init__(self) -> None:
        self._decoder = wire.Decoder()
        self._pending: deque[tuple[float, Answer]] = deque()
        self._timed_out = 0
        self._on_idle: Callable[[], None] | None = None
        self.open = False

    @property
    def load(self) -> int:
        """Requests sent and not answered."""
        return len(self._pending)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        while self._pending:
            self._pending.popleft()[1](GONE, b"", b"the container closed the connection")

    def submit(self, frame: bytes, answer: Answer) -> None:
        """Send one request; `answer` is called once, later, on the event loop."""
        self._pending.append((perf_counter(), answer))
        self._transport.write(frame)

    async def ask(self, frame: bytes) -> int:
        """Send one request and wait; the status of its answer."""
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def answer(status: int, content_type: bytes, body: bytes) -> None:
            if not answered.done():
                answered.set_result(status)

        self.submit(frame, answer)
        return await answered

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if self._timed_out:
                self._timed_out -= 1
            else:
                self._pending.popleft()[1](frame.code, frame.content_type, frame.body)
        if self._on_idle and not self._pending:
            self._on_idle()

    def expire(self, timeout_s: float) -> None:
        """Give up on requests older than `timeout_s` real seconds; their late answers are thrown away."""
        oldest = perf_counter() - timeout_s
        while self._pending and self._pending[0][0] < oldest:
            self._timed_out += 1
            self._pending.popleft()[1](TIMED_OUT, b"", b"")

    def close_when_idle(self) -> None:
        """Close after the last answer; the owner sends nothing more."""
        self._on_idle = self._transport.close
        if not self._pending:
            self._transport.close()
