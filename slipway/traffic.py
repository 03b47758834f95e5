"""From what is wanted and what is observed to the AWS calls in between. Calls are data; nothing is called here.

`plan` is level-triggered: it may run twice, late, or after a crash half-way, and always answers the question "what is
missing now?". Capacity comes before weight, and InService is never taken for deployed: the config's name, each
weight and each instance count are compared.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway import names
from slipway.frame import Frame

# Once more after a silent return to the old config, for a crash between our note of the attempt and the call.
ATTEMPTS = 2
BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})


class EndpointUnusable(Exception):
    """The endpoint is in a state from which only a person can bring it back."""


class UpdateRolledBack(Exception):
    """The endpoint returned to InService on another config than the one we asked for."""


@dataclass(frozen=True)
class Variant:
    """A variant as it should be. weight: percent of the users' requests; a shadow has none."""

    name: str
    model: str
    weight: float
    instances: int
    shadow: bool = False


@dataclass(frozen=True)
class Wanted:
    """A layout of the endpoint. `reserve`: least instances autoscaling must leave to a variant."""

    frame: Frame
    config: str
    variants: tuple[Variant, ...]
    candidate: str = ""  # the model that, if missing, is made from the model package
    package: str = ""
    release: str = ""
    reserve: int = 1


@dataclass(frozen=True)
class Running:
    """A variant as DescribeEndpoint shows it."""

    name: str
    weight: float
    instances: int
    desired_weight: float
    desired_instances: int


@dataclass(frozen=True)
class Observed:
    status: str
    config: str
    variants: tuple[Running, ...] = ()
    shadows: tuple[Running, ...] = ()
    models: frozenset[str] = frozenset()  # of the wanted ones, those that exist
    configs: frozenset[str] = frozenset()
    targets: Mapping[str, tuple[int, int]] | None = None  # autoscaling: variant -> (least, most) instances
    types: Mapping[str, str] | None = None  # production variant -> instance type; none known: taken as wanted
    failure: str = ""

    def weight(self, name: str) -> float:
        """A production variant's share of the users' requests in percent, as it is now."""
        total = sum(variant.weight for variant in self.variants)
        return sum(100 * v.weight / total for v in self.variants if v.name == name) if total else 0.0

    def variant(self, name: str) -> Running | None:
        return next((v for v in (*self.variants, *self.shadows) if v.name == name), None)


@dataclass(frozen=True)
class Call:
    """One AWS call: boto3's names for service and method."""

    service: str
    method: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What to do now, and whether that is all. `waiting` says what for, empty when in place."""

    calls: tuple[Call, ...] = ()
    waiting: str = ""

    @property
    def in_place(self) -> bool:
        return not self.calls and not self.waiting

    @property
    def asks_for_config(self) -> bool:
        return any(call.method == "update_endpoint" for call in self.calls)


def plan(wanted: Wanted, observed: Observed, attempts: int = 0) -> Work:
    """The calls that bring the endpoint nearer to `wanted`; none when it is there or busy.

    attempts: how often this config was already asked for.
    Raises EndpointUnusable (Failed and the like) and UpdateRolledBack (asked for, InService, still the old config).
    """
    if observed.status in BUSY:
        return Work(waiting=f"endpoint is {observed.status}")
    if observed.status != "InService":
        raise EndpointUnusable(
            f"endpoint {wanted.frame.endpoint} is {observed.status} {observed.failure}".rstrip()
            + "; see docs/runbooks/endpoint-unusable.md"
        )
    if observed.config != wanted.config:
        if attempts >= ATTEMPTS:
            raise UpdateRolledBack(
                f"endpoint {wanted.frame.endpoint} is InService on {observed.config} although {wanted.config} was "
                f"asked for {attempts} times: SageMaker rolled the update back. {observed.failure}".rstrip()
            )
        return Work(tuple(_relayout(wanted, observed)), waiting=f"endpoint moves to {wanted.config}")
    # Limits come last: a rollback's weights must not wait for them.
    if not (work := _capacity_then_weight(wanted, observed)).in_place:
        return work
    scaling = tuple(_autoscale(wanted, observed))
    return Work(scaling, waiting="autoscaling limits are being set") if scaling else Work()


def instances_for(weight: float, whole: int) -> int:
    """Instances that carry `weight` percent of what `whole` instances carry; at least one."""
    return max(1, math.ceil(whole * weight / 100 - 1e-9))


def _capacity_then_weight(wanted: Wanted, observed: Observed) -> Work:
    running = {variant.name: variant for variant in observed.variants}
    short = [v for v in wanted.variants if not v.shadow and running[v.name].instances < v.instances]
    asked = [v for v in short if running[v.name].desired_instances < v.instances]
    if asked:
        desired = [{"VariantName": v.name, "DesiredInstanceCount": v.instances} for v in asked]
        return Work((_weights_and_capacities(wanted, desired),), waiting="capacity is being added")
    if short:
        return Work(waiting="capacity is being added")
    production = [v for v in wanted.variants if not v.shadow]
    if all(math.isclose(observed.weight(v.name), v.weight, abs_tol=1e-6) for v in production):
        return Work()
    desired = [{"VariantName": v.name, "DesiredWeight": v.weight} for v in production]
    return Work((_weights_and_capacities(wanted, desired),), waiting="weights are moving")


def _weights_and_capacities(wanted: Wanted, desired: list[dict[str, Any]]) -> Call:
    return Call(
        "sagemaker",
        "update_endpoint_weights_and_capacities",
        {"EndpointName": wanted.frame.endpoint, "DesiredWeightsAndCapacities": desired},
    )


def _relayout(wanted: Wanted, observed: Observed) -> Iterable[Call]:
    frame = wanted.frame
    tags = [
        {"Key": names.ENDPOINT_TAG, "Value": frame.endpoint},
        {"Key": names.RELEASE_TAG, "Value": wanted.release},
    ]
    for variant in wanted.variants:
        if variant.model not in observed.models:
            if variant.model != wanted.candidate:
                raise EndpointUnusable(
                    f"model {variant.model}, which {wanted.config} needs as its {variant.name}, no longer exists; "
                    "see docs/runbooks/endpoint-unusable.md"
                )
            container = {"ModelPackageName": wanted.package}
            parameters = {"ModelName": variant.model, "PrimaryContainer": container, "ExecutionRoleArn": frame.role_arn}
            yield Call("sagemaker", "create_model", {**parameters, "Tags": tags})
    if wanted.config not in observed.configs:
        yield Call("sagemaker", "create_endpoint_config", {**_config(wanted), "Tags": tags})
    # UpdateEndpoint refuses to remove a variant that still has a scaling target, or to change its instance type.
    types = observed.types
    stay = {v.name for v in wanted.variants if not v.shadow and (not types or types.get(v.name) == frame.instance_type)}
    for role in observed.targets or {}:
        if role not in stay:
            yield Call("application-autoscaling", "deregister_scalable_target", scaling_target(frame.endpoint, role))
    parameters = {"EndpointName": frame.endpoint, "EndpointConfigName": wanted.config}
    yield Call("sagemaker", "update_endpoint", parameters)


def _config(wanted: Wanted) -> dict[str, Any]:
    frame = wanted.frame

    def variant(v: Variant) -> dict[str, Any]:
        return {
            "VariantName": v.name,
            "ModelName": v.model,
            "InitialInstanceCount": v.instances,
            "InstanceType": frame.instance_type,
            # A shadow gets copies by the ratio of its weight to production's: all of them.
            "InitialVariantWeight": 100.0 if v.shadow else v.weight,
        }

    config: dict[str, Any] = {
        "EndpointConfigName": wanted.config,
        "ProductionVariants": [variant(v) for v in wanted.variants if not v.shadow],
        "KmsKeyId": frame.kms_key_arn,
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": frame.capture_percentage,
            "DestinationS3Uri": frame.capture_uri,
            "KmsKeyId": frame.kms_key_arn,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
        },
    }
    if shadows := [variant(v) for v in wanted.variants if v.shadow]:
        config["ShadowProductionVariants"] = shadows
    return config


def scaling_target(endpoint: str, role: str) -> dict[str, str]:
    """What names a variant's scaling target in every call of Application Auto Scaling."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": names.scalable_target(endpoint, role),
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _autoscale(wanted: Wanted, observed: Observed) -> Iterable[Call]:
    """Scaling targets for every production variant, with room below kept while the other one may need to take over."""
    frame = wanted.frame
    most = max(frame.max_instance_count, wanted.reserve)
    for variant in wanted.variants:
        if variant.shadow or (observed.targets or {}).get(variant.name) == (wanted.reserve, most):
            continue
        target = scaling_target(frame.endpoint, variant.name)
        limits = {"MinCapacity": wanted.reserve, "MaxCapacity": most}
        yield Call("application-autoscaling", "register_scalable_target", {**target, **limits})
        policy = {
            "TargetValue": float(frame.target_invocations_per_instance),
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        }
        name = f"{names.PREFIX}-{frame.endpoint}-{variant.name}"
        yield Call(
            "application-autoscaling",
            "put_scaling_policy",
            {
                **target,
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": policy,
            },
        )
