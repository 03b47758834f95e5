"""Stand-ins for `time`, `datetime` and `threading` that run on the sandbox's virtual clock.

A service module that says `import time` gets one of these in place of its `time`: nothing in it has to know.
What is not about the flow of time passes through to the real module.
"""

import datetime as real_datetime
import threading as real_threading
import time as real_time
from types import ModuleType
from typing import Any

from sandbox.aws.patching import replace
from sandbox.clock import Clock


class _StandIn:
    """A module with some of its names replaced."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        self.__dict__.update(names)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def time_module(clock: Clock, *, sleeps: bool = False) -> Any:
    """`time` with a virtual `time()`; `sleep()` stays real unless `sleeps`.

    Polling loops must keep their real pace, or a fast clock turns them into busy loops.
    """
    return _StandIn(real_time, time=clock.now, **({"sleep": clock.sleep} if sleeps else {}))


def datetime_class(clock: Clock) -> type:
    """`datetime.datetime` whose `now()` and `utcnow()` are virtual; instances are ordinary datetimes."""

    class _Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_datetime.datetime)

        def __getattr__(cls, name: str) -> Any:
            return getattr(real_datetime.datetime, name)

    class VirtualDatetime(metaclass=_Meta):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return real_datetime.datetime(*args, **kwargs)  # noqa: DTZ001 (the caller's choice)

        @staticmethod
        def now(tz: real_datetime.tzinfo | None = None) -> real_datetime.datetime:
            moment = real_datetime.datetime.fromtimestamp(clock.now(), tz or real_datetime.UTC)
            return moment if tz else moment.replace(tzinfo=None)  # without a zone: UTC, which all here mean

        @staticmethod
        def utcnow() -> real_datetime.datetime:
            return VirtualDatetime.now()

    return VirtualDatetime


def event_class(clock: Clock, least: float = 0.0) -> type[real_threading.Event]:
    """`threading.Event` whose `wait` takes its time-out in virtual seconds, of which `least` are real ones."""

    class VirtualEvent(real_threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(None if timeout is None else max(clock.real(timeout), min(timeout, least)))

    return VirtualEvent


def threading_module(clock: Clock, least: float = 0.0) -> Any:
    """`threading` whose `Event.wait` and `Thread.join` take their time-outs in virtual seconds; see `event_class`."""

    class VirtualThread(real_threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            super().join(None if timeout is None else max(clock.real(timeout), min(timeout, least)))

    return _StandIn(real_threading, Event=event_class(clock, least), Thread=VirtualThread)


def virtualise(module: ModuleType, clock: Clock, *, sleeps: bool = False) -> None:
    """Put `module` on virtual time: its `time`, and its `datetime` (the module or the class)."""
    if getattr(module, "time", None) is real_time:
        replace(module, "time", time_module(clock, sleeps=sleeps))
    found = getattr(module, "datetime", None)
    if found is real_datetime:
        replace(module, "datetime", _StandIn(real_datetime, datetime=datetime_class(clock)))
    elif found is real_datetime.datetime:
        replace(module, "datetime", datetime_class(clock))
