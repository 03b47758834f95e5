"""Metric values by virtual second, and the statistics CloudWatch computes from them.

Written for the data plane's load: a datum is merged into its second on arrival, so that reading a period never
scans a list of everything.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

RETENTION_SECONDS = 15 * 24 * 3600

_RANK = re.compile(r"PR\(([\d.]*):([\d.]*)\)")

Key = tuple[str, str, frozenset[tuple[str, str]]]


@dataclass
class Bucket:
    """What was reported for one metric in one span of time.

    `values` counts each value; `ranked` is false once a statistic set came in, whose single values are unknown.
    """

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: dict[float, float] = field(default_factory=dict)
    ranked: bool = True

    def add(self, value: float, count: float) -> None:
        if count <= 0:
            return
        self._widen(count, value * count, value, value)
        self.values[value] = self.values.get(value, 0.0) + count

    def add_set(self, count: float, total: float, low: float, high: float) -> None:
        """Add a statistic set. Its percentiles are known only when all its values are the same."""
        if low == high:
            self.add(low, count)
        else:
            self._widen(count, total, low, high)
            self.ranked = False

    def merge(self, other: "Bucket") -> None:
        self._widen(other.count, other.total, other.low, other.high)
        self.ranked = self.ranked and other.ranked
        for value, count in other.values.items():
            self.values[value] = self.values.get(value, 0.0) + count

    def statistic(self, name: str) -> float | None:
        """`Average`, `Sum`, `SampleCount`, `Minimum`, `Maximum`, a percentile `pNN.N`, a rank `PR(low:high)`.

        None if not known. Raises ValueError for another statistic's name.
        """
        if name[:1] == "p" and name[1:].replace(".", "", 1).isdigit():
            return self._percentile(float(name[1:]) / 100) if self.ranked and self.values else None
        if rank := _RANK.fullmatch(name):
            return self._percentile_rank(*rank.groups()) if self.ranked and self.values else None
        try:
            read = _STATISTICS[name]
        except KeyError:
            raise ValueError(f"the sandbox's CloudWatch does not know the statistic {name!r}") from None
        return read(self) if self.count else None

    def _widen(self, count: float, total: float, low: float, high: float) -> None:
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)

    def _percentile_rank(self, low: str, high: str) -> float:
        """Percent of the values above `low` and up to `high`; an empty bound is none."""
        least, most = float(low or -math.inf), float(high or math.inf)
        return 100 * sum(count for value, count in self.values.items() if least < value <= most) / self.count

    def _percentile(self, share: float) -> float:
        """Linear interpolation between the two nearest ranks, each value standing `count` times."""
        rank = share * max(self.count - 1, 0)
        ordered = sorted(self.values.items())
        lower = _at_rank(ordered, math.floor(rank))
        upper = _at_rank(ordered, math.ceil(rank))
        return lower + (rank - math.floor(rank)) * (upper - lower)


_STATISTICS = {
    "Average": lambda bucket: bucket.total / bucket.count,
    "Sum": lambda bucket: bucket.total,
    "SampleCount": lambda bucket: bucket.count,
    "Minimum": lambda bucket: bucket.low,
    "Maximum": lambda bucket: bucket.high,
}


def _at_rank(ordered: list[tuple[float, float]], rank: float) -> float:
    seen = 0.0
    for value, count in ordered:
        seen += count
        if rank < seen:
            return value
    return ordered[-1][0]


class MetricStore:
    """All metrics of the account: key (namespace, name, dimensions) -> second -> bucket."""

    def __init__(self) -> None:
        self._series: dict[Key, dict[int, Bucket]] = {}
        self._units: dict[Key, str] = {}

    def bucket(self, key: Key, timestamp: float, unit: str) -> Bucket:
        """The bucket that a datum of this time belongs to."""
        series = self._series.setdefault(key, {})
        self._units.setdefault(key, unit)
        return series.setdefault(int(timestamp), Bucket())

    def unit(self, key: Key) -> str:
        return self._units.get(key, "None")

    def metrics(self) -> Iterable[Key]:
        return list(self._series)

    def period(self, key: Key, start: int, seconds: int) -> Bucket | None:
        """Everything reported in [start, start + seconds), or None if nothing was."""
        series = self._series.get(key)
        if not series:
            return None
        if len(series) < seconds:
            found = [bucket for second, bucket in list(series.items()) if start <= second < start + seconds]
        else:
            found = [series[second] for second in range(start, start + seconds) if second in series]
        if not found:
            return None
        merged = Bucket()
        for bucket in found:
            merged.merge(bucket)
        return merged

    def periods(self, key: Key, start: float, end: float, seconds: int) -> dict[int, Bucket]:
        """Period start -> what was reported in it, for the periods of [start, end) that hold data."""
        merged: dict[int, Bucket] = {}
        first = int(start // seconds) * seconds
        for second, bucket in sorted(self._series.get(key, {}).items()):
            if first <= second < end:
                merged.setdefault(second // seconds * seconds, Bucket()).merge(bucket)
        return merged

    def evict(self, now: float) -> None:
        """Forget what is older than CloudWatch keeps at this resolution."""
        oldest = int(now) - RETENTION_SECONDS
        for key, series in list(self._series.items()):
            for second in [second for second in series if second < oldest]:
                del series[second]
            if not series:
                del self._series[key]
