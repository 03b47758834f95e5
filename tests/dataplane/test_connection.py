"""The router's end of a worker connection, against a worker played by the test."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.dataplane import wire
from sandbox.dataplane.connection import GONE, TIMED_OUT, Connection

Worker = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def connected(directory: Path, scenario: Callable[[Connection, Worker], Awaitable[None]]) -> None:
    async def run() -> None:
        workers: asyncio.Queue[Worker] = asyncio.Queue()
        path = str(directory / "worker.sock")
        server = await asyncio.start_unix_server(lambda reader, writer: workers.put((reader, writer)), path)
        _, connection = await asyncio.get_running_loop().create_unix_connection(Connection, path)
        async with asyncio.timeout(10):
            worker = await workers.get()
            await scenario(connection, worker)
        worker[1].close()
        server.close()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_answers_find_their_requests_in_order(tmp_path: Path) -> None:
    async def scenario(connection: Connection, worker: Worker) -> None:
        answers: list[tuple[int, bytes]] = []
        for number in range(3):
            connection.submit(
                wire.encode(wire.INVOKE, body=b"%d" % number),
                lambda status, _, body, number=number: answers.append((number, body)),
            )
        assert connection.load == 3
        worker[1].write(b"".join(wire.encode(200, body=b"answer %d" % number) for number in range(3)))
        await until(lambda: len(answers) == 3)
        assert answers == [(number, b"answer %d" % number) for number in range(3)]

    connected(tmp_path, scenario)


def test_a_late_answer_is_thrown_away_and_not_given_to_the_next_request(tmp_path: Path) -> None:
    async def scenario(connection: Connection, worker: Worker) -> None:
        answers: list[tuple[str, int, bytes]] = []
        connection.submit(b"", lambda status, _, body: answers.append(("slow", status, body)))
        connection.expire(timeout_s=-1)
        assert answers == [("slow", TIMED_OUT, b"")]
        connection.submit(b"", lambda status, _, body: answers.append(("next", status, body)))
        worker[1].write(wire.encode(200, body=b"late") + wire.encode(200, body=b"mine"))
        await until(lambda: len(answers) == 2)
        assert answers[1] == ("next", 200, b"mine")

    connected(tmp_path, scenario)


def test_every_waiting_request_hears_that_the_worker_is_gone(tmp_path: Path) -> None:
    async def scenario(connection: Connection, worker: Worker) -> None:
        statuses: list[int] = []
        for _ in range(3):
            connection.submit(b"", lambda status, *_: statuses.append(status))
        worker[1].close()
        await until(lambda: len(statuses) == 3)
        assert statuses == [GONE] * 3
        assert not connection.open

    connected(tmp_path, scenario)


def test_closing_waits_for_the_last_answer(tmp_path: Path) -> None:
    async def scenario(connection: Connection, worker: Worker) -> None:
        statuses: list[int] = []
        connection.submit(b"", lambda status, *_: statuses.append(status))
        connection.close_when_idle()
        await asyncio.sleep(0.01)
        assert connection.open
        worker[1].write(wire.encode(200))
        await until(lambda: not connection.open)
        assert statuses == [200]

    connected(tmp_path, scenario)
