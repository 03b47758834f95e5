"""IAM as AWS enforces it where MiniStack does not: SageMaker, Application Auto Scaling, iam:PassRole, keys.

MiniStack (AUTH=true) checks one action on one resource, and lets a service through whose actions it doesn't know.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import cbor2
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.core.router import extract_access_key_id, extract_region

from sandbox.aws import kms, sagemaker_arns, states_callback
from sandbox.aws.kms import Check
from sandbox.aws.patching import replace

NAMESPACES = {"sagemaker": "sagemaker", "application-autoscaling": "application-autoscaling"}

# Services whose requests hand a role to a service, with the name under which that service assumes it.
PASSES_ROLES = {
    "sagemaker": "sagemaker.amazonaws.com",
    "states": "states.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "events": "events.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
    "application-autoscaling": "application-autoscaling.amazonaws.com",
}
ENCRYPTS = ("s3", "sns")  # services whose data a customer's key may encrypt
_SCALING_KEYS = {"service-namespace": "ServiceNamespace", "scalable-dimension": "ScalableDimension"}
_ROLE_MEMBERS = ("rolearn", "executionrolearn", "role")


def install(app: Any) -> None:
    iam_actions.SERVICE_TO_IAM_NAMESPACE.update(NAMESPACES)
    _count_loopback_as_tls(app)
    _know_sagemaker()
    _know_conditions()
    _check_more_than_one(app)


def _count_loopback_as_tls(app: Any) -> None:
    """Policies that demand aws:SecureTransport must hold here too, where there is nobody to listen."""
    pin = iam_evaluator.pin_request_origin

    def pin_secure(source_ip: str, _secure: bool) -> None:
        pin(source_ip, True)

    replace(iam_evaluator, "pin_request_origin", pin_secure)
    replace(app, "pin_request_origin", pin_secure)


def _know_sagemaker() -> None:
    action_of = replace(iam_actions, "extract_iam_action", None)
    resource_of = replace(iam_actions, "extract_resource_arn", None)

    def extract_iam_action(service: str, method: str, path: str, *args: Any) -> str | None:
        if service == "sagemaker" and sagemaker_arns.is_invocation(path):
            return "sagemaker:InvokeEndpoint"
        return action_of(service, method, path, *args)

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, params: dict, region: str, account: str
    ) -> str:
        if service in NAMESPACES:
            return resources(service, path, headers, body, region, account)[0]
        if service == "states" and (token := _json(body).get("taskToken")):
            return states_callback.machine(token)
        return resource_of(service, method, path, headers, body, params, region, account)

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn


def _know_conditions() -> None:
    """Condition keys of Application Auto Scaling's and CloudWatch's own, taken from the request."""
    tags_of = replace(iam_actions, "request_tag_context", None)

    def request_tag_context(service: str, action: str, body: bytes, params: dict) -> dict[str, Any]:
        known = dict(tags_of(service, action, body, params))
        if service == "application-autoscaling":
            request = _json(body)
            for key, member in _SCALING_KEYS.items():
                if member in request:
                    known[f"application-autoscaling:{key}"] = request[member]
        if action == "cloudwatch:PutMetricData":
            known["cloudwatch:namespace"] = metric_namespace(body, params)
        return known

    iam_actions.request_tag_context = request_tag_context


def metric_namespace(body: bytes, params: dict) -> str:
    """Of a PutMetricData in whichever of CloudWatch's three protocols: CBOR, JSON or a form."""
    given = params.get("Namespace") or _json(body).get("Namespace")
    if given is None and body:
        with contextlib.suppress(cbor2.CBORDecodeError):
            decoded = cbor2.loads(body)
            given = decoded.get("Namespace") if isinstance(decoded, dict) else None
    return str(given[0] if isinstance(given, list) else given or "")


def resources(service: str, path: str, headers: dict, body: bytes, region: str, account: str) -> list[str]:
    """The ARNs that a request to SageMaker or Application Auto Scaling acts on; never empty."""
    request = _json(body)
    if service == "sagemaker":
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        return sagemaker_arns.of_request(operation, path, request, region, account)
    arn = request.get("ResourceARN") or f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/*"
    return [arn]


def _check_more_than_one(app: Any) -> None:
    """Enforce what a request needs beyond its first action and resource."""
    dispatch = replace(app, "_dispatch_service_request", None)

    async def checked(method: str, path: str, headers: dict, body: bytes, params: dict, request_id: str) -> tuple:
        routing = app._routing_params(method, path, headers, body, params)
        service = app.detect_service(method, path, headers, routing)
        if service in PASSES_ROLES or service in ENCRYPTS:
            signed = iam_evaluator._signed_request.get()
            denied = _first_denied(service, method, path, headers, body, routing)
            iam_evaluator._signed_request.set(signed)  # MiniStack checks a signature once; it must still do so
            if denied:
                (action, resource, _), result = denied
                return iam_actions.access_denied_response(
                    service,
                    action,
                    result.principal_arn,
                    request_id,
                    headers=headers,
                    error_code="KMSAccessDenied" if service == "sns" else "",
                    message=_message(result.principal_arn, action, resource),
                )
        return await dispatch(method, path, headers, body, params, request_id)

    app._dispatch_service_request = checked


def _first_denied(
    service: str, method: str, path: str, headers: dict, body: bytes, params: dict
) -> tuple[Check, Any] | None:
    """The first additional permission the caller lacks. What MiniStack refuses by itself is left to it."""
    region, account = extract_region(headers, params), get_account_id()
    access_key = extract_access_key_id(headers, params)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
    if action is None or iam_evaluator.is_root_access_key(access_key):
        return None
    first = iam_actions.extract_resource_arn(service, method, path, headers, body, params, region, account)
    extra = list(_additional_checks(service, method, path, headers, body, region, account))
    extra += kms.checks(service, action, first, method, headers)
    if not extra:
        return None
    iam_evaluator.pin_request_caller(headers, params)
    if iam_evaluator.enforce(access_key, action, service, region, resource_arn=first):
        return None
    for check in extra:
        result = iam_evaluator.enforce(
            access_key, check[0], check[0].split(":")[0], region, resource_arn=check[1], service_context=check[2]
        )
        if isinstance(result, iam_evaluator.EvalResult):
            return check, result
    return None


def _additional_checks(
    service: str, method: str, path: str, headers: dict, body: bytes, region: str, account: str
) -> Iterator[Check]:
    if service == "sagemaker":
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        for arn in resources(service, path, headers, body, region, account)[1:]:
            yield f"sagemaker:{operation}", arn, {}
    if service in PASSES_ROLES and method in ("POST", "PUT"):
        for role in dict.fromkeys(_roles(_json(body))):
            yield "iam:PassRole", role, {"iam:PassedToService": PASSES_ROLES[service]}


def _roles(value: Any) -> Iterator[str]:
    """Every role ARN that a request passes, however deep."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key.lower() in _ROLE_MEMBERS and isinstance(item, str) and ":role/" in item:
                yield item
            else:
                yield from _roles(item)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(item)


def _json(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _message(principal: str, action: str, resource: str) -> str:
    return (
        f"User: {principal} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
