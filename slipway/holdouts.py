"""When the rows that a model was evaluated on are compared with what its endpoint is asked, and with which requests.

With those of a whole period, a week unless told otherwise: a night is unlike the days that a holdout is of, and neither
is drift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from slipway.windows import Monitor

AGAIN = 7  # a comparison that failed is tried again after this part of the period
BADLY = ("Failed", "Stopped")
LATEST_BEGIN = 0.1  # of the period: traffic that begins later does not stand for all of it


@dataclass(frozen=True)
class Evaluated:
    """What a package was evaluated on. holdout, model: keys in Slipway's bucket, of a folder of .parquet or .csv files
    and of the artifact. time: the rows' column of unix seconds. labelled: they are requests that got a label, so they
    are compared with such. joint: the package's baseline was made of them.
    """

    holdout: str
    model: str
    time: str = "event_time"
    labelled: bool = False
    joint: bool = False


@dataclass(frozen=True)
class Span:
    """Unix seconds."""

    since: float
    until: float

    def is_covered(self, times: Sequence[float]) -> bool:
        """times: of the requests in it, in order."""
        return bool(times) and times[0] - self.since <= LATEST_BEGIN * (self.until - self.since)


def span(monitor: Monitor, evaluated: Evaluated, now: float) -> Span:
    """Whose requests are compared; those that should have their label by now, if only these are."""
    until = now - 3600 * monitor.label_hours if evaluated.labelled else now
    return Span(until - _period(monitor), until)


def due(monitor: Monitor, begun: Mapping[float, str], served_since: float, of: Span, now: float) -> bool:
    """begun: when comparisons of the package began, and how they stand. served_since: its model, unix seconds."""
    period = _period(monitor)
    waits = (period / AGAIN if status in BADLY else period for status in begun.values())
    free = all(now - at >= wait for at, wait in zip(begun, waits, strict=True))
    return period > 0 and monitor.image != "" and served_since <= of.since and free


def _period(monitor: Monitor) -> float:
    """Seconds; 0: nothing is ever compared."""
    return 3600 * (monitor.holdout_hours or 0.0)


class Sized(Protocol):
    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


def thinned(objects: Sequence[T], most: int) -> Sequence[T]:
    """So many of them, evenly over their order, that they are about `most` bytes."""
    total = sum(one.size for one in objects)
    return objects[:: max(1, -(-total // most))]
