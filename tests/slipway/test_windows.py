"""Which windows are due: each once, none left out, whenever one looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import windows
from slipway.windows import DAY, Monitor

NOW = 1_800_000_000.0
LENGTHS = st.sampled_from([minutes for minutes in range(1, DAY + 1) if DAY % minutes == 0])
MONITORS = st.builds(Monitor, st.just("fraud"), window_minutes=LENGTHS, settle_minutes=st.integers(1, 120))
TIMES = st.floats(NOW, NOW + 7 * 86400)


@pytest.mark.parametrize("minutes", [0, -60, 7, 61, 2880])
def test_a_window_divides_a_day(minutes: int) -> None:
    with pytest.raises(ValueError, match=r"window_minutes: .* does not divide a day"):
        Monitor("fraud", window_minutes=minutes)


@given(MONITORS, TIMES)
def test_the_newest_closed_window_has_settled_and_the_next_one_has_not(monitor: Monitor, now: float) -> None:
    end = monitor.newest_closed(now) + monitor.seconds
    assert end + 60 * monitor.settle_minutes <= now < end + monitor.seconds + 60 * monitor.settle_minutes
    assert monitor.start(end) == end


@given(MONITORS, TIMES, st.sets(st.integers(0, 200), max_size=40), st.data())
def test_counting_what_is_due_until_nothing_is_counts_every_window_with_traffic_once(
    monitor: Monitor, now: float, ages: set[int], data: st.DataObject
) -> None:
    newest = monitor.newest_closed(now)
    captured = {newest - age * monitor.seconds: data.draw(st.integers(1, 9)) for age in ages}
    counted: dict[float, int] = {}
    rounds = 0
    while due := windows.due(monitor, captured, counted, now, steady=False):
        assert not set(due) & counted.keys() and list(due) == sorted(due)
        assert len(due) <= windows.MOST_AT_ONCE
        counted |= {at: captured[at] for at in due}
        rounds += 1
        assert rounds < 10
    assert counted == {at: n for at, n in captured.items() if at >= monitor.start(now - windows.KEEP)}


@given(MONITORS, TIMES, st.integers(1, 40))
def test_a_steady_variants_silence_is_counted_from_its_first_traffic_on(monitor: Monitor, now: float, age: int) -> None:
    newest = monitor.newest_closed(now)
    first = max(newest - age * monitor.seconds, monitor.start(now - windows.KEEP))
    due = windows.due(monitor, {first: 1}, {}, now, steady=True)
    assert due == tuple(first + i * monitor.seconds for i in range(round((newest - first) / monitor.seconds) + 1))


@given(MONITORS, TIMES, st.integers(0, 10))
def test_late_objects_make_one_of_the_newest_windows_due_again(monitor: Monitor, now: float, age: int) -> None:
    late = monitor.newest_closed(now) - age * monitor.seconds
    due = windows.due(monitor, {late: 3}, {late: 2}, now, steady=False)
    assert due == ((late,) if age < windows.LATE_WINDOWS else ())
    assert windows.look_from(monitor, {late}, now) <= max(late, monitor.recent(now))


@given(MONITORS, TIMES)
def test_before_any_traffic_nothing_is_due(monitor: Monitor, now: float) -> None:
    assert windows.due(monitor, {}, {}, now, steady=True) == ()


@given(MONITORS, TIMES, st.integers(1, 100))
def test_where_to_look_from_leaves_out_no_hole(monitor: Monitor, now: float, hole: int) -> None:
    newest = monitor.newest_closed(now)
    begin = max(newest - 120 * monitor.seconds, monitor.start(now - windows.KEEP))
    kept = [begin + i * monitor.seconds for i in range(round((newest - begin) / monitor.seconds) + 1)]
    missing = kept[min(hole, len(kept) - 1)]
    assert windows.look_from(monitor, set(kept) - {missing}, now) <= missing


@given(MONITORS, TIMES)
def test_labels_are_due_label_hours_after_a_windows_end_and_once(monitor: Monitor, now: float) -> None:
    old = monitor.start(now - 3600 * monitor.label_hours) - monitor.seconds
    assert windows.matured(monitor, [old, old + monitor.seconds], [], now) == (old,)
    assert windows.matured(monitor, [old], [old], now) == ()


def test_of_many_windows_the_newest_are_counted_first_so_that_none_keeps_them_waiting() -> None:
    monitor, now = Monitor("fraud"), NOW + 600
    newest = monitor.newest_closed(now)
    captured = {newest - age * monitor.seconds: 1 for age in range(100)}
    due = windows.due(monitor, captured, {}, now, steady=True)
    assert (due[-1], len(due)) == (newest, windows.MOST_AT_ONCE)
