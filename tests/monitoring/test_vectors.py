"""A vector counts as its values do one by one, and an oddity's code as the oddity."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import vectors
from monitoring.columns import LARGEST, ColumnCounter, Oddity
from slipway.drift.profile import Column, Profile
from slipway.drift.reference import Feature, Kind
from tests.monitoring.same import assert_same

CATEGORY = Feature("job", Kind.CATEGORY, levels=("clerk", "nurse", "3"))
ODD_NUMBERS: dict[Oddity, str] = {Oddity.NULL: "", Oddity.TYPE_ERROR: "x", Oddity.INFINITE: "-inf"}
ODD_LEVELS: dict[Oddity, str] = {Oddity.NULL: "", Oddity.UNSEEN: "smith"}
numbers = st.floats(-LARGEST, LARGEST) | st.sampled_from([0.0, -0.0, 1.0, 2.0, LARGEST, -LARGEST, math.ulp(0.0)])


@given(
    st.lists(numbers | st.sampled_from(list(ODD_NUMBERS))),
    st.sets(numbers, max_size=5).map(sorted).map(tuple),
)
def test_numbers(values: list[float | Oddity], edges: tuple[float, ...]) -> None:
    feature = Feature("amount", edges=edges)
    counter = ColumnCounter(feature)
    counter.add([ODD_NUMBERS[value] if isinstance(value, Oddity) else value for value in values])
    coded = [vectors.code(feature, value) if isinstance(value, Oddity) else value for value in values]
    found = vectors.column(feature, np.array(coded, dtype=float))
    assert_same(*(Profile("r", (), column) for column in (found, counter.column())))


@given(st.lists(st.sampled_from([*CATEGORY.levels, *ODD_LEVELS])))
def test_levels(values: list[str | Oddity]) -> None:
    counter = ColumnCounter(CATEGORY)
    counter.add([ODD_LEVELS[value] if isinstance(value, Oddity) else value for value in values])
    coded = [
        vectors.code(CATEGORY, value) if isinstance(value, Oddity) else CATEGORY.levels.index(value) for value in values
    ]
    assert vectors.column(CATEGORY, np.array(coded, dtype=np.int32)) == counter.column()


def test_only_numbers_reach_a_threshold() -> None:
    feature = Feature("score", edges=(0.5,))
    odd = [vectors.code(feature, oddity) for oddity in ODD_NUMBERS]
    assert vectors.at_least(np.array([0.1, 0.5, 0.9, LARGEST, *odd]), 0.5) == 3


@pytest.mark.parametrize("feature", [CATEGORY, Feature("empty", Kind.CATEGORY), Feature("amount", edges=(1.0,))])
def test_nothing_counts_as_nothing(feature: Feature) -> None:
    kind = np.int32 if feature.kind is Kind.CATEGORY else float
    assert vectors.column(feature, np.array([], dtype=kind)) == Column((0,) * feature.cells)
