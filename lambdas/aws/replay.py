"""Golden rows, replayed against one variant past the weights; and what the variant runs on."""

import json
import math
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from lambdas.aws import bucket, capture
from lambdas.aws.clients import client
from slipway import names

FINGERPRINT = "fingerprint.json"
TRIES = 3


class Moving(Exception):
    """The endpoint is being changed: nobody can say which model would answer."""


def ask(endpoint: str, variant: str, rows: Sequence[str], at: float) -> tuple[float | None, ...]:
    """A score a row (CSV), in one request; all None from a variant that fails on them or cuts its answer short.

    The request's id says whose it is, so that nobody counts it as traffic.
    """
    body, id = "\n".join(rows).encode(), f"{names.PROBE_ID}-{variant}-{at:.0f}"
    for _ in range(TRIES):
        try:
            answer = client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint, TargetVariant=variant, InferenceId=id, ContentType="text/csv", Body=body
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError":
                raise
            continue
        found = capture.numbers(answer["Body"].read().decode())
        if answer["InvokedProductionVariant"] == variant and len(found) == len(rows):
            return tuple(score if math.isfinite(score) else None for score in found)
    return (None,) * len(rows)


def running(endpoint: str, variant: str, version: str) -> dict[str, str]:
    """What a variant that serves this package version runs on: endpoint config, image with its digest, instance type.

    Raises Moving.
    """
    seen = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    config = client("sagemaker").describe_endpoint_config(EndpointConfigName=seen["EndpointConfigName"])
    wanted = _of(config, variant)
    if seen["EndpointStatus"] != "InService" or names.package_version(endpoint, wanted.get("ModelName", "")) != version:
        raise Moving(f"{variant} of {endpoint} does not serve version {version} in a settled endpoint")
    image: dict[str, str] = next(iter(_of(seen, variant).get("DeployedImages", ())), {})
    found = {
        "config": seen["EndpointConfigName"],
        "image": image.get("ResolvedImage", image.get("SpecifiedImage", "")),
        "instance_type": wanted.get("InstanceType", ""),
    }
    return {name: value for name, value in found.items() if value}


def _of(described: dict[str, Any], variant: str) -> dict[str, Any]:
    return next((v for v in described.get("ProductionVariants", ()) if v["VariantName"] == variant), {})


def recorded(endpoint: str, version: str, found: dict[str, str]) -> dict[str, str]:
    """The fingerprint of a package's first deployment, which is recorded when it is first seen."""
    key = names.monitored(endpoint, names.BASELINES, version, FINGERPRINT)
    bucket.put_new(key, json.dumps(found, sort_keys=True).encode())
    return dict(json.loads(bucket.get(key) or b"{}"))
