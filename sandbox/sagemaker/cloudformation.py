"""CloudFormation's SageMaker types: Model, EndpointConfig, Endpoint, ModelPackageGroup, and Model Monitor's.

Ref of each is the resource's ARN. Which properties replace the resource follows the CloudFormation resource
reference; MiniStack's own rules then replace it, or refuse to when it has a custom name that did not change.
"""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from sandbox.aws import patching
from sandbox.sagemaker import service, shapes, store
from sandbox.sagemaker.errors import ServiceError
from sandbox.sagemaker.events import iso
from sandbox.sagemaker.operations import Answer, Params

# CloudFormation's own patience with an endpoint, in real seconds.
WAIT_SECONDS = 600.0
_POLL_SECONDS = 0.1
Result = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Resource:
    """One type: its name property is `{kind}Name`, and a change of a property in `replacing` replaces it."""

    kind: str
    replacing: tuple[str, ...]

    @property
    def type(self) -> str:
        return f"AWS::SageMaker::{self.kind}"

    @property
    def name_property(self) -> str:
        return "JobDefinitionName" if self.kind.endswith("JobDefinition") else f"{self.kind}Name"


MODEL = Resource(
    "Model",
    (
        "Containers",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "InferenceExecutionConfig",
        "ModelName",
        "PrimaryContainer",
        "VpcConfig",
    ),
)
CONFIG = Resource(
    "EndpointConfig",
    (
        "AsyncInferenceConfig",
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "EndpointConfigName",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "KmsKeyId",
        "MetricsConfig",
        "ProductionVariants",
        "ShadowProductionVariants",
        "VpcConfig",
    ),
)
ENDPOINT = Resource("Endpoint", ("EndpointName",))
GROUP = Resource("ModelPackageGroup", ("ModelPackageGroupDescription", "ModelPackageGroupName"))
SCHEDULE = Resource("MonitoringSchedule", ("MonitoringScheduleConfig", "MonitoringScheduleName"))


def _definition(kind: str) -> Resource:
    """A job definition can't be changed at all."""
    parts = ("AppSpecification", "BaselineConfig", "JobInput", "JobOutputConfig")
    shared = ("JobDefinitionName", "JobResources", "NetworkConfig", "RoleArn", "StoppingCondition")
    return Resource(f"{kind}JobDefinition", (*(f"{kind}{part}" for part in parts), *shared))


DEFINITIONS = tuple(map(_definition, ("DataQuality", "ModelQuality")))
RESOURCES = (MODEL, CONFIG, ENDPOINT, GROUP, SCHEDULE, *DEFINITIONS)
# Properties of an endpoint that only an update takes.
_UPDATE_ONLY = ("ExcludeRetainedVariantProperties", "RetainAllVariantProperties", "RetainDeploymentConfig")


def install() -> None:
    """Register the types with MiniStack's CloudFormation."""
    for resource in RESOURCES:
        provisioners._RESOURCE_HANDLERS[resource.type] = {
            "create": partial(_create, resource),
            "update": partial(_update, resource),
            "delete": partial(_delete, resource),
        }
        provisioners._REPLACING_PROPERTIES[resource.type] = resource.replacing
        provisioners._CUSTOM_NAME_REPLACEMENT[resource.type] = {"name": resource.name_property}
        provisioners._STACK_TAG_PROPERTY[resource.type] = ("Tags", "list")
    # They wait (an endpoint takes minutes) and call back (a model's artifact is looked at through S3).
    on_worker: Callable[[str], bool] = stacks._runs_on_worker_thread
    patching.replace(
        stacks, "_runs_on_worker_thread", lambda kind: kind.startswith("AWS::SageMaker::") or on_worker(kind)
    )


def _create(resource: Resource, logical_id: str, properties: Params, stack: str) -> Result:
    wanted = {key: value for key, value in properties.items() if key not in _UPDATE_ONLY}
    name = wanted.setdefault(
        resource.name_property, re.sub("-+", "-", provisioners._physical_name(stack, logical_id, max_len=63))
    )
    _call(f"Create{resource.kind}", wanted)
    if resource is ENDPOINT:
        _wait_until_settled(name)
    return _result(resource, name)


def _update(resource: Resource, physical_id: str, old: Params, new: Params, _stack: str) -> Result:
    """Only what needs no replacement comes here: tags, and an endpoint's config."""
    name = store.name_of(physical_id)
    if name is None:
        raise _failed(f"Resource {physical_id} was not found.", "NotFound")
    with store.LOCK:
        provisioners._reconcile_tag_map(store.tags_of(physical_id), old, new)
    if resource is ENDPOINT:
        _update_endpoint(name, old, new)
    return _result(resource, name)


def _update_endpoint(name: str, old: Params, new: Params) -> None:
    if all(old.get(key) == new.get(key) for key in ("EndpointConfigName", "DeploymentConfig")):
        return
    wanted = {key: value for key, value in new.items() if key not in ("EndpointName", "Tags")}
    _call("UpdateEndpoint", {**wanted, "EndpointName": name})
    described = _wait_until_settled(name)
    if described["EndpointConfigName"] != new["EndpointConfigName"]:
        raise _failed(f"Endpoint {name} was rolled back to {described['EndpointConfigName']}.", "NotStabilized")


def _delete(resource: Resource, physical_id: str, _properties: Params) -> None:
    name = store.name_of(physical_id)
    if name is None:
        return
    _call(f"Delete{resource.kind}", {resource.name_property: name})
    if resource is ENDPOINT:
        _wait(lambda: None if store.name_of(physical_id) else {}, f"Endpoint {name} was not deleted.")


def _result(resource: Resource, name: str) -> Result:
    described = _call(f"Describe{resource.kind}", {resource.name_property: name})
    arn = described[resource.name_property.removesuffix("Name") + "Arn"]
    attributes = {"Id": arn, resource.name_property: name}
    if resource is GROUP:
        attributes = {key: described[key] for key in ("ModelPackageGroupArn", "ModelPackageGroupStatus")}
        attributes["CreationTime"] = iso(described["CreationTime"])
    return arn, attributes


def _wait_until_settled(name: str) -> Answer:
    def settled() -> Answer | None:
        described = _call("DescribeEndpoint", {"EndpointName": name})
        return described if described["EndpointStatus"] in ("InService", "Failed", "UpdateRollbackFailed") else None

    described = _wait(settled, f"Endpoint {name} did not settle.")
    if described["EndpointStatus"] != "InService":
        raise _failed(described.get("FailureReason", "The endpoint failed."), "NotStabilized")
    return described


def _wait(ready: Callable[[], Answer | None], late: str) -> Answer:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        answer = ready()
        if answer is not None:
            return answer
        time.sleep(_POLL_SECONDS)
    raise _failed(late, "NotStabilized")


def _call(operation: str, params: Params) -> Answer:
    shape = shapes.input_shape(operation)
    try:
        return service.call(operation, shapes.coerce(params, shape))
    except ServiceError as error:
        raise _failed(error.message, "InvalidRequest") from error


def _failed(message: str, code: str) -> ValueError:
    return ValueError(
        f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
    )
