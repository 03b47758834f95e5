"""Strict JSON for frozen dataclasses: what is written can be read back, and nothing else can.

Reads and writes `int, float, str, bool, None, tuple[T, ...], T | None`, enums and nested dataclasses. An unknown key,
a missing key without a default, or a value of another type is an error that names its path: parse at the edge,
trust inside.
"""

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class Malformed(ValueError):
    """Data that does not have the shape of its type; the message starts with the path of the culprit."""


def encode(value: Any) -> Any:
    """The JSON-able form of a value. Defaults are written too, so that a later default can't change history."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


def decode(kind: type[T], data: Any, at: str = "") -> T:
    """A `kind` from its JSON-able form, or `Malformed`."""
    return typing.cast(T, _decode(kind, data, at or kind.__name__))


def dumps(value: Any) -> str:
    return json.dumps(encode(value), separators=(",", ":"), sort_keys=True)


def loads(kind: type[T], text: str) -> T:
    return decode(kind, json.loads(text))


def _decode(kind: Any, data: Any, at: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), data, at)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _decode_enum(kind, data, at)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _decode(inner, data, at)
    if origin is tuple:
        return _decode_tuple(arguments, data, at)
    return _decode_plain(kind, data, at)


def _decode_dataclass(kind: type, data: Any, at: str) -> Any:
    if not isinstance(data, Mapping):
        raise Malformed(f"{at}: expected an object with keys, got {_show(data)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in data:
        if key not in fields:
            raise Malformed(f"{at}.{key}: unknown key; known: {', '.join(fields)}")
    values = {}
    for name, hint in _hints(kind).items():
        if name in data:
            values[name] = _decode(hint, data[name], f"{at}.{name}")
        elif fields[name].default is dataclasses.MISSING and fields[name].default_factory is dataclasses.MISSING:
            raise Malformed(f"{at}.{name}: missing")
    try:
        return kind(**values)
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"{at}.{error}" if str(error).split(":")[0] in fields else f"{at}: {error}") from error


def _decode_enum(kind: type[enum.Enum], data: Any, at: str) -> enum.Enum:
    try:
        return kind(data)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise Malformed(f"{at}: {_show(data)} is not one of {known}") from None


def _decode_tuple(arguments: tuple[Any, ...], data: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise Malformed(f"{at}: expected a list, got {_show(data)}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(data)
    if len(arguments) != len(data):
        raise Malformed(f"{at}: expected {len(arguments)} items, got {len(data)}")
    return tuple(_decode(kind, item, f"{at}[{i}]") for i, (kind, item) in enumerate(zip(arguments, data, strict=True)))


def _decode_plain(kind: Any, data: Any, at: str) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is Any or (isinstance(data, kind) and not (isinstance(data, bool) and kind is not bool)):
        return data
    raise Malformed(f"{at}: expected {kind.__name__}, got {_show(data)}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _show(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
