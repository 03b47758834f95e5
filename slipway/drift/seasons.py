"""Like with like: which of the baseline's windows a window may be compared with, by the hour it lies in (UTC)."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

HOUR, DAY = 3600.0, 86400.0
LEAST = 3  # windows of the baseline in a season: days with that hour, or weeks with that weekday


class Cycle(StrEnum):
    NONE = "none"
    DAY = "hour of the day"
    WEEKEND = "hour of the day, weekends apart"
    WEEKDAY = "weekday"
    WEEK = "hour of the week"

    def season(self, at: float | None) -> int:
        """The season that a time (unix seconds, the middle of a window) lies in."""
        if at is None or self is Cycle.NONE:
            return 0
        hour, day = int(at % DAY // HOUR), int(at // DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        seasons = {Cycle.DAY: hour, Cycle.WEEKEND: hour + 24 * (day >= 5), Cycle.WEEKDAY: day}
        return seasons.get(self, hour + 24 * day)


def middle(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else (first + last) / 2


def possible(times: Sequence[float | None], lengths: Iterable[float]) -> tuple[Cycle, ...]:
    """The cycles that windows with these middles and lengths (seconds) can show: each season seen often enough."""
    longest = max(lengths, default=0.0)
    found = [Cycle.NONE]
    if any(at is None for at in times):
        return tuple(found)
    for cycle in (Cycle.DAY, Cycle.WEEKEND, Cycle.WEEKDAY, Cycle.WEEK):
        if longest > (DAY if cycle is Cycle.WEEKDAY else 2 * HOUR):
            continue
        seen: dict[int, set[int]] = {}
        for at in times:
            seen.setdefault(cycle.season(at), set()).add(int((at or 0.0) // DAY))
        if len(seen) > 1 and min(map(len, seen.values())) >= LEAST:
            found.append(cycle)
    return tuple(found)
