"""Traffic written down minute by minute, for the rules that judge it."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bench.calibration.traffic import EDGES_MS, Arm, Traffic, World

HandMade = Callable[..., Traffic]


def _arm(requests: Sequence[int], errors: Sequence[int], latency_ms: Sequence[float]) -> Arm:
    counts = np.array([requests])
    histogram = np.zeros((1, len(requests), len(EDGES_MS) + 1), dtype=int)
    for minute, latency in enumerate(latency_ms):
        histogram[0, minute, np.searchsorted(EDGES_MS, latency)] = requests[minute]
    return Arm(counts, np.array([errors]), np.zeros_like(counts), histogram)


@pytest.fixture
def hand_made() -> HandMade:
    """One run: 300 candidate requests a minute with the given errors and latencies; a baseline of 5,700 with .5 %."""

    def make(
        errors: Sequence[int], latency_ms: Sequence[float] | None = None, requests: Sequence[int] | None = None
    ) -> Traffic:
        minutes = len(errors)
        world = World.calm(100.0, 1, minutes)
        candidate = _arm(requests or [300] * minutes, errors, latency_ms or [100.0] * minutes)
        return Traffic(_arm([5700] * minutes, [28] * minutes, [100.0] * minutes), candidate, world.weights, 0, world)

    return make
