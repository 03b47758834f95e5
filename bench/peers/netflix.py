"""Netflix's anytime-valid canary tests: counts of errors, and the order of two latency distributions.

Sources: Lindon & Malek 2022, "Anytime-Valid Inference for Multinomial Count Data" (arXiv:2011.03567): Dirichlet mixture
over the share of events that are the candidate's. Lindon, Sanden & Shirikian 2022, "Rapid Regression Detection in
Software Deployments through Sequential Testing" (arXiv:2205.14762): confidence bands around both empirical
distributions, valid at all times (Howard & Ramdas 2022, arXiv:1906.09712, theorem 2); a regression is a candidate band
wholly beyond the baseline's somewhere. alpha .05, half for each test.
"""

import numpy as np
from scipy.special import betaln

from bench.calibration.decisions import Decisions, first
from bench.calibration.traffic import Arm, Traffic
from bench.peers.thresholds import decided

ALPHA = 0.05
LEAST_REQUESTS = 100  # m of the bands: they begin there
PRIOR = 100  # concentration of the mixture around the planned share


def netflix(traffic: Traffic) -> Decisions:
    return decided(first(more_errors(traffic) | slower(traffic)), traffic.minutes)


def more_errors(traffic: Traffic) -> np.ndarray:
    """Whether by this minute the candidate's share of the errors is beyond its share of the traffic: [runs, minutes].

    A change of weights begins a new experiment: there the counts start again.
    """
    share = traffic.weights / 100
    k_c, k_b = _since_change(traffic.candidate.errors, share), _since_change(traffic.baseline.errors, share)
    a, b = PRIOR * share, PRIOR * (1 - share)
    log_e = betaln(a + k_c, b + k_b) - betaln(a, b) - k_c * np.log(share) - k_b * np.log1p(-share)
    return (log_e >= np.log(2 / ALPHA)) & (k_c > share * (k_c + k_b))


def slower(traffic: Traffic) -> np.ndarray:
    """Whether by this minute the candidate's latencies are beyond the baseline's at some quantile: [runs, minutes]."""
    n_b, up_to_b = _running(traffic.baseline)
    n_c, up_to_c = _running(traffic.candidate)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (up_to_b / n_b[..., None] - up_to_c / n_c[..., None]).max(axis=-1)
    return (np.minimum(n_b, n_c) >= LEAST_REQUESTS) & (gap > band(n_b) + band(n_c))


def band(n: np.ndarray) -> np.ndarray:
    """Half-width around an empirical distribution function of n values; a quarter of alpha for each variant's."""
    n = np.maximum(n, LEAST_REQUESTS)
    return 0.85 * np.sqrt((np.log(np.log(np.e * n / LEAST_REQUESTS)) + 0.8 * np.log(1612 / (ALPHA / 4))) / n)


def _since_change(counts: np.ndarray, share: np.ndarray) -> np.ndarray:
    total = counts.cumsum(axis=1)
    change = np.flatnonzero(np.diff(share)) + 1
    for minute in change:
        total[:, minute:] -= total[:, [minute - 1]]
    return total


def _running(arm: Arm) -> tuple[np.ndarray, np.ndarray]:
    return arm.requests.cumsum(axis=1), arm.up_to.cumsum(axis=1)
