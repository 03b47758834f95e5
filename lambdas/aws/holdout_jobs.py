"""The processing job that compares the rows a package was evaluated on with recent requests, when it is due.

It runs `training/holdout.py` and puts what it finds beside the package's baseline, where the next look reads it.
"""

from typing import Any

from lambdas.aws import baselines, bucket, counted, jobs, ledger
from lambdas.aws.capture import Source
from lambdas.aws.job_inputs import MOUNTED, manifest, uri
from slipway import holdouts, names, windows
from slipway.holdouts import Evaluated
from slipway.windows import MEGABYTE, Monitor

CAPTURED, LABELS = 64 * MEGABYTE, 1000 * MEGABYTE  # of the requests and labels that a job is given, at most


def due(monitor: Monitor, serves: baselines.Serves, now: float) -> list[dict[str, Any]]:
    """The job to run now on what the baseline serves, for the workflow, if any. What it reads lies in the bucket
    then."""
    version = serves.version
    evaluated = baselines.finding(Evaluated, monitor.endpoint, version, baselines.EVALUATED)
    if evaluated is None:
        return []
    of, stem = holdouts.span(monitor, evaluated, now), names.holdout_job(monitor.endpoint, version)
    served_since = ledger.served_since(serves.release, serves.variant)
    standing = jobs.processing(f"{stem}-")
    begun = {60.0 * int(name.removeprefix(f"{stem}-")): status for name, status in standing.items()}
    if not holdouts.due(monitor, begun, served_since, of, now):
        return []
    captured = [*counted.captured(monitor.endpoint, names.BASELINE, of.since, of.until)]
    labels = [*counted.truths(monitor.endpoint, of.since, now)] if evaluated.labelled else []
    if not of.is_covered([source.at for source in captured]) or (evaluated.labelled and not labels):
        return []
    return [_place(monitor, version, f"{stem}-{now // 60:.0f}", evaluated, captured, labels)]


def _place(
    monitor: Monitor, version: str, name: str, evaluated: Evaluated, captured: list[Source], labels: list[Source]
) -> dict[str, Any]:
    folder = f"{names.JOBS}/{monitor.endpoint}/{name}"
    beside = names.monitored(monitor.endpoint, names.BASELINES, version)
    # A channel must have something in it.
    nothing = [Source(f"{beside}/{baselines.EVALUATED}", monitor.endpoint, "", 0.0)]
    given = {
        "capture": holdouts.thinned(captured, CAPTURED),
        "labels": holdouts.thinned(labels, LABELS) or nothing,
    }
    for channel, sources in given.items():
        bucket.put(f"{folder}/{channel}.manifest", manifest(sources))
    return {
        "name": name,
        "folder": uri(folder),
        "output": uri(beside),
        "holdout": uri(f"{evaluated.holdout}/"),
        "model": uri(evaluated.model),
        "arguments": arguments(evaluated),
        "volume": windows.volume(sum(source.size for sources in given.values() for source in sources)),
    }


def arguments(evaluated: Evaluated) -> list[str]:
    """Of the script."""
    options = {
        "holdout": f"{MOUNTED}/holdout",
        "recent": f"{MOUNTED}/capture",
        "model": f"{MOUNTED}/model",
        "time": evaluated.time,
        "output": f"{MOUNTED}/output",
        **({"labels": f"{MOUNTED}/labels"} if evaluated.labelled else {}),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [*words, *(["--joint"] if evaluated.joint else [])]
