"""Windows of traffic: when one is closed, which are still to be counted, and where.

Windows have a length that divides a day and begin at multiples of it (unix seconds), so that every function, whenever
it runs, means the same ones.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from slipway.drift.findings import Window
from slipway.drift.profile import Profile

DAY = 1440  # minutes
KEEP = 7 * 86400.0  # seconds; windows older than that are no longer caught up on
MEGABYTE, GIGABYTE = 10**6, 10**9
LEAST_VOLUME, MOST_VOLUME = 30, 1000  # GB
MOST_AT_ONCE = 48  # windows of one execution; after a long outage the next one goes on
LATE_WINDOWS = 3  # counted windows that are looked at again, for objects that came after their settling


class Engine(StrEnum):
    """What joins a window's labels: a function, one process of a job, or a job's cluster."""

    FUNCTION = "function"
    EMBEDDED = "embedded"
    SPARK = "spark"


@dataclass(frozen=True)
class Monitor:
    """How one endpoint is watched; the schedule hands it to the workflow.

    settle_minutes: from a window's end until what was captured in it has arrived.
    label_hours: from a window's end until its labels have come. false_alarms: tolerated, one in so many windows.
    job_megabytes, spark_megabytes: of a window's captured traffic and labels, from where on a job joins them, and a
    cluster. job_instance_type: of that job, and of the one that compares the model's holdout with the requests of so
    many hours, as often; holdout_hours: None for never. image: of the latter's container, "" for none.
    """

    endpoint: str
    kind: str = "slipway"
    window_minutes: int = 60
    settle_minutes: int = 10
    label_hours: int = 72
    false_alarms: int = 1000
    effect_floor: float = 0.02
    job_megabytes: int = 100
    spark_megabytes: int = 2_000
    job_instance_type: str = "ml.m5.xlarge"
    holdout_hours: float | None = 168
    image: str = ""

    def __post_init__(self) -> None:
        if self.window_minutes < 1 or DAY % self.window_minutes:
            raise ValueError(f"window_minutes: {self.window_minutes} does not divide a day ({DAY})")

    @property
    def seconds(self) -> float:
        return 60.0 * self.window_minutes

    def start(self, at: float) -> float:
        """The start of the window that a moment lies in."""
        return at // self.seconds * self.seconds

    def newest_closed(self, now: float) -> float:
        """The start of the newest window that is over and has settled."""
        return self.start(now - 60 * self.settle_minutes) - self.seconds

    def recent(self, now: float) -> float:
        """The start of the oldest window to which objects may still come."""
        return self.newest_closed(now) - (LATE_WINDOWS - 1) * self.seconds

    def engine(self, size: int) -> Engine:
        """For so many bytes of captured traffic and labels."""
        if size < self.job_megabytes * MEGABYTE:
            return Engine.FUNCTION
        return Engine.EMBEDDED if size < self.spark_megabytes * MEGABYTE else Engine.SPARK

    def mature(self, since: float, now: float) -> bool:
        """Whether the labels of the window that starts at `since` are due."""
        return now >= since + self.seconds + 3600 * self.label_hours


def volume(size: int) -> int:
    """GB of disk for a job that is given so many bytes."""
    return min(LEAST_VOLUME + 2 * size // GIGABYTE, MOST_VOLUME)


def look_from(monitor: Monitor, counted: Collection[float], now: float) -> float:
    """From when on captured objects matter: the first window that is not counted, or one they may still come to."""
    if not counted:
        return monitor.start(now - KEEP)
    gap = min(counted)
    while gap in counted:
        gap += monitor.seconds
    return min(gap, monitor.recent(now))


def due(
    monitor: Monitor, captured: Mapping[float, int], counted: Mapping[float, int], now: float, *, steady: bool
) -> tuple[float, ...]:
    """Starts of the windows to count now, in order; the newest ones if they are many, so that none keeps them waiting.

    captured: objects by window. counted: windows that are, and of how many objects; one of the newest is due again if
    objects came late. steady: the variant is always there, so a window without traffic is counted too, as silence.
    """
    newest = monitor.newest_closed(now)
    known = [*captured, *counted]
    if not known:
        return ()
    first = max(min(known), monitor.start(now - KEEP))
    starts = [first + i * monitor.seconds for i in range(int((newest - first) // monitor.seconds) + 1)]
    wanted = [at for at in starts if _missing(captured.get(at, 0), counted.get(at), steady, at >= monitor.recent(now))]
    return tuple(wanted[-MOST_AT_ONCE:])


def _missing(captured: int, counted: int | None, steady: bool, recent: bool) -> bool:
    if counted is None:
        return steady or captured > 0
    return recent and captured > counted


def matured(monitor: Monitor, counted: Collection[float], labelled: Collection[float], now: float) -> tuple[float, ...]:
    """Starts of counted windows whose labels are due and not yet joined, oldest first."""
    ripe = sorted(at for at in counted if at not in labelled and monitor.mature(at, now))
    return tuple(ripe[:MOST_AT_ONCE])


def total(profiles: Iterable[Profile]) -> Profile | None:
    """The sum of a window's profiles; None of none.

    A window in which the model changed holds profiles of two references: those of the one with more rows are summed.
    """
    sums: dict[str, Profile] = {}
    for profile in profiles:
        known = sums.get(profile.reference)
        sums[profile.reference] = profile if known is None else known + profile
    return max(sums.values(), key=lambda summed: summed.rows, default=None)


def coverage(history: Iterable[Window]) -> float | None:
    """Share of the rows of the newest labelled window that have their label; None before there is one."""
    labelled = [window.profile for window in history if window.profile.labelled.n]
    return labelled[-1].labelled.n / labelled[-1].rows if labelled and labelled[-1].rows else None
