"""Captured objects to profiles, each once: live as they arrive, or later as their window is summed."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from lambdas.aws import baselines, bucket, capture, counted
from monitoring import labelled as joined
from monitoring import labels, model_monitor, stream
from slipway import codec, names
from slipway.drift.profile import Profile, empty
from slipway.drift.reference import Reference
from slipway.windows import Monitor


def reference(endpoint: str, variant: str, now: float) -> Reference | None:
    """The yardstick of what a variant serves in this minute; None if it is gone, or its package has no baseline."""
    version = next((serves.version for serves in _serving(endpoint, int(now // 60)) if serves.variant == variant), "")
    try:
        return baselines.reference(endpoint, version) if version else None
    except baselines.NoBaseline:
        return None


@lru_cache(maxsize=64)
def _serving(endpoint: str, _minute: int) -> list[baselines.Serves]:
    """Every captured object asks; SageMaker is asked once a minute and warm function."""
    return baselines.serving(endpoint)


def profile(source: capture.Source, reference: Reference | None) -> Profile | None:
    """The profile of a captured object: as it was written, or else written now if there is a reference to count by.

    The quarantine comes first, so that what has a profile has its quarantine too.
    """
    key = counted.object_key(source)
    if body := bucket.get(key):
        return codec.loads(Profile, body.decode())
    if reference is None:
        return None
    made, refused = stream.profile(capture.raw(source), reference, within=(source.at, source.at))
    if refused:
        lines = (json.dumps({"reason": line.reason, "line": line.line}) for line in refused)
        bucket.put(counted.object_key(source, names.QUARANTINE, ".jsonl"), "\n".join(lines).encode())
    if not bucket.put_new(key, codec.dumps(made).encode()):
        return profile(source, reference)
    return made


class Given(NamedTuple):
    """The objects that a window's labels are joined from: its captured requests, and labels collected before `due`."""

    captured: list[capture.Source]
    truths: list[capture.Source]
    due: float

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(source.size for source in (*self.captured, *self.truths))


def given(monitor: Monitor, variant: str, since: float) -> Given:
    due = since + monitor.seconds + 3600.0 * monitor.label_hours
    captured = counted.captured(monitor.endpoint, variant, since, since + monitor.seconds)
    return Given([*captured], [*counted.truths(monitor.endpoint, since, due)], due)


def labelled(given: Given, reference: Reference) -> Profile:
    """A window's profile with the labels that came in time joined to its requests."""
    histories = labels.read(((source.at, capture.raw(source)) for source in given.truths), given.due)
    return joined.profile((line for source in given.captured for line in capture.raw(source)), histories, reference)


def described(statistics: dict[str, Any], reference: Reference) -> Profile:
    """A window as Model Monitor has described it. Of scores it says nothing, which is not that there were none.

    CSV has no header: its columns are `_c0`, `_c1`, ..., the answer's first and then the request's.
    """
    columns = {f"_c{place}": feature.name for place, feature in enumerate(reference.features, 1)}
    found = [{**one, "name": columns.get(one["name"], one["name"])} for one in statistics["features"]]
    asked = {**statistics, "features": [one for one in found if one["name"] != "_c0"]}
    return replace(model_monitor.profile(asked, reference), scores=empty(reference).scores)
