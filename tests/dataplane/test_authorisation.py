import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.dataplane import authorisation
from sandbox.dataplane.authorisation import Authority


def signed(key: str) -> dict[bytes, bytes]:
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host"
    return {b"authorization": credential.encode()}


class Gateway(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.has_route = True
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(query | {"token": self.headers.get("x-amz-security-token", "")})
        self.send_response(200 if self.server.has_route else 404)
        self.end_headers()
        if self.server.has_route:
            verdict = {"allowed": query["access_key"] == "AKIAGOOD", "reason": f"{query['access_key']} may not"}
            self.wfile.write(json.dumps(verdict).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_gateway_decides_and_is_asked_once_for_many_requests(gateway: Gateway) -> None:
    async def scenario() -> None:
        authority = Authority(gateway.url)
        assert authority.known(signed("AKIAGOOD"), "fraud") is None
        answers = await asyncio.gather(*(authority.ask(signed("AKIAGOOD"), "fraud") for _ in range(20)))
        assert {answer.refusal for answer in answers} == {None}
        known = authority.known(signed("AKIAGOOD"), "fraud")
        assert known and known.refusal is None

    asyncio.run(scenario())
    assert gateway.asked == [
        {
            "access_key": "AKIAGOOD",
            "action": "sagemaker:InvokeEndpoint",
            "resource": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud",
            "token": "",
        }
    ]


def test_a_refusal_is_an_access_denied_with_the_reason(gateway: Gateway) -> None:
    answer = asyncio.run(Authority(gateway.url).ask(signed("AKIABAD"), "fraud"))
    assert answer.refusal
    assert (answer.refusal.status, answer.refusal.code) == (403, "AccessDeniedException")
    assert answer.refusal.members == {"Message": "AKIABAD may not"}


def test_an_answer_counts_for_one_endpoint_and_one_session(gateway: Gateway) -> None:
    async def scenario() -> None:
        authority = Authority(gateway.url)
        await authority.ask(signed("AKIAGOOD"), "fraud")
        assert authority.known(signed("AKIAGOOD"), "other") is None
        assert authority.known(signed("AKIAGOOD") | {b"x-amz-security-token": b"t"}, "fraud") is None
        await authority.ask(signed("AKIAGOOD") | {b"x-amz-security-token": b"t"}, "fraud")

    asyncio.run(scenario())
    assert gateway.asked[-1]["token"] == "t"


def test_an_old_answer_is_asked_for_again(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(authorisation, "monotonic", lambda: now[0])

    async def scenario() -> None:
        authority = Authority(gateway.url)
        await authority.ask(signed("AKIAGOOD"), "fraud")
        now[0] += 3.0
        assert authority.known(signed("AKIAGOOD"), "fraud"), "still valid, asked again in the background"
        await authority.ask(signed("AKIAGOOD"), "fraud")
        assert len(gateway.asked) == 2
        now[0] += 5.1
        assert authority.known(signed("AKIAGOOD"), "fraud") is None

    asyncio.run(scenario())


@pytest.mark.parametrize("header", [{}, {b"authorization": b"Bearer x"}, signed("")])
def test_an_unsigned_request_is_refused_without_asking(gateway: Gateway, header: dict[bytes, bytes]) -> None:
    answer = Authority(gateway.url).known(header, "fraud")
    assert answer and answer.refusal and answer.refusal.code == "MissingAuthenticationTokenException"
    assert not gateway.asked


def test_a_gateway_that_is_gone_is_never_a_yes() -> None:
    answer = asyncio.run(Authority("http://127.0.0.1:9").ask(signed("AKIAGOOD"), "fraud"))
    assert answer.refusal and answer.refusal.status == 500


def test_a_gateway_that_answers_something_else_is_never_a_yes(gateway: Gateway) -> None:
    gateway.has_route = False
    answer = asyncio.run(Authority(gateway.url).ask(signed("AKIAGOOD"), "fraud"))
    assert answer.refusal and answer.refusal.status == 500
