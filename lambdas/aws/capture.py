"""Captured answers: how many of each variant's were no finite number, minute by minute."""

import base64
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime

from lambdas.aws.clients import client
from lambdas.aws.settings import setting
from slipway import names

# A look reads at most this many files a variant; they are a sample of the answers, as capture itself is.
MOST_FILES = 40


def invalid(endpoint: str, since: float, until: float) -> dict[str, tuple[int, int]]:
    """Per variant: captured answers and invalid ones in files written in [since, until); unix seconds."""
    return {role: _count(endpoint, role, since, until) for role in names.ROLES} if since < until else {}


def is_invalid(answer: str) -> bool:
    """True unless every value of a CSV or JSON answer is a finite number."""
    try:
        text = answer.strip()
        values = (
            _numbers(json.loads(text)) if text[:1] in "{[" else [float(v) for v in text.replace("\n", ",").split(",")]
        )
        return not values or not all(math.isfinite(value) for value in values)
    except ValueError:
        return True


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [math.nan if value is None else float(value)]  # type: ignore[arg-type]


def _count(endpoint: str, role: str, since: float, until: float) -> tuple[int, int]:
    captured = bad = 0
    for _, key in zip(range(MOST_FILES), _files(endpoint, role, since, until), strict=False):
        body = client("s3").get_object(Bucket=setting("BUCKET"), Key=key)["Body"].read()
        for line in body.splitlines():
            output = json.loads(line)["captureData"].get("endpointOutput")
            if output is not None:
                captured += 1
                bad += is_invalid(_text(output))
    return captured, bad


def _text(output: dict[str, str]) -> str:
    if output["encoding"] == "BASE64":
        return base64.b64decode(output["data"]).decode(errors="replace")
    return output["data"]


def _files(endpoint: str, role: str, since: float, until: float) -> Iterator[str]:
    """Keys {capture}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl whose names fall into [since, until)."""
    hour = since // 3600 * 3600
    while hour < until:
        prefix = f"{names.CAPTURE}/{endpoint}/{role}/{datetime.fromtimestamp(hour, UTC):%Y/%m/%d/%H}/"
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=setting("BUCKET"), Prefix=prefix)
        for key in (item["Key"] for page in pages for item in page.get("Contents", ())):
            minute, second = key.removeprefix(prefix).split("-")[:2]
            if since <= hour + 60 * int(minute) + int(second) < until:
                yield key
        hour += 3600
