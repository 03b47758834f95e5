"""May this caller invoke this endpoint? The gateway holds the policies; what it says counts for five seconds."""

import asyncio
import http.client
import json
import logging
from time import monotonic
from urllib.parse import urlencode, urlsplit

from sandbox.dataplane.errors import ACCOUNT, REGION, Refusal

log = logging.getLogger(__name__)

_VALID_S = 5.0
_REFRESH_S = 2.5  # asked again in the background from this age on, so that no request waits for a known caller
_MOST_CALLERS = 10_000
_ACTION = "sagemaker:InvokeEndpoint"

Caller = tuple[bytes, bytes, str]  # access key, session token, endpoint


class Answer:
    """`refusal` is None when the caller may. `at`: when the gateway was asked."""

    __slots__ = ("at", "refusal")

    def __init__(self, refusal: Refusal | None) -> None:
        self.refusal = refusal
        self.at = monotonic()


def caller(headers: dict[bytes, bytes], endpoint: str) -> Caller | None:
    """Who signed, from the SigV4 Authorization header; None if nobody did."""
    _, found, credential = headers.get(b"authorization", b"").partition(b"Credential=")
    key, slash, _ = credential.partition(b"/")
    return (key, headers.get(b"x-amz-security-token", b""), endpoint) if found and slash and key else None


UNSIGNED = Answer(Refusal(403, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"}))


class Authority:
    """Asks the gateway at `url`; without a gateway everyone may."""

    def __init__(self, url: str | None) -> None:
        self._netloc = urlsplit(url).netloc if url else None
        self._answers: dict[Caller, Answer] = {}
        self._asking: dict[Caller, asyncio.Task[Answer]] = {}
        self._anyone = Answer(None)

    def known(self, headers: dict[bytes, bytes], endpoint: str) -> Answer | None:
        """The answer as far as it is known without waiting."""
        if self._netloc is None:
            return self._anyone
        who = caller(headers, endpoint)
        if who is None:
            return UNSIGNED
        answer = self._answers.get(who)
        if answer is None:
            return None
        age = monotonic() - answer.at
        if age > _REFRESH_S:
            self._start_asking(who)
        return answer if age <= _VALID_S else None

    async def ask(self, headers: dict[bytes, bytes], endpoint: str) -> Answer:
        """The gateway's answer. A gateway that can't be reached is an InternalFailure, never a yes."""
        who = caller(headers, endpoint)
        return await self._start_asking(who) if who else UNSIGNED

    def _start_asking(self, who: Caller) -> "asyncio.Task[Answer]":
        if who not in self._asking:
            if len(self._answers) > _MOST_CALLERS:
                self._answers.clear()
            self._asking[who] = asyncio.create_task(self._ask(who))
        return self._asking[who]

    async def _ask(self, who: Caller) -> Answer:
        try:
            answer = Answer(await asyncio.to_thread(self._fetch, who))
            self._answers[who] = answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("the gateway did not answer an authorisation request: %s", error)
            answer = Answer(Refusal(500, "InternalFailure", {"Message": f"authorisation unavailable: {error}"}))
        finally:
            del self._asking[who]
        return answer

    def _fetch(self, who: Caller) -> Refusal | None:
        key, token, endpoint = who
        query = {
            "access_key": key.decode("latin-1"),
            "action": _ACTION,
            "resource": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{endpoint.lower()}",
        }
        connection = http.client.HTTPConnection(self._netloc or "", timeout=10)
        try:
            headers = {"x-amz-security-token": token.decode("latin-1")} if token else {}
            connection.request("GET", f"/_sandbox/authorize?{urlencode(query)}", headers=headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise http.client.HTTPException(f"the gateway answered {response.status}")
        verdict = json.loads(body)
        if verdict["allowed"]:
            return None
        return Refusal(403, "AccessDeniedException", {"Message": verdict["reason"]})
