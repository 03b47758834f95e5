"""Between boto3's clients and AWS: answers for services that a fake plays, and makes calls fail when a test says so.

The clients stay real: botocore checks every parameter against the service's own model, pages, and raises its errors.
What no fake plays goes on to moto.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient


class Refusal(Exception):
    """An error that a service answers."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Crash(Exception):
    """The function is gone: a time-out, or a machine that died."""


@dataclass(frozen=True)
class Made:
    """A call as it was made."""

    service: str
    method: str
    parameters: dict[str, Any]


@dataclass
class Wire:
    """fakes: service -> object with a method for each operation. before: called with each call, may raise."""

    fakes: dict[str, object] = field(default_factory=dict)
    calls: list[Made] = field(default_factory=list)
    before: Callable[[Made], None] | None = None
    crash_at: int = 0  # the number of the call, from 1, around which the function dies; 0: it lives
    crash_after_effect: bool = False

    def attach(self, client: BaseClient, service: str) -> None:
        events = client.meta.events
        events.register("before-parameter-build", lambda params, context, **_: context.update(made_with=dict(params)))
        events.register("before-call", lambda model, context, **_: self._answer(service, model.name, context))
        events.register("after-call", lambda **_: self._crash(effect=True))

    def made(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every call of a method, in order."""
        return [call.parameters for call in self.calls if call.method == method]

    def refuse(self, method: str, code: str = "ThrottlingException", message: str = "Rate exceeded") -> None:
        """From now on the service refuses this method."""

        def check(call: Made) -> None:
            if call.method == method:
                raise Refusal(code, message)

        self.before = check

    def _answer(self, service: str, operation: str, context: dict[str, Any]) -> tuple[SimpleNamespace, Any] | None:
        call = Made(service, xform_name(operation), context["made_with"])
        self.calls.append(call)
        self._crash(effect=False)
        try:
            if self.before:
                self.before(call)
            if service not in self.fakes:
                return None
            return _http(HTTPStatus.OK), getattr(self.fakes[service], call.method)(**call.parameters) or {}
        except Refusal as error:
            return _http(HTTPStatus.BAD_REQUEST), {"Error": {"Code": error.code, "Message": error.message}}

    def _crash(self, effect: bool) -> None:
        if len(self.calls) == self.crash_at and effect is self.crash_after_effect:
            self.crash_at = 0
            raise Crash


def _http(status: HTTPStatus) -> SimpleNamespace:
    return SimpleNamespace(status_code=status.value)
