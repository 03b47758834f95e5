"""What a careful operator would write into any tool that takes fixed thresholds, and the windows tools measure over."""

import numpy as np

from bench.calibration.decisions import NEVER, Decisions
from bench.calibration.traffic import Arm

MOST_ERRORS = 0.01
MOST_P50_MS = 120.0
MOST_P99_MS = 500.0


def over(arm: Arm) -> np.ndarray:
    """Which of errors, p50 and p99 are over their threshold: [3, runs, minutes]; without a request, none is."""
    return np.stack([error_rate(arm) > MOST_ERRORS, arm.p50 > MOST_P50_MS, arm.p99 > MOST_P99_MS])


def error_rate(arm: Arm) -> np.ndarray:
    """[runs, minutes]; NaN without a request."""
    return np.divide(arm.errors, arm.requests, out=np.full(arm.errors.shape, np.nan), where=arm.requests > 0)


def windows(arm: Arm, length: int) -> Arm:
    """The same traffic in windows of `length` minutes, one after the other; a started last one is left out."""

    def joined(values: np.ndarray) -> np.ndarray:
        runs, minutes = values.shape[:2]
        whole = minutes // length
        return values[:, : whole * length].reshape(runs, whole, length, *values.shape[2:]).sum(axis=2)

    return Arm(joined(arm.requests), joined(arm.errors), joined(arm.invalid), joined(arm.latency))


def decided(rolled_back: np.ndarray, minutes: int, window: int = 1) -> Decisions:
    """From the index of the window that rolled each run back: minutes, and an advance at the end otherwise."""
    last = np.where(rolled_back == NEVER, NEVER, (rolled_back + 1) * window - 1)
    return Decisions(last, np.where(last == NEVER, minutes - 1, NEVER))
