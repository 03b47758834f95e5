"""InvokeEndpoint: from a request to a variant's container and back."""

import asyncio
import random
from collections.abc import Mapping
from time import perf_counter
from uuid import uuid4

from sandbox.dataplane import capture, errors, wire
from sandbox.dataplane.authorisation import Answer, Authority
from sandbox.dataplane.errors import Refusal
from sandbox.dataplane.listener import Request
from sandbox.dataplane.recorder import Recorder
from sandbox.dataplane.routing import Routing, Target
from sandbox.dataplane.spec import Capture

_MOST_SHADOW_COPIES = 256  # waiting for one shadow; more are dropped and counted
_DEFAULT_TYPE = b"application/octet-stream"


class Invocations:
    """Answers POST /endpoints/{name}/invocations. `routes` is the fleet's, read anew for each request."""

    def __init__(
        self, routes: Mapping[str, Routing], authority: Authority, recorder: Recorder, rng: random.Random
    ) -> None:
        self._routes = routes
        self._authority = authority
        self._recorder = recorder
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, endpoint: str) -> None:
        answer = self._authority.known(request.headers, endpoint)
        if answer is not None:
            self._admit(request, endpoint, answer)
        else:
            task = asyncio.create_task(self._ask_first(request, endpoint))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask_first(self, request: Request, endpoint: str) -> None:
        self._admit(request, endpoint, await self._authority.ask(request.headers, endpoint))

    def _admit(self, request: Request, endpoint: str, answer: Answer) -> None:
        routing = self._routes.get(endpoint)
        refusal = answer.refusal or _fault_of(request)
        if refusal is None and routing is None:
            refusal = errors.no_endpoint(endpoint)
        if refusal is not None or routing is None:
            assert refusal
            errors.send(request, refusal)
        else:
            self._route(request, routing)

    def _route(self, request: Request, routing: Routing) -> None:
        wanted = request.headers.get(b"x-amzn-sagemaker-target-variant")
        target = routing.by_name.get(wanted) if wanted else routing.choose(self._rng)
        if target is None:
            refusal = (
                errors.validation(f"Variant {wanted.decode('latin-1')} not found for Request.")
                if wanted
                else errors.unavailable("no variant of the endpoint has a weight above 0")
            )
            errors.send(request, refusal)
            return
        at = self._recorder.now()
        counters = target.counters
        counters.last_request_at = at
        if wanted:
            counters.targeted += 1
        else:
            counters.routed += 1
            counters.last_routed_at = at
        self._submit(request, routing, target, at)

    def _submit(self, request: Request, routing: Routing, target: Target, at: float) -> None:
        headers = request.headers
        content_type = headers.get(b"content-type", _DEFAULT_TYPE)
        frame = wire.encode(wire.INVOKE, content_type, headers.get(b"accept", b"*/*"), request.body)
        config = routing.capture
        if config and self._rng.random() * 100 >= config.sampling_percentage:
            config = None
        call = _Call(request, target, config, at, content_type, self._recorder)
        target.container.submit(frame, call.answered)
        shadow = routing.shadow
        if shadow and (routing.shadow_share >= 1 or self._rng.random() < routing.shadow_share):
            copy = _Call(request, shadow, config, at, content_type, self._recorder)
            _copy_to(shadow, frame, copy)


def _fault_of(request: Request) -> Refusal | None:
    """What the service refuses before any model sees it."""
    if request.oversize:
        return errors.too_large()
    inference_id = request.headers.get(b"x-amzn-sagemaker-inference-id")
    if inference_id is not None and not 1 <= len(inference_id) <= 64:
        return errors.validation("InferenceId must have length between 1 and 64.")
    if len(request.headers.get(b"x-amzn-sagemaker-custom-attributes", b"")) > 1024:
        return errors.validation("CustomAttributes must have length less than or equal to 1024.")
    return None


def _copy_to(shadow: Target, frame: bytes, copy: "_Call") -> None:
    if shadow.container.in_flight >= _MOST_SHADOW_COPIES:
        shadow.counters.shadow_dropped += 1
        return
    shadow.counters.shadow_copies += 1
    shadow.container.submit(frame, copy.shadowed)


class _Call:
    """One request on its way through one container."""

    __slots__ = ("_at", "_config", "_content_type", "_recorder", "_request", "_sent", "_target")

    def __init__(
        self,
        request: Request,
        target: Target,
        config: Capture | None,
        at: float,
        content_type: bytes,
        recorder: Recorder,
    ) -> None:
        self._request = request
        self._target = target
        self._config = config
        self._at = at
        self._content_type = content_type
        self._recorder = recorder
        self._sent = perf_counter()

    def answered(self, status: int, content_type: bytes, body: bytes) -> None:
        """The production variant's answer: send it on, then keep the books."""
        answered = perf_counter()
        request, target = self._request, self._target
        event_id = str(uuid4())
        headers = (
            (b"x-amzn-RequestId", event_id.encode()),
            (b"x-Amzn-Invoked-Production-Variant", target.encoded_name),
        )
        if status == 200:
            request.reply(200, body, content_type, headers)
        else:
            errors.send(request, errors.failed(target.endpoint, status, body), headers)
        model_s = answered - self._sent
        self._book(status, model_s, perf_counter() - request.received_at - model_s)
        self._capture(status, content_type, body, event_id)

    def shadowed(self, status: int, content_type: bytes, body: bytes) -> None:
        """The shadow's answer: nobody gets it, but it is measured and captured like any other."""
        self._book(status, perf_counter() - self._sent, None)
        self._capture(status, content_type, body, str(uuid4()))

    def _book(self, status: int, model_s: float, overhead_s: float | None) -> None:
        counters = self._target.counters
        if status == 200:
            counters.answered_2xx += 1
        elif 400 <= status <= 499:
            counters.answered_4xx += 1
        else:
            counters.answered_5xx += 1
        self._target.meter.record(int(self._recorder.now() // 60), status, model_s, overhead_s)

    def _capture(self, status: int, content_type: bytes, body: bytes, event_id: str) -> None:
        if self._config is None or status != 200 or not self._target.faults.capture:
            return
        headers = self._request.headers
        self._recorder.keep(
            capture.Record(
                self._at,
                self._target.endpoint,
                self._target.variant,
                self._config,
                event_id,
                headers.get(b"x-amzn-sagemaker-inference-id"),
                headers.get(b"x-amzn-sagemaker-custom-attributes"),
                self._content_type,
                self._request.body,
                content_type,
                body,
            )
        )
