"""What arrives: no rows, late or odd labels, unreadable records, and faults of the data, told apart from drift."""

from dataclasses import replace

import pytest

from slipway.drift.calibration import learn
from slipway.drift.detect import detect
from slipway.drift.findings import Cause, Detector, Finding, Remedy, Settings, Window
from slipway.drift.profile import Count, Labelled, Profile, empty
from tests.slipway.drift.conftest import HOUR, World, alarming, in_hours


def _empty_window(world: World, requests: int | None) -> list[Window]:
    history = world.windows(None, None)
    last = history[-1].until
    return [*history, Window(last, last + HOUR, empty(world.counter.reference), requests)]


@pytest.mark.parametrize(
    ("requests", "cause", "kind"),
    [
        (5000, Cause.CAPTURE_STOPPED, Remedy.REPAIR_DATA),
        (0, Cause.NO_TRAFFIC, Remedy.NOTHING),
        (None, Cause.NO_TRAFFIC, Remedy.NOTHING),
    ],
)
def test_no_rows_are_told_apart(world: World, requests: int | None, cause: Cause, kind: Remedy) -> None:
    drift = world.judge(_empty_window(world, requests))
    assert [f.cause for f in drift.findings] == [cause] and drift.remedy is kind


def test_a_sampled_capture_that_misses_a_quiet_hour_has_not_stopped(world: World) -> None:
    history = [replace(window, requests=100_000) for window in _empty_window(world, 300)]
    history[-1] = replace(history[-1], requests=300)
    assert [f.cause for f in world.judge(history).findings] == [Cause.NO_TRAFFIC]


def test_labels_that_stop_coming_are_late_and_not_drift(world: World) -> None:
    profiles = [world.profile(labels=True) for _ in range(4)] + [world.profile() for _ in range(8)]
    history, due = in_hours(profiles), Settings(labels_due=2 * HOUR)
    assert not alarming(world.judge(history[:6], settings=due))
    (late,) = alarming(world.judge(history, settings=due))
    assert late.cause is Cause.LABELS_LATE and late.detector is Detector.LABEL


def test_a_few_rows_without_a_label_where_few_have_one_wait_for_nothing(world: World) -> None:
    def one_in_ten(profile: Profile) -> Profile:
        return replace(profile, rows=10 * profile.rows)

    profiles = [one_in_ten(world.profile(labels=True)) for _ in range(4)] + [world.profile(n=3) for _ in range(8)]
    assert not alarming(world.judge(in_hours(profiles), settings=Settings(labels_due=2 * HOUR)))


def test_labels_that_never_came_are_not_late(world: World) -> None:
    assert not alarming(world.judge(world.windows(*[None] * 8), settings=Settings(labels_due=HOUR)))


def test_labels_of_another_class_have_come_and_are_named(world: World) -> None:
    def of_another_class() -> Profile:
        return replace(world.profile(), labelled=Labelled(rejected=(Count("class", 1000),)))

    profiles = [world.profile(labels=True) for _ in range(4)] + [of_another_class() for _ in range(8)]
    drift = world.judge(in_hours(profiles), settings=Settings(labels_due=2 * HOUR))
    says = "labels not counted, of 1,000 in the newest window that has any: 1,000 class"
    assert not alarming(drift) and says in drift.limits
    never = world.judge(in_hours(profiles[4:]))
    assert says in never.limits and not any("matured" in limit for limit in never.limits)


def _rejecting(profile: Profile, n: int) -> Profile:
    return replace(profile, records=profile.records + n, rejected=(Count("json", n),) if n else ())


def test_records_that_can_not_be_read_are_a_fault_until_they_can(world: World) -> None:
    counts = [0, 0, 60, 60]
    history = in_hours([_rejecting(world.profile(), n) for n in counts])
    drift = world.judge(history)
    assert [(f.cause, f.subject) for f in alarming(drift)] == [(Cause.SCHEMA, "records")]
    assert "(json)" in drift.reasons[0]
    assert not alarming(world.judge(in_hours([*(w.profile for w in history), world.profile()])))


def _with(profile: Profile, column: int, **counts: int) -> Profile:
    """Rows of a column that have no cell instead."""
    was = profile.columns[column]
    cells = [round(n * (1 - sum(counts.values()) / profile.rows)) for n in was.cells]
    cells[0] += profile.rows - sum(cells) - sum(counts.values())
    columns = [*profile.columns]
    columns[column] = replace(was, cells=tuple(cells), moments=replace(was.moments, n=sum(cells)), **counts)
    return replace(profile, columns=tuple(columns))


def test_less_of_a_fault_is_none(world: World) -> None:
    windows = in_hours([_with(world.profile(), 0, nulls=100 + n % 5) for n in range(24)])
    baseline = learn(world.baseline.reference, windows)

    def judge(nulls: int) -> list[Finding]:
        window = in_hours([_with(world.profile(), 0, nulls=nulls)])
        return alarming(detect(baseline, window, now=window[-1].until))

    assert judge(0) == []
    assert [f.cause for f in judge(200)] == [Cause.NULLS]


def test_levels_are_renamed_only_where_many_more_are_unknown_than_usual(world: World) -> None:
    windows = in_hours([_with(world.profile(), 3, unseen=550 + n % 5) for n in range(24)])
    baseline = learn(world.baseline.reference, windows)
    window = in_hours([_with(world.profile(), 3, unseen=700)])
    assert {f.cause for f in alarming(detect(baseline, window, now=window[-1].until))} == {Cause.UNSEEN}


def test_surplus_columns_are_a_fault(world: World) -> None:
    profile = world.profile()
    found = alarming(world.judge(in_hours([replace(profile, surplus=profile.rows)])))
    assert [f.cause for f in found] == [Cause.SCHEMA] and "surplus columns" in found[0].says
