"""The operations on endpoints: what is accepted at once; `transitions` makes it so later."""

from typing import Any

from sandbox.sagemaker import deployment, models, scaling, transitions
from sandbox.sagemaker.configs import CONFIGS
from sandbox.sagemaker.deployment import Deployment
from sandbox.sagemaker.endpoint import (
    CREATING,
    DELETING,
    ENDPOINTS,
    FAILED,
    IN_SERVICE,
    ROLLBACK_FAILED,
    UPDATING,
    Endpoint,
)
from sandbox.sagemaker.errors import invalid, limit_exceeded
from sandbox.sagemaker.faults import FAULTS
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import LOCK, listing


@operation
def create_endpoint(params: Params) -> Answer:
    name = params["EndpointName"]
    with LOCK:
        wanted = _planned(params["EndpointConfigName"])
        endpoint = Endpoint(name, ENDPOINTS.arn(name), wanted.config_name, pending=wanted)
        endpoint.last_deployment_config = params.get("DeploymentConfig")
        ENDPOINTS.add(name, endpoint, params.get("Tags", ()))
        endpoint.move(CREATING)
        transitions.deploy(endpoint, wanted)
        return {"EndpointArn": endpoint.arn}


@operation
def describe_endpoint(params: Params) -> Answer:
    with LOCK:
        return ENDPOINTS.get(params["EndpointName"]).describe()


@operation
def list_endpoints(params: Params) -> Answer:
    members = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
    with LOCK:
        described = [endpoint.describe() for endpoint in ENDPOINTS.all()]
    rows = [{key: row[key] for key in members} for row in described]
    return listing("Endpoints", rows, "EndpointName", params)


@operation
def update_endpoint(params: Params) -> Answer:
    with LOCK:
        endpoint, live = _updatable(params["EndpointName"])
        wanted = _planned(params["EndpointConfigName"])
        scaling.check(endpoint.name, live, wanted)
        if params.get("RetainAllVariantProperties"):
            excluded = {item["VariantPropertyType"] for item in params.get("ExcludeRetainedVariantProperties", ())}
            deployment.retain(wanted, live, excluded)
        fault = _accepted(endpoint)
        if "DeploymentConfig" in params or not params.get("RetainDeploymentConfig"):
            endpoint.last_deployment_config = params.get("DeploymentConfig")
        endpoint.move(UPDATING)
        transitions.deploy(endpoint, wanted, fault)
        return {"EndpointArn": endpoint.arn}


@operation
def update_endpoint_weights_and_capacities(params: Params) -> Answer:
    changes = params["DesiredWeightsAndCapacities"]
    with LOCK:
        endpoint, live = _updatable(params["EndpointName"])
        unknown = [change["VariantName"] for change in changes if live.variant(change["VariantName"]) is None]
        if unknown:
            raise invalid(
                f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint configuration '
                f'"{live.config_name}".'
            )
        fault = _accepted(endpoint)
        for change in changes:
            _want(live, change)
        endpoint.move(UPDATING)
        transitions.reweigh(endpoint, live, fault)
        return {"EndpointArn": endpoint.arn}


@operation
def delete_endpoint(params: Params) -> Answer:
    with LOCK:
        endpoint = ENDPOINTS.get(params["EndpointName"])
        if endpoint.shown_status in (CREATING, UPDATING, DELETING):
            raise _in_progress(endpoint)
        transitions.delete(endpoint)
    return {}


def variant_exists(endpoint: str, variant: str) -> bool:
    """Whether the endpoint serves a variant of this name now."""
    with LOCK:
        found = ENDPOINTS.find(endpoint)
        return found is not None and found.live is not None and found.live.variant(variant) is not None


def _planned(config_name: str) -> Deployment:
    config = CONFIGS.get(config_name)
    variants = (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
    return deployment.from_config(config, {v["ModelName"]: models.served(v["ModelName"]) for v in variants})


def _updatable(name: str) -> tuple[Endpoint, Deployment]:
    endpoint = ENDPOINTS.get(name)
    status = endpoint.shown_status
    if status in (IN_SERVICE, ROLLBACK_FAILED) and endpoint.live is not None:
        return endpoint, endpoint.live
    if status == FAILED:
        raise invalid(f'Cannot update failed endpoint "{endpoint.arn}". Delete the endpoint and create it again.')
    raise _in_progress(endpoint)


def _accepted(endpoint: Endpoint) -> str | None:
    """The fault that the accepted change will meet; the `refuse` fault does not accept it."""
    fault = FAULTS.take_update(endpoint.name)
    if fault == "refuse":
        raise limit_exceeded(
            "The account-level service limit for endpoint usage is 0 Instances, with current utilization of 0 "
            "Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase "
            "for this quota."
        )
    return fault


def _want(live: Deployment, change: dict[str, Any]) -> None:
    variant = live.variant(change["VariantName"])
    assert variant is not None
    variant.desired_weight = float(change.get("DesiredWeight", variant.desired_weight))
    variant.desired_instances = change.get("DesiredInstanceCount", variant.desired_instances)


def _in_progress(endpoint: Endpoint) -> Exception:
    return invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
