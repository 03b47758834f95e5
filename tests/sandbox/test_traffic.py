import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sandbox import clock
from sandbox.traffic.client import Call, Pool
from sandbox.traffic.labels import Delays, GroundTruth
from sandbox.traffic.outcomes import Latencies, Outcomes
from sandbox.traffic.rows import CHUNK, Rows


@pytest.fixture
def parquet(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    rows = 2 * CHUNK + 17
    table = pd.DataFrame({"Time": np.arange(rows), "V1": rng.normal(size=rows), "Amount": rng.random(rows) * 100})
    table.assign(Class=np.arange(rows) % 3 == 0).astype({"Class": int}).to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


class Server:
    """A tiny endpoint on loopback: `answer(request number, body)` gives bytes to send, b"" to hang up, or None."""

    def __init__(self, answer) -> None:
        self._answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(5)

    async def _run(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.requests.append(head + body)
                answer = self._answer(len(self.requests), body)
                if answer is None:
                    continue
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


def answered(variant: str = "baseline", status: int = 200) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n"
        f"x-Amzn-Invoked-Production-Variant: {variant}\r\n\r\n0.5"
    ).encode()


def test_rows_are_replayed_in_order_without_target_and_time_and_from_the_start_again(parquet):
    table = pd.read_parquet(parquet)
    rows = Rows(parquet, target="Class", dropped=["Time"])
    for number in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 16, 2 * CHUNK + 17, 5 * CHUNK, 3]:
        expected = table.iloc[number % len(table)]
        sent = [float(cell) for cell in rows.line(number).split(b",")]
        assert sent == pytest.approx([expected["V1"], expected["Amount"]], abs=1e-6)
        assert rows.label(number) == expected["Class"]


def test_who_labels_a_row_goes_along_with_its_label_and_is_no_feature(parquet):
    table = pd.read_parquet(parquet).assign(annotator="north", policyVersion="1")
    table.to_parquet(parquet)
    rows = Rows(parquet, target="Class", dropped=["Time"])
    assert len(rows.line(0).split(b",")) == 2
    assert rows.source(len(table)) == {"annotator": "north", "policyVersion": "1"}
    now = Now()
    truth = GroundTruth(now, "bucket", "fraud", now)
    truth.add("id", 1, 0, {}, rows.source(0))
    truth.flush()
    ((line,),) = now.objects.values()
    assert line["eventMetadata"] == {"eventId": "id", "annotator": "north", "policyVersion": "1"}


def test_latency_quantiles_are_right_to_within_five_percent():
    rng = np.random.default_rng(1)
    seconds = rng.lognormal(-6, 1, 20_000)
    histogram = Latencies()
    for value in seconds:
        histogram.add(value)
    for share in (0.01, 0.5, 0.9, 0.99):
        assert histogram.quantile_ms(share) == pytest.approx(1e3 * np.quantile(seconds, share), rel=0.06)
    assert Latencies().quantile_ms(0.5) is None


def test_only_2xx_counts_as_answered_and_a_snapshot_starts_a_new_interval():
    outcomes = Outcomes()
    outcomes.record(200, "baseline", 0.001)
    outcomes.record(424, "candidate", 0.001)
    assert outcomes.snapshot()["lost_by_reason"] == {"424": 1}
    assert outcomes.snapshot()["p50_ms"] is None
    assert outcomes.summary()["variants"] == {"baseline": 1}


def test_delays_have_the_share_and_the_median_asked_for_and_repeat_with_their_seed():
    def drawn(seed: int) -> list[float | None]:
        delays = Delays(share=0.6, median=1800, spread=0.5, seed=seed)
        return [delays.draw() for _ in range(20_000)]

    known = [delay for delay in drawn(1) if delay is not None]
    assert len(known) / 20_000 == pytest.approx(0.6, abs=0.015)
    assert np.median(known) == pytest.approx(1800, rel=0.03)
    assert drawn(1) == drawn(1) != drawn(2)


class Now:
    """A clock for tests, and a bucket that keeps what is put there."""

    def __init__(self) -> None:
        self.virtual = 1_700_000_000.0  # 2023-11-14T22:13:20Z
        self.objects: dict[str, list[dict]] = {}
        self.broken = False

    def now(self) -> float:
        return self.virtual

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        if self.broken:
            raise ConnectionError
        self.objects[Key] = [json.loads(line) for line in Body.splitlines()]


def test_labels_are_written_when_due_under_the_hour_in_which_they_were_collected():
    now = Now()
    truth = GroundTruth(now, "bucket", "fraud", now)
    for number, delay in enumerate([60, 120, 4000]):
        truth.add(f"id-{number}", number % 2, delay, {"clicked": 1} if number == 2 else {})
    truth.flush()
    assert not now.objects
    now.virtual += 4000
    truth.flush()
    keys = sorted(now.objects)
    assert [key.rpartition("/")[0] for key in keys] == [
        "ground-truth/fraud/2023/11/14/22",
        "ground-truth/fraud/2023/11/14/23",
    ]
    assert now.objects[keys[0]][1] == {
        "groundTruthData": {"data": "1", "encoding": "CSV"},
        "eventMetadata": {"eventId": "id-1"},
        "eventVersion": "0",
    }
    assert now.objects[keys[1]][0]["outcomes"] == {"clicked": 1}
    assert truth.written == 3


def test_labels_that_could_not_be_written_are_written_later():
    now = Now()
    truth = GroundTruth(now, "bucket", "fraud", now)
    truth.add("id", 1, 0)
    now.broken = True
    with pytest.raises(ConnectionError):
        truth.flush()
    now.broken = False
    truth.flush()
    truth.flush()
    assert truth.written == 1
    assert len(now.objects) == 1


PAYLOAD = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"


def calls(port: int, number: int, *, timeout: float = 2.0, size: int = 2) -> list[Call]:
    """What becomes of `number` calls handed in at once."""
    done: list[Call] = []

    async def run() -> None:
        pool = Pool("127.0.0.1", port, size, timeout, done.append)
        await pool.open()
        for n in range(number):
            pool.submit(Call(n, perf_counter(), PAYLOAD))
        await pool.close()

    asyncio.run(run())
    return done


def test_calls_come_back_with_the_variant_that_answered():
    with Server(lambda number, body: answered("candidate" if number % 2 else "baseline")) as server:
        done = calls(server.port, 50)
    assert sorted(call.number for call in done) == list(range(50))
    assert Counter(call.variant for call in done) == {"candidate": 25, "baseline": 25}
    assert {call.status for call in done} == {200}


def test_connections_are_kept_and_more_are_opened_only_when_all_are_busy():
    done: list[Call] = []

    async def run(port: int) -> None:
        pool = Pool("127.0.0.1", port, 2, 2.0, done.append)
        await pool.open()
        for number in range(10):
            pool.submit(Call(number, perf_counter(), PAYLOAD))
            while len(done) <= number:
                await asyncio.sleep(0.001)
        assert server.connections == 2
        for number in range(10, 15):
            pool.submit(Call(number, perf_counter(), PAYLOAD))
        await pool.close()

    with Server(lambda number, body: answered()) as server:
        asyncio.run(run(server.port))
        assert server.connections > 2
    assert len(done) == 15


def test_a_call_whose_connection_breaks_is_lost_once_and_the_others_are_answered():
    with Server(lambda number, body: b"" if number == 3 else answered()) as server:
        done = calls(server.port, 20)
    assert Counter(call.failure or call.status for call in done) == {200: 19, "connection": 1}


def test_a_call_that_gets_no_answer_is_lost_after_the_timeout():
    with Server(lambda number, body: None if number == 1 else answered()) as server:
        done = calls(server.port, 4, timeout=0.3)
    assert Counter(call.failure or call.status for call in done) == {200: 3, "timeout": 1}


def test_something_that_is_not_http_is_a_lost_call():
    with Server(lambda number, body: b"garbage\r\n\r\n" if number == 1 else answered()) as server:
        done = calls(server.port, 4)
    assert Counter(call.failure or call.status for call in done) == {200: 3, "connection": 1}


def start(port: int, parquet: Path, *more: str) -> subprocess.Popen:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    given = ["--endpoint", "fraud", "--rows", str(parquet), "--url", f"http://127.0.0.1:{port}", "--rate", "200", *more]
    command = [sys.executable, "-m", "sandbox.traffic", *given]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.sandbox
def test_traffic_runs_at_its_rate_signed_and_with_an_id_each_and_ends_with_a_summary(parquet):
    with Server(lambda number, body: answered("candidate", 424) if number % 10 == 0 else answered()) as server:
        process = start(server.port, parquet)
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=10)
    final = json.loads(rest.splitlines()[-1])
    assert process.returncode == 0, errors
    assert lines[-1]["sent"] / lines[-1]["seconds"] == pytest.approx(200, rel=0.2)
    assert final["final"]
    assert final["sent"] == final["answered"] + final["lost"] == len(server.requests)
    assert final["lost_by_reason"] == {"424": final["sent"] // 10}
    assert final["variants"] == {"baseline": final["answered"]}
    ids = {request.split(b"Inference-Id: ")[1].split(b"\r\n")[0] for request in server.requests}
    assert len(ids) == len(server.requests)
    assert all(len(name) <= 64 for name in ids)
    assert server.requests[0].startswith(b"POST /endpoints/fraud/invocations HTTP/1.1\r\n")
    assert b"Authorization: AWS4-HMAC-SHA256 Credential=user/" in server.requests[0]
    table = pd.read_parquet(parquet)
    first = [float(cell) for cell in server.requests[0].split(b"\r\n\r\n")[1].split(b",")]
    assert first == pytest.approx(table[["V1", "Amount"]].iloc[0].tolist(), abs=1e-6)


@pytest.mark.sandbox
def test_traffic_has_another_rate_from_a_row_on(parquet):
    with Server(lambda number, body: answered()) as server:
        output, errors = start(server.port, parquet, "--then", "20=0.001", "--seconds", "1").communicate(timeout=10)
    assert json.loads(output.splitlines()[-1])["sent"] == 20, errors


@pytest.mark.sandbox
def test_traffic_does_not_start_where_nobody_listens(parquet):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        process = start(unused.getsockname()[1], parquet)
        _, errors = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "ConnectionRefusedError" in errors


def test_the_delay_of_labels_is_virtual():
    kept = SimpleNamespace(put_object=lambda **_: None)
    truth = GroundTruth(kept, "bucket", "fraud", clock.start(speed=3600.0))
    truth.add("id", 1, 720.0)
    truth.flush()
    assert truth.written == 0
    time.sleep(0.25)
    truth.flush()
    assert truth.written == 1
