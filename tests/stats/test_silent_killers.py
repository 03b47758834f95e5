"""What breaks a valid test without a sound, each beside its remedy; simulated."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from slipway.guardrails.errors import Errors, opinion
from slipway.minutes import Arm, Minute
from slipway.plan import GUARDRAILS
from slipway.stats import multiple
from slipway.stats.bandit import PolicyValue, floored
from slipway.stats.means import Moments, asymptotic_mean
from slipway.stats.rates import Cell, rate_ratio
from slipway.verdict import Decision

ALPHA = 0.05


def most(runs: int, alpha: float = ALPHA) -> float:
    """Rejections that a test which holds alpha exceeds once in a thousand times."""
    return float(scipy_stats.binom.ppf(0.999, runs, alpha))


def rejected(cells: list[Cell]) -> bool:
    return rate_ratio(cells, tolerance=1.0, alpha=ALPHA).p_value <= ALPHA


def clustered(rng: np.random.Generator, mean: int) -> tuple[list[Cell], list[Cell]]:
    """40 minutes in which a failing request is repeated by its client, to the same variant: each error counted, and
    each client once."""
    counted, once = [], []
    for _ in range(40):
        clients = rng.binomial([300, 5700], 0.002)
        errors = [min(n, int(rng.geometric(1 / mean, size=k).sum())) for k, n in zip(clients, (300, 5700), strict=True)]
        counted.append(Cell(errors[0], 300, errors[1], 5700))
        once.append(Cell(int(clients[0]), 300, int(clients[1]), 5700))
    return counted, once


@pytest.mark.parametrize(("mean", "least"), [(2, 0.1), (4, 0.25)])
def test_retries_that_stick_to_one_variant_break_a_test_that_counts_each_error(mean: int, least: float) -> None:
    rng, runs = np.random.default_rng(17), 80
    counted, once = zip(*(clustered(rng, mean) for _ in range(runs)), strict=True)
    assert sum(map(rejected, counted)) > least * runs
    assert sum(map(rejected, once)) <= most(runs)


def test_the_judges_guardrail_which_can_not_tell_clients_apart_holds_under_such_retries() -> None:
    rng, runs, rule, called = np.random.default_rng(23), 80, GUARDRAILS[0], 0
    for _ in range(runs):
        seen = Errors.start(rule)
        for cell in clustered(rng, 4)[0]:
            baseline = Arm(cell.baseline_requests, cell.baseline_errors)
            seen = seen.fold(Minute(0.0, baseline, Arm(cell.candidate_requests, cell.candidate_errors)))
            if opinion(seen, rule, ALPHA).decision is Decision.REGRESSION:
                called += 1
                break
    assert called <= most(runs, rule.alpha_share * ALPHA)


def test_the_configured_share_in_place_of_the_realised_one_breaks_the_test() -> None:
    """6 % of the requests reach the candidate, 5 % were configured."""
    rng, runs = np.random.default_rng(19), 80
    errors = [[rng.binomial([3600, 56_400], 0.005).tolist() for _ in range(30)] for _ in range(runs)]
    configured = [[Cell(c, 3000, b, 57_000) for c, b in minutes] for minutes in errors]
    realised = [[Cell(c, 3600, b, 56_400) for c, b in minutes] for minutes in errors]
    assert sum(map(rejected, configured)) > 0.135 * runs
    assert sum(map(rejected, realised)) <= most(runs)


def bandit(rng: np.random.Generator, floor: float, rates: tuple[float, float], runs: int, rounds: int) -> np.ndarray:
    """Thompson sampling in rounds of 50 requests [runs, rounds, 5]: count; then sums and sums of squares of the inverse
    propensity values, of the second arm's rewards with a control, and of its losses without; up to each round."""
    won, sent, sums = np.zeros((runs, 2)), np.zeros((runs, 2)), np.zeros((runs, rounds, 5))
    for at in range(rounds):
        a, b = won + 1, sent - won + 1
        mean, variance = a / (a + b), a * b / (a + b) ** 2 / (a + b + 1)
        best = scipy_stats.norm.cdf((mean[:, 1] - mean[:, 0]) / np.sqrt(variance.sum(axis=1)))
        share = np.array(floored([1 - best, best], floor))[1][:, None]  # type: ignore[list-item]
        second = rng.random((runs, 50)) < share
        reward = rng.random((runs, 50)) < np.where(second, rates[1], rates[0])
        values = np.where(second, (reward - mean[:, 1:]) / share, 0.0) + mean[:, 1:]
        losses = np.where(second, (1 - reward) / share, 0.0)
        now = [np.full(runs, 50.0), values.sum(1), (values**2).sum(1), losses.sum(1), (losses**2).sum(1)]
        sums[:, at] = np.stack(now, axis=1)
        won += np.stack([(reward & ~second).sum(1), (reward & second).sum(1)], axis=1)
        sent += np.stack([(~second).sum(1), second.sum(1)], axis=1)
    return sums.cumsum(axis=1)


def missed(sums: np.ndarray, rate: float) -> int:
    """Runs in which the asymptotic confidence sequence leaves the truth, from 100 requests on."""

    def leaves(n: float, total: float, squares: float) -> bool:
        low, high = asymptotic_mean(Moments(int(n), total, squares), alpha=ALPHA, planned=3000).interval
        return not low <= rate <= high

    return sum(any(leaves(*look[:3]) for look in run[1:]) for run in sums.tolist())


def test_a_bandit_with_a_floor_of_1_percent_breaks_the_asymptotic_confidence_sequence_and_one_of_5_does_not() -> None:
    rng, runs, rates = np.random.default_rng(29), 200, (0.5, 0.3)
    assert missed(bandit(rng, 0.01, rates, runs, 60), rates[1]) > most(runs)
    assert missed(bandit(rng, 0.05, rates, runs, 60), rates[1]) <= most(runs)


def test_the_exact_bound_of_a_policys_value_holds_where_the_asymptotic_one_breaks() -> None:
    """Rare rewards at a floor of 1 %: an upper bound of the reward is a lower one of the loss."""
    rng, runs, rates = np.random.default_rng(31), 100, (0.2, 0.1)
    sums, value = bandit(rng, 0.01, rates, runs, 60), PolicyValue(heaviest=100.0)
    assert missed(sums, rates[1]) > 2 * most(runs)

    def leaves(n: float, total: float, squares: float) -> bool:
        return value.at_least(Moments(int(n), total, squares), alpha=ALPHA, guess=0.9) > 1 - rates[1]

    looks = [[leaves(look[0], *look[3:]) for look in run[1:]] for run in sums.tolist()]
    assert sum(map(any, looks)) <= most(runs)


def test_benjamini_hochberg_run_again_and_latched_over_50_metrics_breaks_its_promise() -> None:
    """10 metrics are shifted; each look adds to 50 sums, and any rejection is kept. FDR promised: 10 %."""
    rng, runs, looks, m, alpha = np.random.default_rng(37), 60, 60, 50, 0.1
    false = np.zeros((runs, 2))
    for run in range(runs):
        steps = rng.normal(np.where(np.arange(m) < 10, 0.3, 0.0), 1.0, (looks, m)).cumsum(axis=0)
        latched = np.zeros((2, m), dtype=bool)
        for t, sums in enumerate(steps, 1):
            latched[0] |= multiple.benjamini_hochberg(scipy_stats.norm.sf(sums / math.sqrt(t)).tolist(), alpha)
            # A likelihood ratio of mean .3 to mean 0 is an e-value, and m of them share alpha.
            latched[1] |= 0.3 * sums - 0.045 * t >= math.log(m / alpha)
        false[run] = latched[:, 10:].sum(axis=1) / np.maximum(latched.sum(axis=1), 1)
    again, ours = false.mean(axis=0)
    assert again > 2 * alpha
    assert ours <= alpha
