"""The SageMaker jobs of a retraining: how long they ran, and stopping those that nobody waits for any more."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.telemetry import logger

KINDS = ("Training", "Processing")


def seconds(kind: str, name: str) -> float:
    """What a job of a kind (`Training`, `Processing`) ran, in seconds; 0 for one that never began."""
    seen = getattr(client("sagemaker"), f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name})
    if "BillableTimeInSeconds" in seen:
        return float(seen["BillableTimeInSeconds"])
    begun, ended = seen.get(f"{kind}StartTime"), seen.get(f"{kind}EndTime")
    return float((ended - begun).total_seconds()) if begun and ended else 0.0


def stop(prefix: str) -> list[str]:
    """Stops every job in progress whose name begins so; their names."""
    return [name for kind in KINDS for name in _running(kind, prefix) if _stop(kind, name)]


def _running(kind: str, prefix: str) -> Iterator[str]:
    pages = (
        client("sagemaker")
        .get_paginator(f"list_{kind.lower()}_jobs")
        .paginate(NameContains=prefix, StatusEquals="InProgress")
    )
    for page in pages:
        for job in page[f"{kind}JobSummaries"]:
            if job[f"{kind}JobName"].startswith(prefix):
                yield job[f"{kind}JobName"]


def _stop(kind: str, name: str) -> bool:
    try:
        getattr(client("sagemaker"), f"stop_{kind.lower()}_job")(**{f"{kind}JobName": name})
    except ClientError as error:
        if "in status" in error.response["Error"].get("Message", ""):
            return False  # it has ended meanwhile
        raise
    logger.info("stopped", job=name)
    return True
