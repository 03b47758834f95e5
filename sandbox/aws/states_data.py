"""What the interpreter does to data, where moto falls short: members' spelling, JSONPath, JSONata."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jsonata
import jsonpath_ng.ext
from botocore import xform_name
from botocore.model import Shape
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils import json_path

from sandbox.aws.cloudformation import service_model
from sandbox.aws.patching import replace, replace_imported
from sandbox.clock import Clock

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_INDEFINITE = re.compile(r"\*|\.\.|\?|\[[^\]]*[:,]")
_parse_path = lru_cache(maxsize=512)(jsonpath_ng.ext.parse)


def install(clock: Clock) -> None:
    replace(StateTaskService, "_normalise_parameters", _normalise_parameters)
    replace(StateTaskService, "_normalise_response", _normalise_response)
    replace(moto_jsonata, "_eval_jsonata", lambda expression: evaluate_jsonata(expression, clock))
    replace_imported(json_path, "extract_json", _definite_paths_give_values(json_path.extract_json))


def _normalise_parameters(
    self: Any, parameters: dict, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    """Step Functions writes every member in PascalCase; the SDK wants the service's own case."""
    shape = _shapes(self, boto_service_name, service_action_name)[0]
    renamed = _rename(dict(parameters), shape, lambda name, members: members.get(name.lower(), name))
    parameters.clear()
    parameters.update(renamed)


def _normalise_response(
    self: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    if isinstance(response, dict):
        shape = _shapes(self, boto_service_name, service_action_name)[1]
        renamed = _rename(dict(response), shape, lambda name, _: name[0].upper() + name[1:])
        response.clear()
        response.update(renamed)


def _shapes(task: Any, service: str | None, action: str | None) -> tuple[Shape | None, Shape | None]:
    name = service or task._get_boto_service_name()
    return _operation_shapes(name, action or task._get_boto_service_action())


@lru_cache(maxsize=256)
def _operation_shapes(service: str, action: str) -> tuple[Shape | None, Shape | None]:
    model = service_model(service)
    operation = next((name for name in model.operation_names if xform_name(name) == action), None)
    if operation is None:
        return None, None
    return model.operation_model(operation).input_shape, model.operation_model(operation).output_shape


def _rename(value: Any, shape: Shape | None, spell: Callable[[str, dict[str, str]], str]) -> Any:
    if shape is not None and shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        known = {key: shape.members.get(members.get(key.lower(), key)) for key in value}
        return {spell(key, members): _rename(item, known[key], spell) for key, item in value.items()}
    if shape is not None and shape.type_name == "list" and isinstance(value, list):
        return [_rename(item, shape.member, spell) for item in value]
    return value


def evaluate_jsonata(expression: str, clock: Clock) -> Any:
    """Evaluate JSONata with the functions that Step Functions adds, now in virtual time. Raises JSONataException."""
    try:
        program = jsonata.Jsonata(expression)
        program.register_lambda("millis", lambda: int(clock.now() * 1000))
        program.register_lambda("now", lambda: _iso(clock.now()))
        program.register_lambda("uuid", lambda: str(uuid.uuid4()))
        program.register_lambda("parse", json.loads)
        program.register_lambda("hash", _hash)
        return json.loads(json.dumps(program.evaluate(None), default=_jsonable))
    except Exception as error:
        raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _hash(text: Any, algorithm: str = "SHA-256") -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), str(text).encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    if hasattr(value, "__iter__"):
        return list(value)
    return int(value) if float(value).is_integer() else float(value)


def _definite_paths_give_values(extract: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """`$.a[0].b` names one value; moto hands it over in a list."""

    def extract_json(path: str, data: Any) -> Any:
        if _INDEFINITE.search(_QUOTED.sub("", path)):
            return extract(path, data)
        matches = _parse_path(path).find(data)
        if not matches:
            raise json_path.NoSuchJsonPathError(json_path=path, data=data)
        return matches[0].value

    return extract_json
