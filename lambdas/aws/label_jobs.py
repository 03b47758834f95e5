"""The processing job that joins a window's labels where a function can't: what it is given, and whether it is due.

It runs `python -m monitoring profile` and puts its profile where the function would, so whoever reads it can't tell.
"""

from datetime import UTC, datetime
from typing import Any

from lambdas.aws import bucket, counted, jobs
from lambdas.aws.job_inputs import MOUNTED, manifest, uri
from lambdas.aws.profiling import Given
from slipway import codec, names
from slipway.drift.reference import Reference
from slipway.windows import Engine, Monitor, volume

MOST_ATTEMPTS = 3
UNDER_WAY = ("InProgress", "Stopping")


class Unjoined(Exception):
    """The jobs of a window have ended, and its labels are not joined."""


def place(monitor: Monitor, variant: str, since: float, given: Given, reference: Reference) -> dict[str, Any] | None:
    """The job to run now, for the workflow; None while one is at it already. Raises Unjoined after MOST_ATTEMPTS."""
    stem = names.label_job(monitor.endpoint, variant, f"{datetime.fromtimestamp(since, UTC):%Y%m%d%H%M}")
    standing = jobs.processing(f"{stem}-")
    if any(status in UNDER_WAY for status in standing.values()):
        return None
    if len(standing) >= MOST_ATTEMPTS:
        raise Unjoined(f"{len(standing)} jobs {stem}-* did not join the window's labels; their FailureReason says why")
    folder = f"{names.JOBS}/{monitor.endpoint}/{stem}"
    bucket.put(f"{folder}/reference.json", codec.dumps(reference).encode())
    bucket.put(f"{folder}/capture.manifest", manifest(given.captured))
    bucket.put(f"{folder}/labels.manifest", manifest(given.truths))
    key = counted.window_key(monitor.endpoint, names.LABELLED, variant, since)
    output, _, file = key.rpartition("/")
    return {
        "name": f"{stem}-{len(standing) + 1}",
        "folder": uri(folder),
        "output": uri(output),
        "arguments": arguments(monitor.engine(given.size), file, given.due),
        "instance_type": monitor.job_instance_type,
        "volume": volume(given.size),
    }


def arguments(engine: Engine, file: str, due: float) -> list[str]:
    """Of the command. Refused lines were put aside when they were counted: the job leaves none in the bucket."""
    options = {
        "engine": engine.value,
        "input": f"{MOUNTED}/capture",
        "labels": f"{MOUNTED}/labels",
        "labels-until": datetime.fromtimestamp(due, UTC).isoformat(),
        "reference": f"{MOUNTED}/given/reference.json",
        "output": f"{MOUNTED}/output",
        "profile": file,
        "quarantine": f"{MOUNTED}/quarantine.jsonl",
    }
    return ["profile", *(word for name, value in options.items() for word in (f"--{name}", value))]
