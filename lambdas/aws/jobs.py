"""SageMaker jobs: how long they ran, how they stand, and stopping those that nobody waits for any more."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.telemetry import logger
from slipway.retraining.tuning import KIND as TUNING

KINDS = ("Training", "Processing")


class Ran(NamedTuple):
    """seconds: billed, of all its instances; ended_at: unix seconds, None while it runs."""

    seconds: float
    ended_at: float | None


def ran(kind: str, name: str) -> Ran:
    """How long a job of a kind (`Training`, `Processing`) ran; not at all if it never began."""
    seen = _call("describe", kind, name)
    begun, ended = seen.get(f"{kind}StartTime"), seen.get(f"{kind}EndTime")
    wall = (ended - begun).total_seconds() if begun and ended else 0.0
    instances = seen.get("ProcessingResources", {}).get("ClusterConfig", {}).get("InstanceCount", 1)
    return Ran(instances * float(seen.get("BillableTimeInSeconds", wall)), ended.timestamp() if ended else None)


def seconds(prefix: str, kinds: Sequence[str] = KINDS) -> float:
    """Billed for all jobs whose names begin so."""
    return sum(ran(kind, name).seconds for kind, name in _of(prefix, kinds))


def tuning(name: str) -> dict[str, Any]:
    """SageMaker's description of a tuning job."""
    return _call("describe", TUNING, name)


def processing(prefix: str) -> dict[str, str]:
    """How the processing jobs stand whose names begin so, by name."""
    return {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in _listed("Processing", prefix)}


def stop(prefix: str, kinds: Sequence[str] = KINDS) -> list[str]:
    """Stops every job in progress whose name begins so; their names. A tuning job stops its training jobs."""
    return [name for kind, name in _of(prefix, kinds, StatusEquals="InProgress") if _stop(kind, name)]


def _of(prefix: str, kinds: Sequence[str], **filters: str) -> list[tuple[str, str]]:
    """Kind and name of every job whose name begins so."""
    return [(kind, job[f"{kind}JobName"]) for kind in kinds for job in _listed(kind, prefix, **filters)]


def _listed(kind: str, prefix: str, **filters: str) -> Iterator[dict[str, Any]]:
    """SageMaker's summaries of the jobs of a kind whose names begin so."""
    pages = client("sagemaker").get_paginator(f"list_{xform_name(kind)}_jobs").paginate(NameContains=prefix, **filters)
    found = (job for page in pages for job in page[f"{kind}JobSummaries"])
    return (job for job in found if job[f"{kind}JobName"].startswith(prefix))


def _stop(kind: str, name: str) -> bool:
    try:
        _call("stop", kind, name)
    except ClientError as error:
        if "in status" in error.response["Error"].get("Message", ""):
            return False  # it has ended meanwhile
        raise
    logger.info("stopped", job=name)
    return True


def _call(verb: str, kind: str, name: str) -> dict[str, Any]:
    return dict(getattr(client("sagemaker"), f"{verb}_{xform_name(kind)}_job")(**{f"{kind}JobName": name}) or {})
