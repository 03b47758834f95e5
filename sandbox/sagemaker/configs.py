"""Endpoint configs: which models an endpoint serves, with what weights, and what it captures."""

import copy
from collections import Counter
from typing import Any

from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.models import MODELS
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, Table, listing

CONFIGS: Table[dict[str, Any]] = Table("endpoint-config", "endpoint configuration")
MAX_VARIANTS = 10


@operation
def create_endpoint_config(params: Params) -> Answer:
    name = params["EndpointConfigName"]
    _check(params)
    record = {key: copy.deepcopy(value) for key, value in params.items() if key != "Tags"}
    record.update({"EndpointConfigArn": CONFIGS.arn(name), "CreationTime": CLOCK.now()})
    record.setdefault("EnableNetworkIsolation", False)
    for variant in (*record["ProductionVariants"], *record.get("ShadowProductionVariants", ())):
        variant.setdefault("InitialVariantWeight", 1.0)
    CONFIGS.add(name, record, params.get("Tags", ()))
    return {"EndpointConfigArn": record["EndpointConfigArn"]}


@operation
def describe_endpoint_config(params: Params) -> Answer:
    return CONFIGS.get(params["EndpointConfigName"])


@operation
def delete_endpoint_config(params: Params) -> Answer:
    """SageMaker does not look whether an endpoint uses the config: the endpoint keeps what it was given."""
    CONFIGS.remove(params["EndpointConfigName"])
    return {}


@operation
def list_endpoint_configs(params: Params) -> Answer:
    members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
    rows = [{key: config[key] for key in members} for config in CONFIGS.all()]
    return listing("EndpointConfigs", rows, "EndpointConfigName", params)


def _check(params: Params) -> None:
    production, shadow = params["ProductionVariants"], params.get("ShadowProductionVariants", [])
    variants = [*production, *shadow]
    if not 1 <= len(production) <= MAX_VARIANTS:
        raise invalid(f"The number of production variants must be between 1 and {MAX_VARIANTS}.")
    if shadow and (len(production) != 1 or len(shadow) != 1):
        raise invalid(
            "When ShadowProductionVariants is specified, exactly one production variant and one shadow variant "
            "are allowed."
        )
    repeated = [name for name, count in Counter(variant["VariantName"] for variant in variants).items() if count > 1]
    if repeated:
        raise invalid(f"Variant names must be unique within an endpoint configuration: {', '.join(repeated)}.")
    for variant in variants:
        _check_variant(variant)


def _check_variant(variant: dict[str, Any]) -> None:
    MODELS.get(variant.get("ModelName", ""))
    if "ServerlessConfig" in variant:
        raise invalid("The sandbox does not serve serverless variants.")
    missing = [key for key in ("InstanceType", "InitialInstanceCount") if key not in variant]
    if missing:
        raise invalid(f"{missing[0]} must be specified for production variant {variant['VariantName']}.")
    if variant["InitialInstanceCount"] < 1:
        raise invalid(f"InitialInstanceCount of variant {variant['VariantName']} must be at least 1.")
