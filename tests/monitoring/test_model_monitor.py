"""Model Monitor's files: written so that they read back, read in the spellings that were seen."""

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import model_monitor, stream
from monitoring.model_monitor import sketch
from slipway.drift.profile import Profile
from slipway.drift.reference import Kind
from tests.monitoring.traffic import REFERENCE, line, lines


def profile(*captured: str) -> Profile:
    return stream.profile(captured, REFERENCE)[0]


@given(lines)
def test_statistics_read_back_to_the_same_counts(captured: list[str]) -> None:
    counted = profile(*captured)
    read = model_monitor.profile(json.loads(json.dumps(model_monitor.statistics(counted, REFERENCE))), REFERENCE)
    assert read.rows == counted.rows
    for was, now in zip(counted.columns, read.columns, strict=True):
        assert now.cells == was.cells
        assert now.nulls == was.nulls + was.absent
        assert now.type_errors + now.unseen == was.type_errors + was.infinite + was.unseen
        assert (now.moments.n, now.least, now.most) == (was.moments.n, was.least, was.most)
        assert now.moments.total == pytest.approx(was.moments.total)


def test_statistics_have_model_monitors_layout() -> None:
    written = model_monitor.statistics(profile(line("1,clerk,7,"), line("2,nurse,8,"), line("-3,clerk,,x")), REFERENCE)
    assert (written["version"], written["dataset"]) == (0.0, {"item_count": 3})
    amount, job, constant, nothing = written["features"]
    numerical = amount["numerical_statistics"]
    assert (amount["name"], amount["inferred_type"]) == ("amount", "Integral")
    assert numerical["common"] == {"num_present": 3, "num_missing": 0}
    assert (numerical["mean"], numerical["sum"], numerical["min"], numerical["max"]) == (0.0, 0.0, -3.0, 2.0)
    assert numerical["std_dev"] == pytest.approx(math.sqrt(14 / 3))
    kll = numerical["distribution"]["kll"]
    assert sum(bucket["count"] for bucket in kll["buckets"]) == 3
    assert len(kll["buckets"]) == 10
    assert kll["sketch"] == {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[-3.0], [0.5]]}
    assert job["string_statistics"]["distribution"]["categorical"]["buckets"] == [{"value": "clerk", "count": 2}]
    assert constant["numerical_statistics"]["completeness"] == pytest.approx(2 / 3)
    assert nothing["inferred_type"] == "String"


def theirs(values: list[float], weights: list[list[float]], **numerical: Any) -> dict[str, Any]:
    """A `statistics.json` as Model Monitor writes it."""
    common = {"num_present": len(values), "num_missing": 5}
    buckets = [{"lower_bound": 0.0, "upper_bound": 1e9, "count": float(len(values))}]
    distribution = {"kll": {"buckets": buckets, "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": weights}}}
    moments = {
        "mean": sum(values) / len(values),
        "sum": sum(values),
        "std_dev": 1.0,
        "min": min(values),
        "max": max(values),
    }
    cities = [{"value": "Oslo", "count": len(values) - 1}, {"value": "Rome", "count": 1}]
    strings = {"common": common, "distinct_count": 2.0, "distribution": {"categorical": {"buckets": cities}}}
    return {
        "version": 0.0,
        "dataset": {"item_count": len(values) + 5},
        "features": [
            {
                "name": "x",
                "inferred_type": "Fractional",
                "numerical_statistics": {"common": common, **moments, "distribution": distribution, **numerical},
            },
            {"name": "city", "inferred_type": "String", "string_statistics": strings},
            {"name": "id", "inferred_type": "String", "string_statistics": {"common": common, "distinct_count": 9.0}},
        ],
    }


def compacted(values: list[float], k: int = 512) -> list[list[float]]:
    """A KLL sketch of the values: each full level hands every other of its sorted items to the next."""
    rng, levels = random.Random(1), [list[float]()]
    for value in values:
        levels[0].append(value)
        for level, items in enumerate(levels):
            if len(items) >= k:
                levels.extend([[]] if level + 1 == len(levels) else [])
                levels[level + 1] += sorted(items)[rng.randint(0, 1) :: 2]
                items.clear()
    return levels


def test_cells_come_from_the_sketch_and_never_from_the_buckets() -> None:
    rng = random.Random(0)
    values = [rng.gauss(0, 1) for _ in range(10_000)]
    statistics = theirs(values, compacted(values))
    reference = model_monitor.reference(statistics, "package")
    x, city, id = reference.features
    assert 90 < x.cells <= 100
    counted = model_monitor.profile(statistics, reference)
    assert sum(counted.columns[0].cells) == len(values)
    ranks = [sum(value < edge for value in values) / len(values) for edge in x.edges[9::10]]
    assert ranks == pytest.approx([share / 100 for share in range(10, 10 * len(ranks) + 1, 10)], abs=0.02)
    assert (city.kind, city.levels, counted.columns[1].cells) == (Kind.CATEGORY, ("Oslo", "Rome"), (9999, 1))
    assert (id.levels, counted.columns[2].unseen, counted.columns[2].nulls) == ((), 10_000, 5)


def test_a_feature_model_monitor_did_not_see_is_absent_and_one_too_many_is_surplus() -> None:
    statistics = theirs([1.0, 2.0], [[1.0, 2.0]])
    reference = model_monitor.reference(statistics, "package")
    del statistics["features"][0]
    statistics["features"].append({"name": "new", "inferred_type": "Unknown"})
    counted = model_monitor.profile(statistics, reference)
    assert (counted.rows, counted.columns[0].absent, counted.surplus) == (7, 7, 7)


def test_a_feature_that_became_text_is_all_type_errors() -> None:
    statistics = theirs([1.0, 2.0], [[1.0, 2.0]])
    reference = model_monitor.reference(statistics, "package")
    statistics["features"][0] = {**statistics["features"][1], "name": "x"}
    assert model_monitor.profile(statistics, reference).columns[0].type_errors == 2


@given(st.dictionaries(st.floats(-1e6, 1e6), st.integers(1, 10**9), max_size=20))
def test_a_sketch_holds_every_count_exactly(counts: dict[float, int]) -> None:
    weighted = sorted(counts.items())
    assert sketch.read(sketch.written(weighted)) == weighted


PROSE = [
    ("Value: 0.009009009009009009 does not meet the constraint requirement! ", 0.009009009009009009, None),
    ("Baseline drift distance: 0.31 exceeds threshold: 0.1", 0.31, 0.1),
    ("Numerical distance: 1.5E-1 exceeds numerical threshold: 0.1", 0.15, 0.1),
    ("Expected data type: Integral, Expected match: 100.0%. Observed: Only 99.65% of data is Integral.", 0.9965, None),
    ("There are missing columns in current dataset.", None, None),
]


@pytest.mark.parametrize(
    "key", ["violations", "constraint_violations", "constraints_violations", "constraintViolations"]
)
def test_the_numbers_of_violations_are_read_out_of_their_prose(key: str) -> None:
    found = [{"feature_name": "x", "constraint_check_type": "some_check", "description": text} for text, _, _ in PROSE]
    read = model_monitor.violations({key: found})
    assert [(one.description, one.threshold) for one in read] == [(text, threshold) for text, _, threshold in PROSE]
    assert [one.value for one in read] == pytest.approx([value for _, value, _ in PROSE])
    assert model_monitor.constraint_violations(read) == {"violations": found}


def test_a_healthy_window_violates_nothing_that_it_suggests_itself() -> None:
    healthy = profile(*[line(f"{n / 10},clerk,7,1") for n in range(100)])
    suggested = model_monitor.constraints(healthy, REFERENCE)
    assert model_monitor.check(healthy, healthy, REFERENCE, suggested) == []
    assert suggested["features"][0]["num_constraints"] == {"is_non_negative": True}
    assert suggested["features"][1]["string_constraints"] == {"domains": ["clerk", "São Paulo", "3", "it's"]}


def test_each_of_model_monitors_checks_finds_its_violation() -> None:
    healthy = profile(*[line(f"{n / 10},clerk,7,1") for n in range(400)])
    sick = profile(*[line("-5,nurse,7.5")] * 400, *[line(",clerk,7,1,9")] * 40)
    found = model_monitor.check(sick, healthy, REFERENCE, model_monitor.constraints(healthy, REFERENCE))
    assert {(one.feature_name, one.constraint_check_type) for one in found} == {
        ("Extra columns", "extra_column_check"),
        ("amount", "completeness_check"),
        ("amount", "baseline_drift_check"),
        ("job", "categorical_values_check"),
        ("job", "baseline_drift_check"),
        ("constant", "data_type_check"),
        ("constant", "baseline_drift_check"),
        ("nothing", "completeness_check"),
    }


def test_the_robust_distance_allows_for_chance() -> None:
    one, other = (profile(*[line(f"{n % 2 - shift}") for n in range(50)]).columns[0] for shift in (0, 1))
    plain = model_monitor.distance(one, other, cumulated=True, robust=False)
    assert plain == pytest.approx(0.5)
    assert model_monitor.distance(one, other, cumulated=True, robust=True) == pytest.approx(
        plain - 1.8 * math.sqrt(0.04)
    )


def test_constraints_that_leave_out_a_setting_have_its_default() -> None:
    healthy = profile(*[line(f"{n},clerk,7,1") for n in range(40)])
    suggested = model_monitor.constraints(healthy, REFERENCE)
    bare = {"features": suggested["features"], "monitoring_config": {"distribution_constraints": {}}}
    for window in (healthy, profile(*[line("x,smith,8,") for _ in range(40)])):
        assert model_monitor.check(window, healthy, REFERENCE, bare) == model_monitor.check(
            window, healthy, REFERENCE, suggested
        )


def test_levels_that_are_one_to_us_add_up() -> None:
    buckets = [{"value": "3", "count": 6}, {"value": "3.0", "count": 3}]
    text = {
        "common": {"num_present": 9, "num_missing": 0},
        "distribution": {"categorical": {"buckets": buckets}},
    }
    document = {"dataset": {"item_count": 9}, "features": [{"name": "job", "string_statistics": text}]}
    counted = model_monitor.profile(document, REFERENCE).columns[1]
    assert (sum(counted.cells), counted.unseen) == (9, 0)
