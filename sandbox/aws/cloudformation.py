"""How the extensions add resource types to MiniStack's CloudFormation."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from ministack.services.cloudformation import provisioners

Created = tuple[str, dict[str, Any]]


def register(
    resource_type: str,
    create: Callable[[str, dict[str, Any], str], Created],
    update: Callable[[str, dict[str, Any], dict[str, Any], str], Created],
    delete: Callable[[str, dict[str, Any]], None],
) -> None:
    """Handle a resource type.

    `create(logical id, properties, stack name)` and `update(physical id, old, new, stack name)` return the physical
    id (what Ref gives) and the attributes (what GetAtt gives); `delete(physical id, properties)`.
    """
    provisioners._RESOURCE_HANDLERS[resource_type] = {"create": create, "update": update, "delete": delete}


@lru_cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def coerce(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A template's properties as the API's parameters: members the API knows, with the API's types.

    Templates write numbers and booleans as text; CloudFormation converts them by the resource's schema.
    """
    return _coerce(properties, service_model(service).operation_model(operation).input_shape)


def _coerce(value: Any, shape: Shape) -> Any:
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            return {k: _coerce(v, shape.members[k]) for k, v in value.items() if k in shape.members}
        case "list" if isinstance(value, list):
            return [_coerce(item, shape.member) for item in value]
        case "map" if isinstance(value, dict):
            return {k: _coerce(v, shape.value) for k, v in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "string":
            return value if isinstance(value, str) else json.dumps(value)
    return value
