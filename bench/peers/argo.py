"""Argo Rollouts: background analysis of a canary.

Source: argoproj/argo-rollouts, docs/features/analysis.md: a measurement that misses the success condition is a failure,
and a metric with more than failureLimit failures fails the analysis, which aborts the rollout. Left out, failureLimit
is 0. The page's example measures every 5 minutes with failureLimit 3.
"""

from bench.calibration.decisions import Decisions, Rule, first
from bench.calibration.traffic import Traffic
from bench.peers.thresholds import decided, over, windows


def analysis(interval: int, failure_limit: int) -> Rule:
    """interval: minutes between measurements, each over the minutes since the last one."""

    def rule(traffic: Traffic) -> Decisions:
        failures = over(windows(traffic.candidate, interval)).cumsum(axis=-1)
        return decided(first((failures > failure_limit).any(axis=0)), traffic.minutes, interval)

    return rule
