"""An HTTP load generator that costs little itself: `python -m bench.http_load URL --body FILE ...`, one JSON line out.

With `--rate` it is an open loop: requests are due at fixed times, and a latency counts from the time a request was
due, so a stall of the server shows in full. Without, each connection sends as soon as it has its answer.
"""

import argparse
import asyncio
import json
import sys
from collections import deque
from pathlib import Path
from time import perf_counter, process_time
from urllib.parse import urlsplit

import uvloop


class Connection(asyncio.Protocol):
    """Sends one request at a time; tells the load when it is free again."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.broken += 1

    def send(self, due: float, request: bytes) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._buffer.find(b"Content-Length: ") + 16
        length = int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) < head_end + 4 + length:
            return
        ok = self._buffer.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        self._load.answered(self, perf_counter() - self._due, ok)


class Load:
    """Rotates through `requests`, at `rate` a second or as fast as the connections allow."""

    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self._requests = requests
        self._rate = rate
        self._sent = 0
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._running = True
        self.latencies: list[float] = []
        self.failures = 0
        self.broken = 0

    async def run(self, host: str, port: int, connections: int, seconds: float) -> float:
        """Returns the real seconds that the load lasted."""
        loop = asyncio.get_running_loop()
        opened = [(await loop.create_connection(lambda: Connection(self), host, port))[1] for _ in range(connections)]
        self._idle.extend(opened)
        start = perf_counter()
        await (self._open_loop(start, seconds) if self._rate else self._closed_loop(seconds))
        self._running = False
        while len(self._idle) < connections and not self.broken:
            await asyncio.sleep(0.001)
        return perf_counter() - start

    async def _open_loop(self, start: float, seconds: float) -> None:
        assert self._rate
        for number in range(int(self._rate * seconds)):
            due = start + number / self._rate
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            self._due.append(due)
            self._send_due()
        while self._due:
            await asyncio.sleep(0.001)

    async def _closed_loop(self, seconds: float) -> None:
        while self._idle:
            self._send(self._idle.popleft(), perf_counter())
        await asyncio.sleep(seconds)

    def _send_due(self) -> None:
        while self._due and self._idle:
            self._send(self._idle.popleft(), self._due.popleft())

    def _send(self, connection: Connection, due: float) -> None:
        connection.send(due, self._requests[self._sent % len(self._requests)])
        self._sent += 1

    def answered(self, connection: Connection, latency: float, ok: bool) -> None:
        self.latencies.append(latency)
        self.failures += not ok
        if self._running and not self._rate:
            self._send(connection, perf_counter())
        else:
            self._idle.append(connection)
            self._send_due()


def _requests(url: str, rows: Path) -> list[bytes]:
    """One POST a row, with the headers that a signed SageMaker request has."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: text/csv\r\nAccept: text/csv\r\n"
        "X-Amzn-SageMaker-Inference-Id: bench-%06d\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0\r\n"
        "Content-Length: %d\r\n\r\n"
    )
    return [(head % (i, len(row))).encode() + row for i, row in enumerate(rows.read_bytes().split(b"\n"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--rows", type=Path, required=True, help="a file of bodies, one a line")
    parser.add_argument("--rate", type=float, help="requests a second; none: as many as the connections allow")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    load = Load(_requests(arguments.url, arguments.rows), arguments.rate)
    parts = urlsplit(arguments.url)
    took = uvloop.run(load.run(parts.hostname or "", parts.port or 80, arguments.connections, arguments.seconds))
    latencies = sorted(load.latencies)
    result = {
        "requests": len(latencies),
        "failures": load.failures + load.broken,
        "per_second": len(latencies) / took,
        "p50_ms": latencies[len(latencies) // 2] * 1e3,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
        "max_ms": latencies[-1] * 1e3,
        "client_cpu_s": process_time(),
        "seconds": took,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
