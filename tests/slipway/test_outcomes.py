"""Outcomes of users: exact sums, lifts that hold however often one looks, and what a plan may compare."""

import math
import random
from decimal import Decimal
from statistics import NormalDist, mean, variance
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slipway import outcomes, plan
from slipway.outcomes import UNIT, OutcomeRule, OutcomeSums, Sample

RULE = OutcomeRule("revenue", planned=20_000)
values = st.floats(-outcomes.MOST_VALUE, outcomes.MOST_VALUE)
reports = st.builds(
    outcomes.report,
    st.sampled_from(["baseline", "candidate"]),
    st.dictionaries(st.sampled_from(["revenue", "clicked"]), values),
)


def added(parts: list[OutcomeSums]) -> OutcomeSums:
    return sum(parts, OutcomeSums())


def sums(candidate: list[float], baseline: list[float]) -> OutcomeSums:
    arms = {"candidate": candidate, "baseline": baseline}
    return added([outcomes.report(role, {"revenue": value}) for role, of in arms.items() for value in of])


@settings(max_examples=50)
@given(st.lists(reports, max_size=12), st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_order_or_grouping(parts: list[OutcomeSums], rng: random.Random) -> None:
    middle = rng.randrange(len(parts) + 1)
    assert added(rng.sample(parts, len(parts))) == added(parts) == added(parts[:middle]) + added(parts[middle:])


@settings(max_examples=50)
@given(st.lists(reports, max_size=12))
def test_sums_survive_the_decimals_of_a_table_next_to_other_numbers(parts: list[OutcomeSums]) -> None:
    total = added(parts)
    stored = {name: format(Decimal(number), "f") for name, number in total.numbers().items()}
    read = outcomes.from_numbers({**stored, "candidate.lines": "7", "expires_at": "1"})
    assert read.numbers() == total.numbers()


def test_a_billion_of_the_greatest_reports_fit_into_38_digits() -> None:
    assert all(abs(number) * 10**9 < 10**38 for number in vars(Sample.of(-outcomes.MOST_VALUE)).values())


@settings(max_examples=50)
@given(st.lists(st.floats(-1000, 1000), min_size=2, max_size=40))
def test_mean_and_variance_are_those_of_the_values(seen: list[float]) -> None:
    sample = sum((Sample.of(value) for value in seen), Sample())
    assert sample.mean == pytest.approx(mean(seen), abs=1e-6)
    assert sample.variance == pytest.approx(variance(seen), rel=1e-6, abs=1e-5)


def test_a_variance_is_exact_where_the_mean_dwarfs_it() -> None:
    sample = sum((Sample.of(999_999 + value) for value in (0.25, 0.5, 0.75)), Sample())
    assert sample.variance == pytest.approx(0.0625, rel=1e-12)


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.99])
def test_the_rarer_an_event_or_its_absence_the_more_reports_are_needed(rate: float) -> None:
    n = 100_000
    hits = round(rate * n) * UNIT
    sample = Sample(n, hits, hits * UNIT, hits)
    assert sample.needed == pytest.approx(max(100, 355 * stats.bernoulli(rate).stats("s") ** 2), rel=1e-4)


def test_nothing_is_normal_of_few_reports_or_without_spread() -> None:
    assert sum([Sample.of(1.0)] * 99, Sample()).needed == sum([Sample.of(1.0)] * 500, Sample()).needed == math.inf


def test_a_lift_has_the_interval_of_its_source() -> None:
    """Waudby-Smith et al. (arXiv:2103.06476), equation 9, written out for two arms; Fieller's roots for the ratio."""
    rng = random.Random(3)
    c, b = [rng.gauss(11, 3) for _ in range(4000)], [rng.gauss(10, 3) for _ in range(5000)]
    lift = outcomes.lift(sums(c, b), RULE, alpha=0.05)
    error = math.sqrt(variance(c) / len(c) + variance(b) / len(b))
    x = len(c + b) * (-2 * math.log(0.05) + math.log(1 - 2 * math.log(0.05))) / RULE.planned
    quantile = math.sqrt(2 * (x + 1) / x * math.log(math.sqrt(x + 1) / 0.05))
    difference = mean(c) - mean(b)
    expected = (difference - quantile * error, difference, difference + quantile * error)
    assert lift.difference == pytest.approx(expected, rel=1e-5)
    assert lift.relative is not None
    for end in (lift.relative[0], lift.relative[2]):
        tested = mean(c) - (1 + end) * mean(b)
        spread = math.sqrt(variance(c) / len(c) + (1 + end) ** 2 * variance(b) / len(b))
        assert abs(tested) / spread == pytest.approx(quantile, rel=1e-4)


@settings(max_examples=60)
@given(st.lists(st.floats(0, 50), min_size=3, max_size=60), st.lists(st.floats(0, 50), min_size=3, max_size=60))
def test_the_relative_lift_and_the_difference_agree_on_the_sign(c: list[float], b: list[float]) -> None:
    lift = outcomes.lift(sums(c, b), RULE, alpha=0.2)
    if lift.relative and lift.difference:
        for ours, theirs in zip(lift.relative, lift.difference, strict=True):
            assert ours * theirs > -1e-6


@pytest.mark.parametrize(("c", "b"), [([], []), ([1.0], [1.0] * 9), ([2.0] * 9, [1.0] * 9)])
def test_of_too_few_reports_or_none_that_differ_nothing_is_known(c: list[float], b: list[float]) -> None:
    lift = outcomes.lift(sums(c, b), RULE, alpha=0.05)
    assert (lift.difference, lift.relative, lift.p_value) == (None, None, 1.0)


def test_a_lift_over_a_mean_that_may_be_0_is_not_relative() -> None:
    rng = random.Random(4)
    lift = outcomes.lift(sums(*([rng.gauss(0, 1) for _ in range(500)] for _ in "cb")), RULE, alpha=0.05)
    assert lift.relative is None and lift.difference is not None


def test_looking_all_the_time_at_two_equal_variants_seldom_finds_a_difference() -> None:
    """200 A/A tests of coins, looked at 150 times each; a fixed test at the same alpha is wrong in most of them."""
    rng, alpha = random.Random(5), 0.05
    fixed = NormalDist().inv_cdf(1 - alpha / 2)
    wrong, naively_wrong = 0, 0
    for _ in range(200):
        arms, found, naively_found = {"candidate": Sample(), "baseline": Sample()}, False, False
        for _ in range(150):
            for role in arms:
                heads = rng.getrandbits(100).bit_count() * UNIT
                arms[role] += Sample(100, heads, heads * UNIT, heads)
            seen = OutcomeSums({(role, "revenue"): sample for role, sample in arms.items()})
            lift = outcomes.lift(seen, RULE, alpha)
            found |= lift.p_value <= alpha
            error = math.sqrt(sum(sample.variance / sample.n for sample in arms.values()))
            naively_found |= abs(lift.candidate - lift.baseline) > fixed * error
        wrong, naively_wrong = wrong + found, naively_wrong + naively_found
    assert wrong <= 200 * alpha
    assert naively_wrong > 200 * 4 * alpha


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, 10**400, 1.1e6, [1]])
def test_what_is_no_number_of_a_sensible_size_is_no_value(value: object) -> None:
    assert not outcomes.is_value(value)


AB: dict[str, Any] = {"name": "ab-test"}


def test_of_a_plans_outcomes_the_first_is_primary_and_all_share_alpha_unless_it_says_otherwise() -> None:
    given = [{"name": "a"}, {"name": "b", "alpha_share": 0.4}, {"name": "c", "role": "watched", "better": "lower"}]
    rules = plan.parse(AB | {"outcomes": given}).outcomes
    assert [(rule.role, rule.better, rule.alpha_share) for rule in rules] == [
        ("primary", "higher", pytest.approx(0.3)),
        ("guardrail", "higher", 0.4),
        ("watched", "lower", pytest.approx(0.3)),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"outcomes": []}, "a step has the goal superior, so name one"),
        ({"name": "canary", "outcomes": [{"name": "a"}]}, "no step has the goal superior"),
        ({"outcomes": [{"name": "a b"}]}, "a letter, then at most 39 letters"),
        ({"outcomes": [{"name": "a"}, {"name": "a"}]}, "each once"),
        ({"outcomes": [{"name": "a"}, {"name": "b", "role": "primary"}]}, "exactly one is primary"),
        ({"outcomes": [{"name": "a", "alpha_share": 0.7}, {"name": "b", "alpha_share": 0.7}]}, "sum to 1.4"),
        ({"outcomes": [{"name": "a", "planned": 3}]}, "planned: at least 200"),
        ({"outcomes": ["a"]}, "outcomes"),
        ({"steps": [{"phase": "BAKE", "weight": 100, "goal": "superior"}]}, "superior needs users on both sides"),
    ],
)
def test_a_plan_whose_outcomes_make_no_sense_is_an_error_that_says_what_to_do(change: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plan.parse(AB | change)
