"""The HTTP server over real sockets, with a handler that answers later."""

import asyncio
from collections.abc import Awaitable, Callable

from sandbox.dataplane.listener import MAX_BODY, Request, Server

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def serve(scenario: Callable[[Server, Client], Awaitable[None]]) -> None:
    """Run `scenario` against a server that answers a body with itself, first requests slowest."""

    async def run() -> None:
        served = 0

        def echo(request: Request) -> None:
            nonlocal served
            served += 1
            body = b"oversize" if request.oversize else request.method + b" " + request.target + b" " + request.body
            asyncio.get_running_loop().call_later(0.02 / served, request.reply, 200, body)

        server = Server(echo)
        client = await asyncio.open_connection("127.0.0.1", await server.start(0))
        async with asyncio.timeout(10):
            await scenario(server, client)
        client[1].close()
        await server.stop(1)

    asyncio.run(run())


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


def test_requests_sent_early_are_answered_in_order() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        for number in range(5):
            writer.write(b"POST /%d HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d" % (number, number))
        assert [await answer(reader) for _ in range(5)] == [b"POST /%d %d" % (n, n) for n in range(5)]

    serve(scenario)


def test_a_chunked_body_in_many_pieces_arrives_whole() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        for piece in (
            b"POST / HTTP/1.1\r\nTransfer-",
            b"Encoding: chunked\r\n\r\n3\r\nabc\r\n2",
            b"\r\nde\r\n0\r\n\r\n",
        ):
            writer.write(piece)
            await asyncio.sleep(0.005)
        assert await answer(reader) == b"POST / abcde"

    serve(scenario)


def test_a_body_over_the_limit_is_read_but_not_kept_and_the_connection_lives() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1) + bytes(MAX_BODY + 1))
        assert await answer(reader) == b"oversize"
        writer.write(b"GET /again HTTP/1.1\r\n\r\n")
        assert await answer(reader) == b"GET /again "

    serve(scenario)


def test_a_client_that_waits_for_continue_is_told_to() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        writer.write(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert await answer(reader) == b"POST / ok"

    serve(scenario)


def test_what_is_not_http_is_refused_and_the_connection_closed() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        writer.write(b"hello?\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    serve(scenario)


def test_stopping_answers_what_was_asked() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        writer.write(b"GET /last HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.005)
        stopping = asyncio.create_task(server.stop(5))
        assert await answer(reader) == b"GET /last "
        assert await reader.read() == b""
        await stopping

    serve(scenario)


def test_a_client_that_hangs_up_costs_nobody_else_an_answer() -> None:
    async def scenario(server: Server, client: Client) -> None:
        reader, writer = client
        _, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
        other.write(b"GET /gone HTTP/1.1\r\n\r\n")
        other.transport.abort()
        writer.write(b"GET /here HTTP/1.1\r\n\r\n")
        assert await answer(reader) == b"GET /here "

    serve(scenario)
