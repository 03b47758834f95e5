"""Requests checked against botocore's model of SageMaker: types, required members, lengths, patterns, enums."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape, StructureShape
from botocore.validate import ParamValidator

from sandbox.sagemaker.errors import invalid


@cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def input_shape(operation: str) -> StructureShape:
    """The request shape of an operation that SageMaker has."""
    shape: StructureShape = _service().operation_model(operation).input_shape
    return shape


def validate(operation: str, params: dict[str, Any]) -> None:
    """Raise ValidationException unless `params` is a request that SageMaker would parse."""
    shape = input_shape(operation)
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    problems = list(_constraints(params, shape, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def _constraints(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What ParamValidator leaves to the service: patterns, enums and longest lengths."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from _constraints(member, shape.members[name], _join(path, name))
    elif shape.type_name == "list":
        for index, item in enumerate(value, 1):
            yield from _constraints(item, shape.member, f"{path}.{index}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _constraints(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _string_constraints(value, shape, path)


def _string_constraints(value: str, shape: Shape, path: str) -> Iterator[str]:
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    enum, longest, pattern = (shape.metadata.get(key) for key in ("enum", "max", "pattern"))
    if enum and value not in enum:
        yield f"{failed} satisfy enum value set: [{', '.join(enum)}]"
    if longest is not None and len(value) > longest:
        yield f"{failed} have length less than or equal to {longest}"
    compiled = _compile(pattern) if pattern else None
    if compiled and not compiled.fullmatch(value):
        yield f"{failed} satisfy regular expression pattern: {pattern}"


@cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """None for the few patterns (tags, mostly) that use Java's Unicode classes."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def coerce(value: Any, shape: Any, path: str = "") -> Any:
    """CloudFormation's loosely typed properties ("1", "true") as the API's types; ValueError on an unknown key."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        unknown = [key for key in value if key not in shape.members]
        if unknown:
            raise ValueError(f"Encountered unsupported property {path}{unknown[0]}")
        return {key: coerce(item, shape.members[key], f"{path}{key}.") for key, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [coerce(item, shape.member, path) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: coerce(item, shape.value, path) for key, item in value.items()}
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, str | int):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}[value.lower()]
    if kind == "string" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
