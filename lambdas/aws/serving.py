"""SageMaker endpoints: what is there, and carrying out calls that the core planned."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws.clients import client
from lambdas.aws.telemetry import logger
from slipway import names
from slipway.release import Release
from slipway.traffic import Call, Observed, Running, Wanted, scaling_target


class EndpointBusy(Exception):
    """SageMaker refuses a change because another one is under way; the same call may pass in a minute."""


class ProbeFailed(Exception):
    """A variant that should serve does not answer a request of the expected form."""


def observe(endpoint: str) -> Observed:
    """The endpoint as it is, before anything is known to be wanted."""
    seen = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return Observed(
        status=seen["EndpointStatus"],
        config=seen["EndpointConfigName"],
        variants=tuple(map(_running, seen.get("ProductionVariants", ()))),
        shadows=tuple(map(_running, seen.get("ShadowProductionVariants", ()))),
        targets=_targets(endpoint),
        failure=seen.get("FailureReason", ""),
    )


def with_existing(observed: Observed, wanted: Wanted) -> Observed:
    """`observed`, and what a change of its config depends on: asked for only when the config must change.

    Which of the wanted models and configs exist already, and the instance types that run now.
    """
    if observed.config == wanted.config:
        return observed
    models = {v.model for v in wanted.variants if _exists("describe_model", ModelName=v.model)}
    config = _exists("describe_endpoint_config", EndpointConfigName=wanted.config)
    return replace(
        observed,
        models=frozenset(models),
        configs=frozenset([wanted.config] if config else []),
        types=_instance_types(observed.config),
    )


def baseline_model(config: str) -> str:
    """The model that the baseline variant of an endpoint config serves; empty without such a variant."""
    variants = client("sagemaker").describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return next((str(v["ModelName"]) for v in variants if v["VariantName"] == names.BASELINE), "")


def champion(endpoint: str) -> tuple[str, str]:
    """The model that the baseline serves, and its artifact (s3 URI)."""
    config = client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    model = baseline_model(config)
    seen = client("sagemaker").describe_model(ModelName=model)
    return model, str((seen.get("PrimaryContainer") or seen["Containers"][0])["ModelDataUrl"])


def _instance_types(config: str) -> dict[str, str]:
    """By production variant; empty where somebody has deleted the config that an endpoint runs on."""
    if not _exists("describe_endpoint_config", EndpointConfigName=config):
        return {}
    variants = client("sagemaker").describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return {v["VariantName"]: v["InstanceType"] for v in variants if "InstanceType" in v}


def execute(calls: Iterable[Call]) -> None:
    """Carries out planned calls in order. What exists already is fine: a repeated call must end like the first.

    Raises EndpointBusy where SageMaker refuses because of a change in progress.
    """
    for call in calls:
        logger.info("call", api=f"{call.service}.{call.method}", parameters=call.parameters)
        try:
            getattr(client(call.service), call.method)(**call.parameters)
        except ClientError as error:
            message = error.response["Error"].get("Message", "")
            if call.method.startswith("create_") and "already exist" in message:
                continue
            if call.method.startswith("deregister_") and "ObjectNotFound" in error.response["Error"]["Code"]:
                continue
            if _in_progress(error):
                raise EndpointBusy(message) from error
            raise


def probe(endpoint: str, variants: Iterable[str], payload: str) -> None:
    """Asks each variant for one prediction past the weights. Raises ProbeFailed naming the variant and its answer."""
    for variant in variants:
        try:
            answer = client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint, TargetVariant=variant, ContentType="text/csv", Body=payload.encode()
            )
        except (ClientError, BotoCoreError) as error:
            raise ProbeFailed(f"variant {variant} of {endpoint} does not answer: {error}") from error
        score = answer["Body"].read().decode().strip()
        if answer["InvokedProductionVariant"] != variant or not score:
            raise ProbeFailed(
                f"variant {variant} of {endpoint} answered {score!r} as {answer['InvokedProductionVariant']}"
            )


def clear_away(endpoint: str, before: float, keep: Release) -> None:
    """Deletes models and endpoint configs that releases of this endpoint made before a moment (unix seconds).

    What the given release uses, or went over from, is kept.
    """
    layouts = (names.endpoint_config(keep.id, layout) for layout in names.LAYOUTS)
    _clear(endpoint, before, keep={keep.baseline_config, *layouts, keep.candidate, keep.baseline})


def clear_all(endpoint: str, now: float) -> None:
    """Deletes every model and endpoint config that releases of a deleted endpoint made, and its scaling targets."""
    for role in _targets(endpoint):
        client("application-autoscaling").deregister_scalable_target(**scaling_target(endpoint, role))
    _clear(endpoint, now, keep=set())


def _clear(endpoint: str, before: float, keep: set[str]) -> None:
    for config in made_by_releases(endpoint, "endpoint_configs", before):
        if config not in keep:
            client("sagemaker").delete_endpoint_config(EndpointConfigName=config)
    for model in made_by_releases(endpoint, "models", before):
        if model not in keep:
            client("sagemaker").delete_model(ModelName=model)


def made_by_releases(endpoint: str, kind: str, before: float) -> list[str]:
    """Names of `models` or `endpoint_configs` of this endpoint's releases, made before a moment."""
    listing = (
        client("sagemaker")
        .get_paginator(f"list_{kind}")
        .paginate(NameContains=f"{endpoint}-", CreationTimeBefore=datetime.fromtimestamp(before, UTC))
    )
    key, field = {"models": ("Models", "ModelName"), "endpoint_configs": ("EndpointConfigs", "EndpointConfigName")}[
        kind
    ]
    found = [item[field] for page in listing for item in page[key]]
    return [name for name in found if names.made_by_release(endpoint, name)]


def _running(seen: dict[str, Any]) -> Running:
    weight, count = seen.get("CurrentWeight", 0.0), seen.get("CurrentInstanceCount", 0)
    return Running(
        name=seen["VariantName"],
        weight=weight,
        instances=count,
        desired_weight=seen.get("DesiredWeight", weight),
        desired_instances=seen.get("DesiredInstanceCount", count),
    )


def _targets(endpoint: str) -> dict[str, tuple[int, int]]:
    by_id = {names.scalable_target(endpoint, role): role for role in names.ROLES}
    answer = client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=list(by_id)
    )
    return {by_id[t["ResourceId"]]: (t["MinCapacity"], t["MaxCapacity"]) for t in answer["ScalableTargets"]}


def _exists(method: str, **key: str) -> bool:
    try:
        getattr(client("sagemaker"), method)(**key)
    except ClientError as error:
        if "Could not find" in error.response["Error"].get("Message", ""):
            return False
        raise
    return True


def _in_progress(error: ClientError) -> bool:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code in ("ResourceInUse", "ConcurrentUpdateException") or "in-progress" in message
