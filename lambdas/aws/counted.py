"""Profiles of traffic in the bucket: of single captured objects, and of windows.

| key below `monitoring/{endpoint}/` | what |
|---|---|
| `objects/{variant}/yyyy/mm/dd/hh/{object}.json` | the `Profile` of one captured object, written once |
| `quarantine/{variant}/yyyy/mm/dd/hh/{object}.jsonl` | its lines that could not be read, each with the reason |
| `windows/{variant}/yyyy/mm/dd/hh/MM.json` | the sum of a window's objects; metadata `objects` says of how many |
| `labelled/{variant}/yyyy/mm/dd/hh/MM.json` | the same window with its labels joined |
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from lambdas.aws import bucket, capture
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.windows import Monitor

OBJECTS = "objects"


def when(at: float) -> str:
    """A moment (unix seconds) as it stands in keys: yyyy/mm/dd/hh/MM."""
    return f"{datetime.fromtimestamp(at, UTC):%Y/%m/%d/%H/%M}"


def at(key: str) -> float:
    """The moment in a key that ends in yyyy/mm/dd/hh/MM.json, or in a folder's further file."""
    text = key.removesuffix(".json")[-16:]
    return datetime.strptime(text, "%Y/%m/%d/%H/%M").replace(tzinfo=UTC).timestamp()


def object_key(source: capture.Source, kind: str = names.OBJECTS, suffix: str = ".json") -> str:
    """Where the profile of a captured object lies: by the object's own path below its variant."""
    below = source.key.removeprefix(f"{names.CAPTURE}/{source.endpoint}/").removesuffix(".jsonl")
    return names.monitored(source.endpoint, kind, f"{below}{suffix}")


def captured(endpoint: str, variant: str, since: float, until: float) -> Iterator[capture.Source]:
    """Captured objects whose names tell a time in [since, until), oldest first."""
    prefix = f"{names.CAPTURE}/{endpoint}/{variant}"
    for key, size in bucket.sizes(prefix, after=f"{prefix}/{when(since)[:-3]}"):
        found = capture.source(key, size)
        if found is None or found.at < since:
            continue
        if found.at >= until:
            return
        yield found


def truths(endpoint: str, since: float, until: float) -> Iterator[capture.Source]:
    """Objects of labels collected in [since, until), or in the hour of `since`. Not all names tell a minute."""
    prefix = f"{names.GROUND_TRUTH}/{endpoint}"
    for key, size in bucket.sizes(prefix, after=f"{prefix}/{when(since)[:-3]}"):
        found = capture.source(key, size)
        if found and found.at // 3600 * 3600 >= until:
            return
        if found and found.at < until:
            yield found


def by_window(monitor: Monitor, variant: str, since: float, until: float) -> dict[float, int]:
    """Captured objects by the window they belong to."""
    sources = captured(monitor.endpoint, variant, since, until)
    return Counter(monitor.start(source.at) for source in sources)


def starts(endpoint: str, kind: str, variant: str, since: float) -> list[float]:
    """Starts of the windows kept from `since` on, oldest first."""
    prefix = names.monitored(endpoint, kind, variant)
    found = (at(key) for key in bucket.below(prefix, after=f"{prefix}/{when(since)}"))
    return [start for start in found if start >= since]


def window_key(endpoint: str, kind: str, variant: str, start: float) -> str:
    return names.monitored(endpoint, kind, variant, f"{when(start)}.json")


def window(endpoint: str, kind: str, variant: str, start: float) -> Profile | None:
    body = bucket.get(window_key(endpoint, kind, variant, start))
    return codec.loads(Profile, body.decode()) if body else None


def objects(endpoint: str, variant: str, start: float) -> int:
    """Of how many objects a kept window was counted."""
    return int(bucket.metadata(window_key(endpoint, names.PROFILES, variant, start)).get(OBJECTS, 0))


def keep(endpoint: str, kind: str, variant: str, start: float, profile: Profile, objects: int) -> None:
    body = codec.dumps(profile).encode()
    bucket.put(window_key(endpoint, kind, variant, start), body, {OBJECTS: str(objects)})
