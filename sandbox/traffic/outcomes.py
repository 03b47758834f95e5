"""What the users saw: statuses, latencies, which variant answered, what was lost."""

import math
from collections import Counter
from typing import Any

STEP = math.log(1.05)  # latencies are counted in buckets 5 % wide


class Latencies:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._buckets[round(math.log(max(seconds, 1e-6)) / STEP)] += 1

    def quantile_ms(self, share: float) -> float | None:
        """Milliseconds, to within 5 %; None where nothing was counted."""
        wanted = share * self._buckets.total()
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                return round(1e3 * math.exp(bucket * STEP), 3)
        return None


class Outcomes:
    """Counts since the start; latencies also of the last interval."""

    def __init__(self) -> None:
        self.sent = 0
        self.answered = 0  # with 2xx
        self.lost: Counter[str] = Counter()  # by reason: a status, `timeout` or `connection`
        self.variants: Counter[str] = Counter()  # 2xx by the variant that answered
        self.latencies = Latencies()
        self.recent = Latencies()

    def record(self, status: int, variant: str, seconds: float) -> None:
        """One answer; `seconds` counts from when the request was due, so waiting for a connection is in it."""
        if 200 <= status < 300:
            self.answered += 1
            self.variants[variant] += 1
            self.latencies.add(seconds)
            self.recent.add(seconds)
        else:
            self.lost[str(status)] += 1

    def snapshot(self) -> dict[str, Any]:
        """Counts so far, and the median and 99th percentile of the time since the last snapshot."""
        recent, self.recent = self.recent, Latencies()
        return {**self._counts(), "p50_ms": recent.quantile_ms(0.5), "p99_ms": recent.quantile_ms(0.99)}

    def summary(self) -> dict[str, Any]:
        """Counts and latency percentiles of the whole run."""
        shares = (0.5, 0.9, 0.99, 0.999)
        return self._counts() | {f"p{100 * share:g}_ms": self.latencies.quantile_ms(share) for share in shares}

    def _counts(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "answered": self.answered,
            "lost": self.lost.total(),
            "lost_by_reason": dict(self.lost),
            "variants": dict(self.variants),
        }
