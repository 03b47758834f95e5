"""A small HTTP/1.1 server: whole requests in, whole answers out, keep-alive; no tasks on the way.

A client that sends its next request early (pipelining) is answered in order: a connection hands out one request at a
time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter

import httptools

MAX_BODY = 6_291_456  # bytes; InvokeEndpoint's limit
_HANG_UP = 8 * MAX_BODY  # a body this long isn't read to its end

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus} | {530: b"Internal Dependency"}


class Request:
    """One request. `headers` has lower-case names; `received_at` is on time.perf_counter's scale. A body over MAX_BODY
    isn't kept: `oversize` says so."""

    __slots__ = ("_connection", "body", "headers", "keep_alive", "method", "oversize", "received_at", "target")

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self.method = b""
        self.received_at = 0.0
        self.keep_alive = True
        self.headers: dict[bytes, bytes] = {}
        self.target = b""
        self.body = b""
        self.oversize = False

    def reply(
        self,
        status: int,
        body: bytes = b"",
        content_type: bytes = b"application/json",
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        """Answer, once. Nothing happens if the client has gone."""
        extra = b"".join([b"%b: %b\r\n" % header for header in headers])
        self._connection.send(
            b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b%b\r\n%b"
            % (
                status,
                _REASONS.get(status, b""),
                content_type,
                len(body),
                extra,
                b"" if self.keep_alive else b"Connection: close\r\n",
                body,
            ),
            self.keep_alive,
        )


Handler = Callable[[Request], None]


class _Connection(asyncio.Protocol):
    """One client's connection; the callbacks named `on_*` are httptools'."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._waiting: deque[Request] = deque()
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._parser = httptools.HttpRequestParser(self)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()

    def on_message_begin(self) -> None:
        self._request = Request(self)
        self._chunks: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if b"expect" in self._request.headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= MAX_BODY:
            self._chunks.append(chunk)
        elif self._size > _HANG_UP:
            self._transport.close()

    def on_message_complete(self) -> None:
        request = self._request
        request.received_at = perf_counter()
        request.method = self._parser.get_method()
        request.keep_alive = self._parser.should_keep_alive()
        request.oversize = self._size > MAX_BODY
        request.body = b"" if request.oversize else b"".join(self._chunks)
        if self._busy:
            self._waiting.append(request)
        else:
            self._busy = True
            self._server.handler(request)

    def send(self, data: bytes, keep_alive: bool) -> None:
        self._busy = False
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if not keep_alive or self._server.draining:
            self._transport.close()
        elif self._waiting:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._server.handler, self._waiting.popleft())

    def drain(self) -> None:
        if not self._busy:
            self._transport.close()


class Server:
    """Listens on loopback and hands each request to `handler`, on the event loop."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[_Connection] = set()
        self.draining = False

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; port 0 takes a free one. Returns the port. Raises OSError if it is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1024)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self, grace_s: float) -> None:
        """Accept nothing new, then wait until the requests being answered are, at most `grace_s` real seconds."""
        self.draining = True
        self._listener.close()
        deadline = perf_counter() + grace_s
        for connection in list(self.connections):
            connection.drain()
        while self.connections and perf_counter() < deadline:
            await asyncio.sleep(0.02)
