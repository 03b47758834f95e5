"""Many hypotheses: statsmodels for batches; online procedures against online-fdr 1.0.0, and by brute force."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from slipway.stats import multiple

ALPHA = 0.1
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def _p_values() -> list[float]:
    rng = random.Random(2024)
    scores = [rng.gauss(2.5 if rng.random() < 0.25 else 0.0, 1.0) for _ in range(120)]
    return [math.erfc(z / math.sqrt(2)) / 2 for z in scores]


def _indices(rejected: list[bool]) -> list[int]:
    return [i for i, hit in enumerate(rejected) if hit]


@settings(max_examples=30)
@given(probabilities)
def test_batch_procedures_agree_with_statsmodels(p_values: list[float]) -> None:
    assert multiple.holm(p_values, ALPHA) == list(multipletests(p_values, ALPHA, method="holm")[0])
    assert multiple.benjamini_hochberg(p_values, ALPHA) == list(multipletests(p_values, ALPHA, method="fdr_bh")[0])


@given(probabilities)
def test_e_benjamini_hochberg_is_benjamini_hochberg_of_the_reciprocals(p_values: list[float]) -> None:
    positive = [max(p, 1e-12) for p in p_values]
    log_e = [-math.log(p) for p in positive]
    margins = [abs(p * len(positive) / (ALPHA * k) - 1) for p in positive for k in range(1, len(positive) + 1)]
    if min(margins) > 1e-9:
        assert multiple.e_benjamini_hochberg(log_e, ALPHA) == multiple.benjamini_hochberg(positive, ALPHA)


def test_no_hypotheses_are_no_rejections() -> None:
    for procedure in (multiple.holm, multiple.benjamini_hochberg, multiple.e_benjamini_hochberg, multiple.addis):
        assert procedure([], ALPHA) == []


def test_lord_plus_plus_agrees_with_online_fdr() -> None:
    expected = [19, 26, 30, 36, 42, 43, 45, 47, 64, 67, 79, 88, 113]
    assert _indices(multiple.lord_plus_plus(_p_values(), ALPHA)) == expected


def test_saffron_agrees_with_online_fdr() -> None:
    expected = [
        19,
        20,
        23,
        26,
        27,
        30,
        34,
        36,
        38,
        42,
        43,
        45,
        47,
        53,
        58,
        63,
        64,
        67,
        68,
        69,
        79,
        83,
        88,
        93,
        104,
        113,
    ]
    assert _indices(multiple.saffron(_p_values(), ALPHA)) == expected


def test_addis_agrees_with_online_fdr() -> None:
    expected = [19, 20, 26, 27, 30, 34, 36, 38, 42, 43, 45, 46, 47, 53, 55, 58, 63, 64, 67, 79, 83, 88, 93, 96]
    expected += [101, 104, 113, 117]
    assert _indices(multiple.addis(_p_values(), ALPHA)) == expected


def test_e_lond_rewards_each_discovery() -> None:
    """Levels alpha w_t (discoveries + 1) by hand, with w_t = t^-1.6 / zeta(1.6)."""
    zeta = 2.2857656654
    levels = [ALPHA / zeta, 2 * ALPHA / zeta / 2**1.6, 2 * ALPHA / zeta / 3**1.6]
    just = [-math.log(levels[0]) + 1e-6, -math.log(levels[1]) - 1e-6, -math.log(levels[2]) + 1e-6]
    assert multiple.e_lond(just, ALPHA) == [True, False, True]


@pytest.mark.parametrize("procedure", [multiple.lord_plus_plus, multiple.saffron, multiple.addis])
def test_false_discoveries_of_uniform_nulls_stay_under_alpha(procedure: Callable[..., list[bool]]) -> None:
    rng = random.Random(3)
    false = sum(any(procedure([rng.random() for _ in range(60)], ALPHA)) for _ in range(400))
    assert false <= 0.1 * 400 + 3 * math.sqrt(400 * 0.1 * 0.9)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: multiple.holm([0.1], 0), "alpha"),
        (lambda: multiple.benjamini_hochberg([1.2], 0.1), "p_values"),
        (lambda: multiple.lord_plus_plus([math.nan], 0.1), "p_values"),
        (lambda: multiple.e_benjamini_hochberg([math.nan], 0.1), "log_e_values"),
        (lambda: multiple.e_lond([math.nan], 0.1), "log_e_values"),
        (lambda: multiple.addis([0.1], 0.1, candidate=0), "candidate"),
        (lambda: multiple.addis([0.1], 0.1, discard=0.2), "discard"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
