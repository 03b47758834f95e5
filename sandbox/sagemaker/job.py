"""What training and processing jobs share: a record that moves through statuses, events, and being stopped."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sandbox.sagemaker import events
from sandbox.sagemaker.errors import in_use, invalid
from sandbox.sagemaker.storage import JobError
from sandbox.sagemaker.store import CLOCK, LOCK, Table, spawn

logger = logging.getLogger("sandbox.sagemaker")
# How long SageMaker takes to get instances for a job, in virtual seconds.
START_SECONDS = float(os.environ.get("SANDBOX_JOB_START_SECONDS", "60"))
IN_PROGRESS, COMPLETED, FAILED, STOPPING, STOPPED = "InProgress", "Completed", "Failed", "Stopping", "Stopped"
FAILURE_LIMIT = 1024
# What a container needs of this machine; nothing else of the server's own environment reaches it.
_INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


@dataclass
class Job:
    """A job of one kind (`Training`, `Processing`); `described` is what its Describe operation answers."""

    kind: str
    described: dict[str, Any]
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return str(self.described[f"{self.kind}JobName"])

    @property
    def arn(self) -> str:
        return str(self.described[f"{self.kind}JobArn"])

    @property
    def status(self) -> str:
        return str(self.described[f"{self.kind}JobStatus"])

    @property
    def title(self) -> str:
        """As events and errors call it."""
        return f"{self.kind} Job"

    def change(self, status: str, **members: Any) -> None:
        """Change status and other members, and tell EventBridge."""
        with LOCK:
            self.described |= {f"{self.kind}JobStatus": status, "LastModifiedTime": CLOCK.now(), **members}
            detail = {key: _event_value(key, value) for key, value in self.described.items()}
        events.emit(self.title, self.arn, detail)

    def fail(self, reason: str) -> None:
        """End as Failed."""
        self.change(FAILED, FailureReason=reason[:FAILURE_LIMIT], **{f"{self.kind}EndTime": CLOCK.now()})


AnyJob = TypeVar("AnyJob", bound=Job)


def add(table: Table[AnyJob], job: AnyJob, tags: list[dict[str, str]], work: Callable[[AnyJob, Path], None]) -> None:
    """Accept a job and start `work` on it, in a directory that goes when the work ends."""
    with LOCK:
        if table.find(job.name) is not None:
            raise in_use(
                f"{job.title.capitalize()} names must be unique within an AWS account and region, and a "
                f"{job.title.lower()} with this name already exists ({job.arn})"
            )
        table.add(job.name, job, tags)
        job.change(IN_PROGRESS)
        spawn(_run, job, work)


def find(table: Table[AnyJob], name: str) -> AnyJob:
    job = table.find(name)
    if job is None:
        raise invalid("Requested resource not found.")
    return job


def stop(table: Table[AnyJob], name: str, **members: Any) -> None:
    """Ask a job to stop; ValidationException when it has ended."""
    with LOCK:
        job = find(table, name)
        if job.status not in (IN_PROGRESS, STOPPING):
            raise invalid(f"The request was rejected because the {job.title.lower()} is in status {job.status}.")
        if job.status == IN_PROGRESS:
            job.change(STOPPING, **members)
            job.stop.set()


def summaries(table: Table[AnyJob], kind: str, members: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of a List operation."""
    named = (f"{kind}JobName", f"{kind}JobArn", f"{kind}JobStatus", "CreationTime", "LastModifiedTime", *members)
    return [{key: job.described[key] for key in named if key in job.described} for job in table.all()]


def base_environment() -> dict[str, str]:
    return {key: os.environ[key] for key in _INHERITED if key in os.environ}


def _run(job: AnyJob, work: Callable[[AnyJob, Path], None]) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix=f"{job.kind.lower()}-job-") as directory:
            work(job, Path(directory))
    except JobError as error:
        job.fail(str(error))
    except Exception as error:
        logger.exception("%s job %s broke", job.kind, job.name)
        job.fail(f"InternalServerError: {error}")


def _event_value(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_event_value(key, item) for item in value]
    if isinstance(value, dict):
        return {inner: _event_value(inner, item) for inner, item in value.items()}
    return events.millis(value) if key.endswith("Time") and isinstance(value, float) else value
