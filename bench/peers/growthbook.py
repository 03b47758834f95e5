"""GrowthBook's sequential testing: asymptotic confidence sequences on means, tuning parameter 5,000.

Sources: docs.growthbook.io/statistics/sequential (two-sided, alpha .05, tuning 5,000 by default);
growthbook/growthbook, packages/stats/gbstats, sequential_interval_halfwidth (equation 9 of Waudby-Smith et al. 2024,
arXiv:2103.06476; n is both variants' sample size). Two metrics: share of failing requests, mean latency. An interval
wholly on the harmful side rolls back.
"""

import numpy as np

from bench.calibration.decisions import Decisions, first
from bench.calibration.traffic import EDGES_MS, Arm, Traffic
from bench.peers.thresholds import decided

ALPHA, TUNING = 0.05, 5000
LEAST_REQUESTS = 100  # of each variant: under it, a normal approximation is not asked
BUCKET_MS = np.concatenate(([EDGES_MS[0]], EDGES_MS))


def growthbook(traffic: Traffic) -> Decisions:
    b, c = traffic.baseline, traffic.candidate
    worse = (_lower_bound(_errors(c), _errors(b)) > 0) | (_lower_bound(_latency(c), _latency(b)) > 0)
    return decided(first(worse), traffic.minutes)


def half_width(standard_error: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Of the two-sided interval at any n; n counts both variants."""
    x = n * (-2 * np.log(ALPHA) + np.log(1 - 2 * np.log(ALPHA))) / TUNING
    return standard_error * np.sqrt(2 * (x + 1) / x * np.log(np.sqrt(x + 1) / ALPHA))


Moments = tuple[np.ndarray, np.ndarray, np.ndarray]  # count, sum, sum of squares: running, [runs, minutes]


def _errors(arm: Arm) -> Moments:
    errors = arm.errors.cumsum(axis=1)
    return arm.requests.cumsum(axis=1), errors, errors


def _latency(arm: Arm) -> Moments:
    total, squares = arm.latency @ BUCKET_MS, arm.latency @ BUCKET_MS**2
    return arm.requests.cumsum(axis=1), total.cumsum(axis=1), squares.cumsum(axis=1)


def _lower_bound(candidate: Moments, baseline: Moments) -> np.ndarray:
    (mean_c, variance_c), (mean_b, variance_b) = _mean(candidate), _mean(baseline)
    n_c, n_b = candidate[0], baseline[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(variance_c / n_c + variance_b / n_b)
        bound = mean_c - mean_b - half_width(error, n_c + n_b)
    return np.where((np.minimum(n_c, n_b) >= LEAST_REQUESTS) & (error > 0), bound, -np.inf)


def _mean(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    n, total, squares = moments
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        return mean, np.maximum(squares / n - mean**2, 0) * n / (n - 1)
