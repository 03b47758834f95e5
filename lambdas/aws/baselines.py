"""Which model package a variant serves, and the baseline that belongs to it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from lambdas.aws import bucket
from lambdas.aws.clients import client
from slipway import codec, names
from slipway.drift.findings import Window
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference
from slipway.holdouts import Evaluated

REFERENCE, WINDOWS, GOLDEN = "reference.json", "windows.jsonl", "golden.jsonl"
HOLDOUT, JOINT, ANCHORS = "holdout.json", "joint.json", "anchors.json"
EVALUATED = "evaluated.json"
MAKE = "make the package's baseline with `python -m monitoring baseline`"
T = TypeVar("T")


class Serves(NamedTuple):
    """version: of the model package, or `first`. shadow: its answers go nowhere, and it can't be asked by name.
    release: the id of the one that brought the model, empty if none did."""

    variant: str
    version: str
    shadow: bool
    release: str


class Golden(NamedTuple):
    """csv: a request. score: what the model answered to it when its package was made."""

    csv: str
    score: float


class NoBaseline(Exception):
    """A package is served that has no baseline; the message says how to make one."""


def serving(endpoint: str) -> list[Serves]:
    """What each variant serves now, shadows last."""
    seen = client("sagemaker").describe_endpoint(EndpointName=endpoint)
    config = client("sagemaker").describe_endpoint_config(EndpointConfigName=seen["EndpointConfigName"])
    return [
        Serves(
            v["VariantName"],
            names.package_version(endpoint, v["ModelName"]),
            shadow,
            names.brought_by(endpoint, v["ModelName"]),
        )
        for key, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True))
        for v in config.get(key, ())
    ]


def made(endpoint: str, version: str) -> bool:
    """Whether a package has a baseline; what is captured of one without waits for it."""
    return bucket.get(_key(endpoint, version)) is not None


def reference(endpoint: str, version: str) -> Reference:
    """The yardstick of a package. Raises NoBaseline."""
    key = _key(endpoint, version)
    body = bucket.get(key)
    if body is None:
        raise NoBaseline(f"there is no {key}: {MAKE}")
    return codec.loads(Reference, body.decode())


def windows(endpoint: str, version: str) -> list[Window]:
    """The baseline's own windows, for calibration, in order of time. Raises NoBaseline if it was made without."""
    found = [codec.loads(Profile, line) for line in _lines(endpoint, version, WINDOWS)]
    if not found:
        raise NoBaseline(f"the baseline of {endpoint} version {version} has no {WINDOWS}: {MAKE}")
    return [
        Window(float(i), i + 1.0, profile)
        if profile.first is None or profile.last is None
        else Window(profile.first, profile.last + 1, profile)
        for i, profile in enumerate(found)
    ]


def by_id(endpoint: str, id: str) -> Reference | None:
    """The reference of that id, whichever package it belongs to."""
    prefix = names.monitored(endpoint, names.BASELINES)
    for key in bucket.below(prefix):
        if key.endswith(f"/{REFERENCE}") and (body := bucket.get(key)):
            found = codec.loads(Reference, body.decode())
            if found.id == id:
                return found
    return None


def golden(endpoint: str, version: str) -> list[Golden]:
    """The rows to replay."""
    found = (json.loads(line) for line in _lines(endpoint, version, GOLDEN))
    return [Golden(_csv(row["row"]), float(row["score"])) for row in found]


def publish(endpoint: str, version: str, folder: str, bound_to: str) -> str:
    """Puts the files below `folder` where a package's baseline is looked for; what it holds, in words.

    The reference comes last: with it the baseline counts as made. Raises NoBaseline if something is missing, or was
    made for another than `bound_to`.
    """
    found = {key.rpartition("/")[2]: bucket.get(key) or b"" for key in bucket.below(folder)}
    if missing := [file for file in (REFERENCE, WINDOWS, GOLDEN) if not found.get(file)]:
        raise NoBaseline(f"{folder} has no {', '.join(missing)}; start a new run")
    own = codec.loads(Reference, found[REFERENCE].decode())
    if own.package != bound_to:
        raise NoBaseline(f"the baseline in {folder} is that of {own.package}, not of {bound_to}; start a new run")
    for file in sorted(found, key=lambda file: file == REFERENCE):
        bucket.put(names.monitored(endpoint, names.BASELINES, version, file), found[file])
    return f"baseline {own.id}"


def evaluated(endpoint: str, version: str, on: Evaluated) -> None:
    """Keeps what a package was evaluated on, for its comparison with recent requests."""
    bucket.put(names.monitored(endpoint, names.BASELINES, version, EVALUATED), codec.dumps(on).encode())


def finding(kind: type[T], endpoint: str, version: str, file: str) -> T | None:
    """What a job found out about a package's holdout or anchors, or was to look at; None until one did."""
    body = bucket.get(names.monitored(endpoint, names.BASELINES, version, file))
    return codec.loads(kind, body.decode()) if body else None


def _csv(row: list[Any]) -> str:
    return ",".join("" if value is None else str(value) for value in row)


def _key(endpoint: str, version: str) -> str:
    return names.monitored(endpoint, names.BASELINES, version, REFERENCE)


def _lines(endpoint: str, version: str, file: str) -> Iterator[str]:
    body = bucket.get(names.monitored(endpoint, names.BASELINES, version, file)) or b""
    return (line for line in body.decode().splitlines() if line)
