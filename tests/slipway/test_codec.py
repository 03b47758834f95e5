import dataclasses
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import codec, plan
from slipway.release import Release


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    number: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    inner: Inner
    colour: Colour
    count: int
    maybe: float | None = None
    pairs: tuple[tuple[int, bool], ...] = ()


inners = st.builds(Inner, st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text()).map(tuple))
outers = st.builds(
    Outer,
    inners,
    st.just(Colour.RED),
    st.integers(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.tuples(st.integers(), st.booleans())).map(tuple),
)


@given(outers)
def test_what_is_written_reads_back_the_same(value: Outer) -> None:
    assert codec.loads(Outer, codec.dumps(value)) == value


@pytest.mark.parametrize("name", plan.BUILTIN)
def test_every_built_in_plan_reads_back_the_same(name: str) -> None:
    assert codec.loads(plan.Plan, codec.dumps(plan.BUILTIN[name])) == plan.BUILTIN[name]


def test_a_release_reads_back_the_same(release: Release) -> None:
    assert codec.loads(Release, codec.dumps(release)) == release


GOOD = {"inner": {"number": 1.0}, "colour": "red", "count": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colr": 1}, "Outer.colr: unknown key"),
        ({"count": "2"}, "Outer.count: expected int, got '2'"),
        ({"count": True}, "Outer.count: expected int, got True"),
        ({"count": 2.5}, "Outer.count: expected int"),
        ({"colour": "blue"}, "Outer.colour: 'blue' is not one of red"),
        ({"inner": {"number": 1, "words": ["a", 3]}}, r"Outer.inner.words\[1\]: expected str"),
        ({"inner": 5}, "Outer.inner: expected an object"),
        ({"pairs": [[1]]}, r"Outer.pairs\[0\]: expected 2 items, got 1"),
        ({"maybe": "x"}, "Outer.maybe: expected float"),
    ],
)
def test_malformed_data_is_refused_with_its_path(change: dict[str, object], message: str) -> None:
    with pytest.raises(codec.Malformed, match=message):
        codec.decode(Outer, {**GOOD, **change})


def test_a_missing_key_without_default_is_named() -> None:
    with pytest.raises(codec.Malformed, match=r"Outer\.count: missing"):
        codec.decode(Outer, {key: value for key, value in GOOD.items() if key != "count"})


def test_every_field_of_a_release_is_written(release: Release) -> None:
    assert set(codec.encode(release)) == {field.name for field in dataclasses.fields(Release)}
