"""Whether two profiles count the same: sums differ in the last digits, by the order in which they were added."""

from dataclasses import replace

import pytest

from slipway import codec
from slipway.drift.profile import Column, Labelled, Profile
from slipway.stats.means import NOTHING, Moments


def counts(profile: Profile) -> Profile:
    """The profile with its sums left out: they depend on the order of addition in the last digits."""

    def counted(column: Column) -> Column:
        return replace(column, moments=replace(NOTHING, n=column.moments.n))

    return replace(profile, columns=tuple(map(counted, profile.columns)), scores=counted(profile.scores))


def moments(profile: Profile) -> list[Moments]:
    return [column.moments for column in (*profile.columns, profile.scores)]


def assert_same(one: Profile, other: Profile) -> None:
    assert counts(one) == counts(other)
    for a, b in zip(moments(one), moments(other), strict=True):
        assert (a.total, a.squares) == pytest.approx(
            (b.total, b.squares), rel=1e-12, abs=1e-6 * max(1, a.squares) ** 0.5 * 1e-6
        )


def assert_same_labels(one: Labelled, other: Labelled) -> None:
    found, expected = _flat(codec.encode(one)), _flat(codec.encode(other))
    assert found.keys() == expected.keys()
    for path, value in found.items():
        same = expected[path] if isinstance(value, str) else pytest.approx(expected[path], rel=1e-9, abs=1e-9)
        assert value == same, path


def _flat(value: object, path: str = "") -> dict[str, object]:
    """Path -> leaf of nested dicts and lists."""
    if not isinstance(value, dict | list):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: leaf for name, inner in items for key, leaf in _flat(inner, f"{path}.{name}").items()}
