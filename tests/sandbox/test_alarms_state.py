"""The documented tables of missing data, row by row (newest data point last, as the tables print them)."""

import pytest

from sandbox.aws.alarm_state import ALARM, INSUFFICIENT_DATA, KEEP, OK, Rule, decide

MODES = ("missing", "ignore", "breaching", "notBreaching")


def _range(row: str) -> list[bool | None]:
    return [{"X": True, "0": False, "-": None}[symbol] for symbol in reversed(row.split())]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", (OK, OK, OK, OK)),
        ("- - - - 0", (OK, OK, OK, OK)),
        ("- - - - -", (INSUFFICIENT_DATA, KEEP, ALARM, OK)),
        ("0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("- - X - -", (ALARM, KEEP, ALARM, OK)),
    ],
)
def test_three_of_three(row, expected):
    assert tuple(decide(Rule(3, 3, mode), _range(row)) for mode in MODES) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 - X - -", (ALARM, KEEP, ALARM, OK)),
        ("- - - - 0", (OK, KEEP, ALARM, OK)),
        ("- - - X -", (OK, KEEP, ALARM, OK)),
    ],
)
def test_two_of_three(row, expected):
    # "- - - X -": the one breaching point is two periods old, so it is old enough for "missing".
    verdicts = tuple(decide(Rule(3, 2, mode), _range(row)) for mode in MODES)
    assert verdicts[1:] == expected[1:]
    assert verdicts[0] == (ALARM if row == "- - - X -" else expected[0])
