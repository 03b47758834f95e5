"""Latency exceedance: closest null point, type I error, tempering, power."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from slipway import codec
from slipway.stats.exceedance import BETTER, WORSE, Exceedance
from slipway.stats.means import asymptotic
from slipway.stats.rates import Cell

ALPHA, PLANNED = 0.05, 20_000


def run(cells: list[Cell], **terms: float) -> Exceedance:
    state = Exceedance.start(**terms)
    for cell in cells:
        state = state.update(cell)
    return state


def minute(rng: np.random.Generator, candidate: float, baseline: float) -> Cell:
    return Cell(int(rng.binomial(100, candidate)), 100, int(rng.binomial(900, baseline)), 900)


@pytest.mark.parametrize("part", ["harm", "safe"])
def test_a_factor_divides_by_the_closest_null_point(part: str) -> None:
    cell = Cell(66, 100, 460, 900)
    ways = [0.55 + w * 0.45 for w in WORSE] if part == "harm" else [0.55 - w * 0.5 for w in BETTER]
    gains = getattr(run([cell]), part).early
    for share, gain in zip(ways, gains, strict=True):

        def divergence(p: float, share: float = share) -> float:
            c = scipy_stats.entropy([share, 1 - share], [p + 0.05, 0.95 - p])
            return 100 * c + 900 * scipy_stats.entropy([0.5, 0.5], [p, 1 - p])

        p = optimize.minimize_scalar(divergence, bounds=(1e-6, 0.95 - 1e-6), options={"xatol": 1e-12}).x
        expected = (
            scipy_stats.binom.logpmf(66, 100, share)
            + scipy_stats.binom.logpmf(460, 900, 0.5)
            - scipy_stats.binom.logpmf(66, 100, p + 0.05)
            - scipy_stats.binom.logpmf(460, 900, p)
        )
        assert gain == pytest.approx(expected, abs=1e-5)


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 0.9), st.sampled_from(["harm", "safe"]))
def test_mean_of_a_factor_on_the_nulls_edge_is_at_most_1_whatever_the_baseline(
    n_c: int, n_b: int, p_b: float, part: str
) -> None:
    """Factors are products over requests, so four corner cells give the mean over all."""
    p_c = p_b + 0.05
    corner = {(c, b): getattr(run([Cell(c * n_c, n_c, b * n_b, n_b)]), part).early for c in (0, 1) for b in (0, 1)}
    for none, slow_b, slow_c in zip(corner[0, 0], corner[0, 1], corner[1, 0], strict=True):
        # log factor = k_c up + k_b down + constant
        up, down = (slow_c - none) / n_c, (slow_b - none) / n_b
        log_mean = none + n_c * math.log1p(p_c * math.expm1(up)) + n_b * math.log1p(p_b * math.expm1(down))
        assert log_mean <= 1e-7


def test_a_candidate_within_the_margin_is_seldom_rejected_at_any_look() -> None:
    rng = np.random.default_rng(1)
    rejected = 0
    for _ in range(60):
        state, hit = Exceedance.start(), False
        for _ in range(40):
            state = state.update(minute(rng, 0.55, 0.5))
            hit = hit or state.harm.log_e(0.5) >= math.log(1 / ALPHA)
        rejected += hit
    assert rejected <= scipy_stats.binom.ppf(0.999, 60, ALPHA)


def test_a_slow_candidate_is_found_and_an_equal_one_is_shown_to_be_non_inferior() -> None:
    rng = np.random.default_rng(2)
    slow = run([minute(rng, 0.65, 0.5) for _ in range(30)])
    equal = run([minute(rng, 0.5, 0.5) for _ in range(60)])
    assert slow.harm_test(alpha=ALPHA, planned=PLANNED).p_value < ALPHA
    assert slow.non_inferiority(alpha=ALPHA, planned=PLANNED).p_value > 0.9
    assert equal.non_inferiority(alpha=ALPHA, planned=PLANNED).p_value < ALPHA
    assert equal.harm_test(alpha=ALPHA, planned=PLANNED).p_value > 0.9


def test_shared_shocks_in_both_variants_do_not_count_as_harm() -> None:
    rng = np.random.default_rng(3)
    state = run([minute(rng, 0.95, 0.95) for _ in range(40)])
    assert state.harm_test(alpha=ALPHA, planned=PLANNED).p_value > 0.5


def test_tempering_keeps_noise_that_a_minute_shares_from_deciding() -> None:
    rng = np.random.default_rng(4)
    alarms = {None: 0, 5.0: 0}
    for _ in range(40):
        cells = [minute(rng, float(np.clip(0.5 + rng.normal(0, 0.12), 0, 1)), 0.5) for _ in range(40)]
        for effective in alarms:
            state = Exceedance.start(effective=effective)
            looks = []
            for cell in cells:
                state = state.update(cell)
                looks.append(state.harm.log_e(0.5))
            alarms[effective] += max(looks) >= math.log(1 / ALPHA)
    assert alarms[5.0] <= 4 < alarms[None]


def test_estimate_and_its_error_are_the_stratified_ones() -> None:
    cells = [Cell(60, 100, 450, 900), Cell(180, 300, 300, 700)]
    result = run(cells).harm_test(alpha=ALPHA, planned=2000)
    weights = np.array([100 * 900 / 1000, 300 * 700 / 1000])
    differences = np.array([0.6 - 0.5, 0.6 - 300 / 700])
    assert result.estimate == pytest.approx(np.average(differences, weights=weights))
    variances = np.array([0.24 / 100 + 0.25 / 900, 0.24 / 300 + (3 / 7 * 4 / 7) / 700])
    error = math.sqrt(np.sum(weights**2 * variances)) / weights.sum()
    exact = asymptotic(float(result.estimate), error, 2000, alpha=ALPHA, planned=2000)
    assert result.interval == pytest.approx(exact.interval)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 300)), max_size=6), st.integers(0, 6))
def test_stretches_join_and_survive_the_codec(counts: list[tuple[int, int]], cut: int) -> None:
    cells = [Cell(c, 50, b, 300) for c, b in counts]
    whole = run(cells, effective=10)
    joined = run(cells[:cut], effective=10) + run(cells[cut:], effective=10)
    assert joined.harm.log_e(0.5) == pytest.approx(whole.harm.log_e(0.5), abs=1e-9)
    assert joined.difference == pytest.approx(whole.difference, abs=1e-9)
    assert codec.loads(Exceedance, codec.dumps(whole)) == whole


def test_without_requests_in_both_variants_nothing_is_known() -> None:
    result = run([Cell(0, 0, 10, 20), Cell(3, 9, 0, 0)]).harm_test(alpha=ALPHA, planned=100)
    assert result.estimate is None
    assert result.interval == (-1.0, 1.0)
    assert result.limits


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Exceedance.start(share=0), "share"),
        (lambda: Exceedance.start(margin=-0.1), "margin"),
        (lambda: Exceedance.start(margin=0.5), "margin"),
        (lambda: Exceedance.start(effective=0), "effective"),
        (lambda: Exceedance.start().harm_test(alpha=0.05, planned=10, late_share=-1), "late_share"),
        (lambda: Exceedance.start() + Exceedance.start(margin=0.1), "later"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
