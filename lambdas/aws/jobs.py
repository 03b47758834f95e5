"""SageMaker jobs: how long they ran, how they stand, and stopping those that nobody waits for any more."""

from collections.abc import Iterator
from typing import NamedTuple

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.telemetry import logger

KINDS = ("Training", "Processing")


class Ran(NamedTuple):
    """seconds: billed, of all its instances; ended_at: unix seconds, None while it runs."""

    seconds: float
    ended_at: float | None


def ran(kind: str, name: str) -> Ran:
    """How long a job of a kind (`Training`, `Processing`) ran; not at all if it never began."""
    seen = getattr(client("sagemaker"), f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name})
    begun, ended = seen.get(f"{kind}StartTime"), seen.get(f"{kind}EndTime")
    wall = (ended - begun).total_seconds() if begun and ended else 0.0
    instances = seen.get("ProcessingResources", {}).get("ClusterConfig", {}).get("InstanceCount", 1)
    return Ran(instances * float(seen.get("BillableTimeInSeconds", wall)), ended.timestamp() if ended else None)


def of(prefix: str, **filters: str) -> list[tuple[str, str]]:
    """Kind and name of every job whose name begins so."""
    return [(kind, name) for kind in KINDS for name in _named(kind, prefix, filters)]


def processing(prefix: str) -> list[str]:
    """How the processing jobs stand whose names begin so, in no particular order."""
    pages = client("sagemaker").get_paginator("list_processing_jobs").paginate(NameContains=prefix)
    jobs = (job for page in pages for job in page["ProcessingJobSummaries"])
    return [job["ProcessingJobStatus"] for job in jobs if job["ProcessingJobName"].startswith(prefix)]


def stop(prefix: str) -> list[str]:
    """Stops every job in progress whose name begins so; their names."""
    return [name for kind, name in of(prefix, StatusEquals="InProgress") if _stop(kind, name)]


def _named(kind: str, prefix: str, filters: dict[str, str]) -> Iterator[str]:
    pages = client("sagemaker").get_paginator(f"list_{kind.lower()}_jobs").paginate(NameContains=prefix, **filters)
    names = (job[f"{kind}JobName"] for page in pages for job in page[f"{kind}JobSummaries"])
    return (name for name in names if name.startswith(prefix))


def _stop(kind: str, name: str) -> bool:
    try:
        getattr(client("sagemaker"), f"stop_{kind.lower()}_job")(**{f"{kind}JobName": name})
    except ClientError as error:
        if "in status" in error.response["Error"].get("Message", ""):
            return False  # it has ended meanwhile
        raise
    logger.info("stopped", job=name)
    return True
