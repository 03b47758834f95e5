"""What is measured: both variants, minute by minute. Nothing here is per request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from slipway.names import BASELINE, CANDIDATE


@dataclass(frozen=True)
class Arm:
    """One variant in one minute. errors: requests without a 2xx; p50, p90: model latency in microseconds; slower:
    requests slower than a threshold known before the minute (None: not measured); captured, invalid: captured answers,
    and those of them that are no finite number.
    """

    requests: int = 0
    errors: int = 0
    p50: float | None = None
    p90: float | None = None
    slower: int | None = None
    captured: int = 0
    invalid: int = 0


@dataclass(frozen=True)
class Minute:
    """Both variants in the minute that begins at `at` (unix seconds)."""

    at: float
    baseline: Arm
    candidate: Arm


def with_captured(minutes: list[Minute], counts: Mapping[str, tuple[int, int]]) -> list[Minute]:
    """The minutes of one look, with its counts of captured and invalid answers per variant noted in the last one."""
    if not minutes or not counts:
        return minutes
    arms = {role: dict(zip(("captured", "invalid"), counts[role], strict=True)) for role in (BASELINE, CANDIDATE)}
    last = minutes[-1]
    return [
        *minutes[:-1],
        Minute(last.at, replace(last.baseline, **arms[BASELINE]), replace(last.candidate, **arms[CANDIDATE])),
    ]
