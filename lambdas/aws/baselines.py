"""Which model package a variant serves, and the baseline that belongs to it."""

import json
from collections.abc import Iterator
from functools import lru_cache

from lambdas.aws import bucket
from lambdas.aws.clients import client
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference

REFERENCE, WINDOWS, GOLDEN = "reference.json", "windows.jsonl", "golden.jsonl"


class NoBaseline(Exception):
    """A package is served that has no baseline; the message says how to make one."""


def versions(endpoint: str, now: float) -> dict[str, str]:
    """Package version by variant, shadows included, as the endpoint serves them in this minute (unix seconds)."""
    return _versions(endpoint, int(now // 60))


@lru_cache(maxsize=64)
def _versions(endpoint: str, _minute: int) -> dict[str, str]:
    """Asked for once a minute and warm function, since every captured object asks."""
    seen = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    config = client("sagemaker").describe_endpoint_config(EndpointConfigName=seen["EndpointConfigName"])
    both = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
    return {v["VariantName"]: names.package_version(endpoint, v["ModelName"]) for v in both}


def reference(endpoint: str, version: str) -> Reference:
    """The yardstick of a package. Raises NoBaseline."""
    key = names.monitored(endpoint, names.BASELINES, version, REFERENCE)
    body = bucket.get(key)
    if body is None:
        raise NoBaseline(f"there is no {key}: make the package's baseline with `python -m monitoring baseline`")
    return codec.loads(Reference, body.decode())


def windows(endpoint: str, version: str) -> tuple[Profile, ...]:
    """The baseline's own windows, for calibration; none if it was made without."""
    return tuple(codec.loads(Profile, line) for line in _lines(endpoint, version, WINDOWS))


def golden(endpoint: str, version: str) -> list[dict[str, object]]:
    """The rows to replay, each with the answer it got when the package was made."""
    return [json.loads(line) for line in _lines(endpoint, version, GOLDEN)]


def _lines(endpoint: str, version: str, file: str) -> Iterator[str]:
    body = bucket.get(names.monitored(endpoint, names.BASELINES, version, file)) or b""
    return (line for line in body.decode().splitlines() if line)
