"""Points of a search space: the scaling types, and the same points for the same seed."""

import math
from statistics import median
from typing import Any

import pytest

from sandbox.sagemaker import search
from sandbox.sagemaker.errors import ServiceError


def between(least: float, most: float, scaling: str = "Linear", name: str = "x") -> dict[str, Any]:
    return {"Name": name, "MinValue": str(least), "MaxValue": str(most), "ScalingType": scaling}


def drawn(one: dict[str, Any], kind: str = "Continuous") -> list[float]:
    found = search.points({f"{kind}ParameterRanges": [one]}, 7, 4000)
    values = [float(point[one["Name"]]) for point in found]
    assert float(one["MinValue"]) <= min(values) and max(values) <= float(one["MaxValue"])
    return values


@pytest.mark.parametrize(
    ("least", "most", "scaling", "middle"),
    [
        (0, 10, "Linear", 5),
        (0.01, 1, "Logarithmic", math.sqrt(0.01)),
        (0.5, 0.999, "ReverseLogarithmic", 1 - math.sqrt(0.5 * 0.001)),
    ],
)
def test_half_of_the_values_lie_below_the_middle_of_the_scale(least, most, scaling, middle):
    values = drawn(between(least, most, scaling))
    below = sum(value < middle for value in values) / len(values)
    assert abs(below - 0.5) < 0.04


def test_whole_numbers_have_equal_chances_ends_included():
    values = drawn(between(3, 8), "Integer")
    shares = [values.count(value) / len(values) for value in range(3, 9)]
    assert max(abs(share - 1 / 6) for share in shares) < 0.03
    assert median(drawn(between(10, 1000, "Logarithmic"), "Integer")) == pytest.approx(100, rel=0.15)


def test_the_same_seed_gives_the_same_points_however_many_are_asked_for():
    ranges = {
        "IntegerParameterRanges": [between(3, 8, name="max-depth")],
        "ContinuousParameterRanges": [between(0.02, 0.3, "Logarithmic", "eta")],
        "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
    }
    assert search.points(ranges, 7, 3) == search.points(ranges, 7, 9)[:3] != search.points(ranges, 8, 3)
    assert search.points(ranges, 7, 1)[0].keys() == {"max-depth", "eta", "booster"}


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ([between(1, 1)], "must be less than"),
        ([between(0, 1, "Logarithmic")], "above 0"),
        ([between(0, 1, "ReverseLogarithmic")], "below 1"),
        ([between(0, 1), between(0, 2)], "each once"),
        ([], "at least one"),
    ],
)
def test_a_range_that_is_none_is_refused(ranges, says):
    with pytest.raises(ServiceError, match=says):
        search.check({"ContinuousParameterRanges": ranges})
