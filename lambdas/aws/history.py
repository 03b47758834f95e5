"""What is known of a variant's traffic: its windows, labelled where they are mature, and its newest probes."""

from lambdas.aws import bucket, counted, metrics
from slipway import codec, names
from slipway.drift.findings import Probe, Window
from slipway.drift.profile import Profile
from slipway.windows import KEEP, Monitor

LONGEST = 32  # windows: the longest scale of the detectors
REPLAYS = 128  # each is an object to read


def windows(monitor: Monitor, variant: str, now: float) -> list[Window]:
    """The newest windows and the newest labelled ones, which are older; in order of time."""
    span = max(KEEP, 2 * LONGEST * monitor.seconds)  # some hours may have been lost
    since = monitor.start(now - span - 3600.0 * monitor.label_hours)
    kinds = (names.PROFILES, names.LABELLED)
    newest = (counted.starts(monitor.endpoint, kind, variant, since)[-LONGEST:] for kind in kinds)
    starts = sorted({start for of_kind in newest for start in of_kind})
    if not starts:
        return []
    until = starts[-1] + monitor.seconds
    requests = metrics.invocations(monitor.endpoint, variant, starts[0], until, monitor.seconds)
    replays = _replays(monitor, variant, starts[0])
    found = ((start, _profile(monitor, variant, start)) for start in starts)
    return [
        Window(start, start + monitor.seconds, profile, max(0, requests.get(start, 0) - replays.get(start, 0)))
        for start, profile in found
        if profile is not None
    ]


def probes(monitor: Monitor, variant: str, now: float) -> list[Probe]:
    """Replays of the time whose windows are looked at, labelled ones among them, oldest first; the newest REPLAYS."""
    prefix = names.monitored(monitor.endpoint, names.PROBES, variant)
    since = now - 3600.0 * monitor.label_hours - max(86400.0, LONGEST * monitor.seconds)
    keys = list(bucket.below(prefix, after=f"{prefix}/{counted.when(since)}"))
    bodies = (bucket.get(key) for key in keys[-REPLAYS:])
    return [codec.loads(Probe, body.decode()) for body in bodies if body]


def keep(endpoint: str, probe: Probe) -> None:
    key = names.monitored(endpoint, names.PROBES, probe.variant, f"{counted.when(probe.at)}.json")
    bucket.put(key, codec.dumps(probe).encode())


def _replays(monitor: Monitor, variant: str, since: float) -> dict[float, int]:
    """Requests of ours by window, which CloudWatch counts as anybody's: one a probe."""
    sums: dict[float, int] = {}
    for at in counted.starts(monitor.endpoint, names.PROBES, variant, since):
        start = monitor.start(at)
        sums[start] = sums.get(start, 0) + 1
    return sums


def _profile(monitor: Monitor, variant: str, start: float) -> Profile | None:
    labelled = counted.window(monitor.endpoint, names.LABELLED, variant, start)
    return labelled or counted.window(monitor.endpoint, names.PROFILES, variant, start)
