"""When a holdout is compared, and with which requests."""

from typing import NamedTuple

import pytest

from slipway import holdouts
from slipway.holdouts import Evaluated, Span
from slipway.windows import Monitor

HOUR = 3600.0
NOW = 1000 * HOUR
MONITOR = Monitor("fraud", label_hours=72, image="image")
ROWS = Evaluated("retraining/fraud/run/dataset/holdout", "models/model.tar.gz")
WEEK = Span(NOW - 168 * HOUR, NOW)


def test_a_weeks_requests_are_compared_and_with_labelled_rows_those_whose_labels_are_due() -> None:
    assert holdouts.span(MONITOR, ROWS, NOW) == WEEK
    labelled = Evaluated(ROWS.holdout, ROWS.model, labelled=True)
    assert holdouts.span(MONITOR, labelled, NOW) == Span(NOW - 240 * HOUR, NOW - 72 * HOUR)


@pytest.mark.parametrize(
    ("begun", "expected"),
    [
        ({}, True),
        ({NOW - 167 * HOUR: "Completed"}, False),
        ({NOW - 168 * HOUR: "Completed", NOW - 400 * HOUR: "Failed"}, True),
        ({NOW - HOUR: "InProgress"}, False),
        ({NOW - 23 * HOUR: "Failed"}, False),
        ({NOW - 24 * HOUR: "Stopped"}, True),
        ({NOW - 24 * HOUR: "Failed", NOW - 100 * HOUR: "Completed"}, False),
    ],
)
def test_it_is_compared_once_a_period_and_after_a_failure_sooner(begun: dict[float, str], expected: bool) -> None:
    assert holdouts.due(MONITOR, begun, WEEK.since, WEEK, NOW) is expected


def test_it_is_not_compared_with_another_models_traffic_nor_where_nobody_asked() -> None:
    assert not holdouts.due(MONITOR, {}, WEEK.since + 1, WEEK, NOW)
    assert not holdouts.due(Monitor("fraud", holdout_hours=None, image="image"), {}, 0, WEEK, NOW)
    assert not holdouts.due(Monitor("fraud"), {}, 0, WEEK, NOW)


def test_a_time_is_covered_if_requests_came_from_its_beginning_on() -> None:
    assert WEEK.is_covered([WEEK.since + 16 * HOUR, NOW])
    assert not WEEK.is_covered([WEEK.since + 17 * HOUR, NOW])
    assert not WEEK.is_covered([])


class Object(NamedTuple):
    name: int
    size: int


def test_what_is_too_much_is_thinned_evenly() -> None:
    objects = [Object(i, 10) for i in range(100)]
    assert holdouts.thinned(objects, 1000) == objects
    assert [one.name for one in holdouts.thinned(objects, 260)] == [*range(0, 100, 4)]
    assert holdouts.thinned([], 10) == []
