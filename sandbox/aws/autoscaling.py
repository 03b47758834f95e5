"""Application Auto Scaling as a store: targets and policies are kept and checked, nothing scales.

Requests are validated with botocore's own model of the service.
"""

import json
import sys
import uuid
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator
from ministack.core import router
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from sandbox import clock as clocks
from sandbox.aws import autoscaling_resources, cloudformation
from sandbox.aws.patching import mount

SERVICE = "application-autoscaling"
CONTENT_TYPE = "application/x-amz-json-1.1"
_VARIANT = "sagemaker:variant:"
_CLOCK = clocks.from_env()
_targets = AccountRegionScopedDict()  # (namespace, resource id, dimension) -> target
_policies = AccountRegionScopedDict()  # (namespace, resource id, dimension, policy name) -> policy

Request = dict[str, Any]


class Refused(Exception):
    """A request that the service answers with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(app: Any) -> None:
    mount(app, SERVICE, sys.modules[__name__])
    router.SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": ["AnyScaleFrontendService."],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": SERVICE,
    }
    autoscaling_resources.install()


async def handle_request(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        return json_response(call(operation, json.loads(body or b"{}")), content_type=CONTENT_TYPE)
    except Refused as refused:
        return error_response_json(refused.code, str(refused), 400, content_type=CONTENT_TYPE)


def reset() -> None:
    _targets.clear()
    _policies.clear()


def get_state() -> dict[str, Any]:
    """The store lives as long as the server."""
    return {}


def load_persisted_state(data: dict[str, Any]) -> None:
    """Nothing is persisted: see `get_state`."""


def call(operation: str, request: Request) -> dict[str, Any]:
    """One API call, validated. Raises Refused."""
    if operation not in OPERATIONS:
        raise Refused("UnknownOperationException", f"the sandbox's {SERVICE} has no {operation}")
    shape = cloudformation.service_model(SERVICE).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise Refused("ValidationException", report.generate_report())
    return OPERATIONS[operation](request)


def register_scalable_target(request: Request) -> dict[str, Any]:
    key = _key(request)
    known = _targets.get(key) or {}
    _require_variant(request)
    arn = known.get("ScalableTargetARN") or _arn("scalable-target", uuid.uuid4().hex[:24])
    if not known and not {"MinCapacity", "MaxCapacity"} <= request.keys():
        raise Refused("ValidationException", "MinCapacity and MaxCapacity are required for a new scalable target")
    target = {"CreationTime": _CLOCK.now(), **known, **request, "ScalableTargetARN": arn}
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise Refused("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    _targets[key] = target
    return {"ScalableTargetARN": arn}


def deregister_scalable_target(request: Request) -> dict[str, Any]:
    key = _key(request)
    if key not in _targets:
        raise _not_found("scalable target", request)
    for policy in [policy for policy in _policies if policy[:3] == key]:
        del _policies[policy]
    del _targets[key]
    return {}


def describe_scalable_targets(request: Request) -> dict[str, Any]:
    found = [target for target in _targets.values() if _matches(target, request)]
    return {"ScalableTargets": found}


def put_scaling_policy(request: Request) -> dict[str, Any]:
    if _key(request) not in _targets:
        raise Refused("ObjectNotFoundException", f"No scalable target registered for {request['ResourceId']}")
    key = (*_key(request), request["PolicyName"])
    known = _policies.get(key) or {}
    arn = known.get("PolicyARN") or _arn("scalingPolicy", f"{uuid.uuid4()}:policyName/{request['PolicyName']}")
    created = known.get("CreationTime", _CLOCK.now())
    kind = {"PolicyType": request.get("PolicyType", known.get("PolicyType", "StepScaling"))}
    _policies[key] = {**known, **request, **kind, "PolicyARN": arn, "CreationTime": created, "Alarms": []}
    return {"PolicyARN": arn, "Alarms": []}


def delete_scaling_policy(request: Request) -> dict[str, Any]:
    key = (*_key(request), request["PolicyName"])
    if key not in _policies:
        raise _not_found("scaling policy", request)
    del _policies[key]
    return {}


def describe_scaling_policies(request: Request) -> dict[str, Any]:
    names = request.get("PolicyNames")
    found = [policy for policy in _policies.values() if _matches(policy, request)]
    return {"ScalingPolicies": [policy for policy in found if not names or policy["PolicyName"] in names]}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "RegisterScalableTarget": register_scalable_target,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "PutScalingPolicy": put_scaling_policy,
    "DeleteScalingPolicy": delete_scaling_policy,
    "DescribeScalingPolicies": describe_scaling_policies,
}


def _key(request: Request) -> tuple[str, str, str]:
    return request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"]


def _matches(stored: dict[str, Any], request: Request) -> bool:
    same = all(stored[k] == request[k] for k in ("ServiceNamespace", "ResourceId", "ScalableDimension") if k in request)
    ids = request.get("ResourceIds")
    return same and (not ids or stored["ResourceId"] in ids)


def _require_variant(request: Request) -> None:
    """A SageMaker target must name a variant that an endpoint has now."""
    if not request["ScalableDimension"].startswith(_VARIANT):
        return
    from sandbox.sagemaker import variant_exists

    parts = request["ResourceId"].split("/")
    if len(parts) != 4 or not variant_exists(parts[1], parts[3]):
        raise Refused("ValidationException", f"there is no variant {request['ResourceId']}")


def _not_found(what: str, request: Request) -> Refused:
    return Refused("ObjectNotFoundException", f"No {what} found for {request['ResourceId']}")


def _arn(kind: str, name: str) -> str:
    service = "autoscaling" if kind == "scalingPolicy" else SERVICE
    separator = ":" if kind == "scalingPolicy" else "/"
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}{separator}{name}"
