"""Checks of single settings. Each takes the setting's path, for the message, and its value, and returns it parsed."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")
Check = Callable[[str, object], T]


class ConfigError(Exception):
    """A setting that can't be right. The message names it, says what is allowed and so how to fix it."""


def refuse(path: str, expected: str, value: object) -> ConfigError:
    return ConfigError(f"{path}: expected {expected}, got {json.dumps(value, default=str)}")


def unknown(path: str, key: str, known: Sequence[str]) -> ConfigError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return ConfigError(f"{path}: unknown key{hint} Known keys: {', '.join(known)}")


def whole(least: int, most: int) -> Check[int]:
    def check(path: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise refuse(path, f"a whole number from {least} to {most}", value)
        return value

    return check


def number(above: float, most: float) -> Check[float]:
    def check(path: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= most:
            raise refuse(path, f"a number above {above:g} and at most {most:g}", value)
        return float(value)

    return check


def text(pattern: str, expected: str) -> Check[str]:
    def check(path: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise refuse(path, expected, value)
        return value

    return check


def boolean(path: str, value: object) -> bool:
    """`-c key=false` gives the string, cdk.json the boolean."""
    if value not in (True, False, "true", "false") or isinstance(value, int) != isinstance(value, bool):
        raise refuse(path, "true or false", value)
    return value in (True, "true")


def optional(check: Check[T]) -> Check[T | None]:
    return lambda path, value: None if value is None else check(path, value)


def listing(check: Check[T]) -> Check[tuple[T, ...]]:
    """A list, or the JSON text of one as `-c key='[...]'` gives it."""

    def parse(path: str, value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except json.JSONDecodeError as error:
                raise ConfigError(f"{path}: not JSON ({error}); quote it as in -c {path}='[...]'") from None
        if not isinstance(value, list):
            raise refuse(path, "a list", value)
        return tuple(check(f"{path}[{index}]", item) for index, item in enumerate(value))

    return parse


def section(cls: type[Any], checks: Mapping[str, Check[Any]]) -> Check[Any]:
    """An object whose keys are the fields of the dataclass `cls`; fields without a default must be there."""
    required = [field.name for field in fields(cls) if field.default is field.default_factory is MISSING]

    def parse(path: str, value: object) -> Any:
        if not isinstance(value, Mapping):
            raise refuse(path, "an object", value)
        for key in value:
            if key not in checks:
                raise unknown(f"{path}.{key}", str(key), list(checks))
        for key in required:
            if key not in value:
                raise ConfigError(f"{path}.{key}: missing; it has no default")
        return cls(**{key: checks[key](f"{path}.{key}", item) for key, item in value.items()})

    return parse
