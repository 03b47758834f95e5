"""What a baseline's own windows do by themselves: the scale on which later windows are judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.drift.findings import Window
from slipway.drift.reference import Reference

LEAST_WINDOWS = 20


@dataclass(frozen=True)
class Baseline:
    """reference and what its windows showed; since: when its model began to serve, older windows don't count."""

    reference: Reference
    since: float = 0.0


def learn(reference: Reference, windows: Sequence[Window], *, since: float = 0.0) -> Baseline:
    """windows: the baseline's own, oldest first, all counted by `reference`."""
    return Baseline(reference, since)
