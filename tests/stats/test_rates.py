"""Rate-ratio e-process: algebra, type I error, power, confidence sequence."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import StratifiedTable

from bench.efficiency.errors import surviving
from slipway import codec
from slipway.stats.mixture import Mixture
from slipway.stats.rates import BETTER, GRID, LEAST_ERRORS, WORSE, Cell, RateRatio, log_factors, rate_ratio

ALPHA = 0.05


@st.composite
def cells(draw: Callable) -> Cell:
    n_c, n_b = draw(st.integers(0, 400)), draw(st.integers(0, 4000))
    return Cell(draw(st.integers(0, min(n_c, 30))), n_c, draw(st.integers(0, min(n_b, 60))), n_b)


def run(minutes: list[Cell], **terms: float) -> RateRatio:
    state = RateRatio.start(**terms)
    for minute in minutes:
        state = state.update(minute)
    return state


def numbers(state: RateRatio) -> list[float]:
    return [
        *state.harm.early,
        *state.harm.late,
        state.harm.unstarted,
        *state.safe.early,
        *state.likelihood,
        *state.mantel_haenszel,
        state.totals.requests,
    ]


def test_a_cells_factor_is_the_ratio_of_two_binomial_probabilities() -> None:
    cell = Cell(7, 300, 11, 5700)
    share = 300 / 6000

    def theta(ratio: float) -> float:
        return ratio * share / (ratio * share + 1 - share)

    for multiple, gain in zip(WORSE, log_factors(cell, 1.25, WORSE), strict=True):
        expected = scipy_stats.binom.logpmf(7, 18, theta(1.25 * multiple)) - scipy_stats.binom.logpmf(
            7, 18, theta(1.25)
        )
        assert gain == pytest.approx(expected)


@given(st.lists(cells(), max_size=5), st.lists(cells(), max_size=5), st.lists(cells(), max_size=5))
def test_stretches_of_time_join_associatively(a: list[Cell], b: list[Cell], c: list[Cell]) -> None:
    left, right = (run(a) + run(b)) + run(c), run(a) + (run(b) + run(c))
    assert numbers(left) == pytest.approx(numbers(right), abs=1e-6)
    assert numbers(left) == pytest.approx(numbers(run([*a, *b, *c])), abs=1e-6)


@given(st.lists(cells(), max_size=6), st.lists(cells(), max_size=6))
def test_all_but_the_late_part_joins_in_any_order(a: list[Cell], b: list[Cell]) -> None:
    one, other = run(a) + run(b), run(b) + run(a)
    ageless = replace(one, harm=replace(one.harm, late=other.harm.late))
    assert numbers(ageless) == pytest.approx(numbers(other), abs=1e-6)


@given(st.lists(cells(), min_size=1, max_size=6).flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_order_of_cells_within_a_minute_does_not_matter(pair: tuple[list[Cell], list[Cell]]) -> None:
    def minute(parts: list[Cell]) -> RateRatio:
        return run([sum(parts, Cell(0, 0, 0, 0))])

    assert minute(pair[0]) == minute(pair[1])


@given(st.lists(cells(), max_size=4))
def test_state_survives_the_codec(minutes: list[Cell]) -> None:
    state = run(minutes, clip=5.0)
    assert codec.loads(RateRatio, codec.dumps(state)) == state


@given(cells(), st.floats(1.05, 5), st.sampled_from(WORSE + BETTER))
def test_mean_of_a_factor_on_the_nulls_edge_is_at_most_1_at_any_rate(cell: Cell, ratio: float, multiple: float) -> None:
    n_c, n_b = cell.candidate_requests, cell.baseline_requests
    for p_b in (1e-4, 0.01, 0.19):
        p_c = ratio * p_b
        if n_c == 0 or n_b == 0 or p_c > 1:
            continue
        one = Cell(1, n_c, 0, n_b)
        other = Cell(0, n_c, 1, n_b)
        [up], [down] = log_factors(one, ratio, [multiple]), log_factors(other, ratio, [multiple])
        log_mean = n_c * math.log1p(p_c * math.expm1(up)) + n_b * math.log1p(p_b * math.expm1(down))
        assert log_mean <= 1e-9


def test_type_i_error_under_unlimited_peeking_is_known_exactly() -> None:
    """Dynamic programme: a look at each of 2,600 errors, share 5 %, equal rates, alpha .05."""
    by_evidence = islice(surviving(math.log(1 / ALPHA), 0.05), 2600, None)
    assert 1 - next(by_evidence) == pytest.approx(0.0315, abs=1e-4)
    with_least_errors = islice(surviving(math.log(1 / ALPHA), 0.05, least=LEAST_ERRORS), 2600, None)
    assert 1 - next(with_least_errors) == pytest.approx(0.0298, abs=1e-4)


def test_the_dynamic_programme_agrees_with_all_sequences_of_ten_errors() -> None:
    crossed = 0.0
    for sequence in product((0, 1), repeat=10):
        state = Mixture.none(len(WORSE))
        for k in sequence:
            state = state + Mixture.step(log_factors(Cell(k, 1, 1 - k, 19), 1.0, WORSE))
            if state.log_e(0) >= math.log(1 / ALPHA):
                crossed += 0.05 ** sum(sequence) * 0.95 ** (10 - sum(sequence))
                break
    assert 1 - next(islice(surviving(math.log(1 / ALPHA), 0.05), 10, None)) == pytest.approx(crossed)


@pytest.mark.parametrize("late_share", [0.0, 0.5])
def test_mean_of_the_e_value_on_the_nulls_edge_is_at_most_1_by_simulation(late_share: float) -> None:
    rng = np.random.default_rng(7)
    values = []
    for _ in range(1500):
        state = RateRatio.start(tolerance=1.25)
        for _ in range(12):
            state = state.update(_minute(rng, 0.00625, 0.005))
        values.append(math.exp(state.harm.log_e(late_share)))
    error = np.std(values) / math.sqrt(len(values))
    assert np.mean(values) <= 1 + 3 * error


def test_a_null_candidate_is_seldom_rejected_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(11)
    rejected = sum(
        rate_ratio([_minute(rng, 0.005, 0.005) for _ in range(60)], tolerance=1.0, alpha=ALPHA).p_value <= ALPHA
        for _ in range(200)
    )
    assert rejected <= scipy_stats.binom.ppf(0.999, 200, ALPHA)


def test_a_fourfold_error_rate_is_found_within_fifteen_minutes_in_nearly_all_runs() -> None:
    rng = np.random.default_rng(3)
    found = [
        rate_ratio([_minute(rng, 0.02, 0.005) for _ in range(15)], alpha=ALPHA).p_value <= ALPHA for _ in range(60)
    ]
    assert sum(found) >= 57


def test_the_start_time_mixture_finds_a_late_regression_that_the_early_part_has_not() -> None:
    rng = np.random.default_rng(5)
    good = [_minute(rng, 0.005, 0.005) for _ in range(180)]
    bad = [_minute(rng, 0.02, 0.005) for _ in range(12)]
    state = run([*good, *bad])
    assert state.harm.log_e(0) < math.log(1 / ALPHA) < state.harm.log_e(0.5)


def test_a_safe_candidate_is_shown_to_be_non_inferior_and_a_bad_one_is_not() -> None:
    rng = np.random.default_rng(9)
    safe = run([_minute(rng, 0.005, 0.005) for _ in range(40)]).non_inferiority(alpha=ALPHA)
    bad = run([_minute(rng, 0.01, 0.005) for _ in range(40)]).non_inferiority(alpha=ALPHA)
    assert safe.p_value <= ALPHA < bad.p_value


def test_clipping_keeps_one_burst_from_deciding() -> None:
    burst = Cell(40, 300, 10, 5700)
    assert rate_ratio([burst], alpha=ALPHA).p_value < 1e-6
    assert rate_ratio([burst], alpha=ALPHA, clip=5.0).p_value >= 0.2


def test_confidence_sequence_covers_the_ratio_at_all_looks() -> None:
    rng = np.random.default_rng(13)
    covered = 0
    for _ in range(150):
        state, good = RateRatio.start(), True
        for _ in range(30):
            state = state.update(_minute(rng, 0.015, 0.005))
            low, high = state.interval(ALPHA)
            good = good and low <= 3 <= high
        covered += good
    assert covered >= scipy_stats.binom.ppf(0.001, 150, 1 - ALPHA)
    assert 2 < low < 3 < high < 4.6


def test_confidence_sequence_is_the_mixtures_level_set() -> None:
    """Against a fine grid of ratios, each end lies within a few percent of the exact one, and outside it."""
    minutes = [Cell(9, 300, 20, 5700), Cell(12, 500, 22, 5500)]
    state = run(minutes)
    low, high = state.interval(ALPHA)

    def log_likelihood(u: np.ndarray) -> np.ndarray:
        total = np.zeros_like(u)
        for c in minutes:
            s = c.candidate_requests / c.requests
            total += c.candidate_errors * u - c.errors * np.log1p(np.expm1(u) * s)
        return total

    fine = np.linspace(-5, 5, 200_001)
    least = np.log(np.mean(np.exp(log_likelihood(np.array(GRID))))) + math.log(ALPHA)
    kept = fine[log_likelihood(fine) >= least]
    assert low <= math.exp(kept[0]) <= low * 1.05
    assert high / 1.05 <= math.exp(kept[-1]) <= high


def test_estimate_is_the_mantel_haenszel_ratio() -> None:
    """Of rare errors the rate ratio is the odds ratio, which statsmodels pools in the same way."""
    minutes = [Cell(9, 300_000, 20, 5_700_000), Cell(2, 500_000, 4, 500_000), Cell(1, 20_000, 9, 3_000_000)]
    tables = [
        np.array(
            [
                [c.candidate_errors, c.candidate_requests - c.candidate_errors],
                [c.baseline_errors, c.baseline_requests - c.baseline_errors],
            ]
        )
        for c in minutes
    ]
    estimate = run(minutes).harm_test(alpha=ALPHA).estimate
    assert estimate == pytest.approx(StratifiedTable(tables).oddsratio_pooled, rel=1e-3)


@given(st.lists(cells(), max_size=4), cells(), st.sampled_from([None, 5.0]))
def test_one_more_candidate_error_in_the_last_minute_never_speaks_for_the_candidate(
    before: list[Cell], last: Cell, clip: float | None
) -> None:
    if last.candidate_errors == last.candidate_requests:
        return
    worse = replace(last, candidate_errors=last.candidate_errors + 1)
    one, other = run([*before, last], clip=clip), run([*before, worse], clip=clip)
    assert other.harm.log_e(0.1) >= one.harm.log_e(0.1) - 1e-9
    assert other.safe.log_e(0) <= one.safe.log_e(0) + 1e-9


def test_minutes_with_one_variant_only_and_empty_minutes_say_nothing() -> None:
    state = run([Cell(0, 0, 30, 1000), Cell(5, 100, 0, 0), Cell(0, 0, 0, 0)])
    assert state.harm.log_e(0) == pytest.approx(0)
    assert state.safe.log_e(0) == pytest.approx(0)
    assert state.harm_test(alpha=ALPHA).estimate is None


def test_without_errors_the_result_says_what_it_can_not_say() -> None:
    state = run([Cell(0, 300, 0, 5700)])
    assert state.harm_test(alpha=ALPHA).limits
    assert state.non_inferiority(alpha=ALPHA).limits
    assert state.interval(ALPHA) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Cell(5, 4, 0, 10), "candidate_errors"),
        (lambda: Cell(0, 4, -1, 10), "baseline_errors"),
        (lambda: RateRatio.start(tolerance=0), "tolerance"),
        (lambda: RateRatio.start(margin=math.nan), "margin"),
        (lambda: RateRatio.start(clip=1.0), "clip"),
        (lambda: RateRatio.start().harm_test(alpha=0), "alpha"),
        (lambda: RateRatio.start().harm_test(alpha=0.05, late_share=2), "late_share"),
        (lambda: RateRatio.start() + RateRatio.start(clip=5), "later"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()


def test_a_random_walk_of_cells_never_overflows() -> None:
    rng = random.Random(1)
    state = run([Cell(rng.randint(0, 300), 300, rng.randint(0, 5700), 5700) for _ in range(500)])
    assert math.isfinite(state.harm.log_e(0.5))


def _minute(rng: np.random.Generator, candidate: float, baseline: float) -> Cell:
    n_c = int(rng.binomial(6000, 0.05))
    return Cell(int(rng.binomial(n_c, candidate)), n_c, int(rng.binomial(6000 - n_c, baseline)), 6000 - n_c)
