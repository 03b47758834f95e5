"""What is measured: both variants, minute by minute. Nothing here is per request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """One variant in one minute. errors: requests without a 2xx; p50, p90: model latency in microseconds; slower:
    requests slower than a threshold known before the minute (None: not measured).
    """

    requests: int = 0
    errors: int = 0
    p50: float | None = None
    p90: float | None = None
    slower: int | None = None


@dataclass(frozen=True)
class Minute:
    """Both variants in the minute that begins at `at` (unix seconds)."""

    at: float
    baseline: Arm
    candidate: Arm
