"""Flagger: metric checks with a threshold of failed ones.

Sources: docs.flagger.app/usage/metrics: request-success-rate (min 99 %) and request-duration (p99, max 500 ms), each
over 1 minute; fluxcd/flagger, pkg/controller/scheduler.go: a look with a failed check adds one to FailedChecks, which
success does not reset, and FailedChecks >= threshold rolls back. Interval 1m and threshold 5 are its example's.
"""

from bench.calibration.decisions import Decisions, first
from bench.calibration.traffic import Traffic
from bench.peers.thresholds import decided, error_rate

LEAST_SUCCESS = 0.99
MOST_P99_MS = 500.0
THRESHOLD = 5


def flagger(traffic: Traffic) -> Decisions:
    failed = (error_rate(traffic.candidate) > 1 - LEAST_SUCCESS) | (traffic.candidate.p99 > MOST_P99_MS)
    return decided(first(failed.cumsum(axis=1) >= THRESHOLD), traffic.minutes)
