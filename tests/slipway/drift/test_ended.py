"""After the remedy: what is over does not ring again, and what lasts is not taken for over."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from slipway.drift.candidate import ended, splits
from slipway.drift.deviation import Deviation, Spread
from slipway.drift.findings import Cause, Window
from slipway.drift.labelled import deviation
from slipway.drift.profile import Profile, Residual, Source
from tests.slipway.drift.conftest import World, alarming, in_hours, shift

DRIFTED, AFTER = 4, 30


def _rows(value: float, n: int, p: float = 0.001) -> Deviation:
    """Of n rare labels, the mean of which misses what is expected by `value` standard deviations."""
    return Deviation(value, 1 / n, third=p**-0.5 / n**2)


def test_a_block_is_split_into_few_newest_or_few_older_windows() -> None:
    assert splits(1) == []
    assert splits(8) == [1, 2, 4, 6, 7]


def test_what_newer_windows_show_no_more_has_ended_and_what_is_merely_less_has_not() -> None:
    whole = Deviation(0.5, 1 / 2000)
    assert ended(Deviation(1.0, 1 / 1000), Deviation(0.02, 1 / 1000), whole)
    assert not ended(Deviation(1.0, 1 / 1000), Deviation(0.5, 1 / 1000), whole)
    assert not ended(Deviation(0.3, 1 / 1000), Deviation(0.05, 1 / 20), whole)
    assert not ended(None, Deviation(0.0, 1 / 1000), whole)


def test_a_pause_of_rare_events_is_no_end_of_them() -> None:
    # 1 in 1,000 expected; 4 of 100 in the older rows, none of 100 in the newer: by chance, at 2 of 100 in both.
    four, none, both = (_rows(value, n) for value, n in ((1.2, 100), (-0.03, 100), (0.6, 200)))
    assert not ended(four, none, both)
    assert ended(_rows(1.2, 1000), _rows(-0.03, 1000), _rows(0.6, 2000))


@pytest.mark.parametrize("by", [1.0, 3.0])
def test_a_shift_that_is_over_does_not_alarm_again_as_longer_blocks_come_to_hold_it(world: World, by: float) -> None:
    history = world.windows(*[None] * 2, *[shift(0, by)] * DRIFTED, *[None] * AFTER)
    assert alarming(world.judge(history[: 2 + DRIFTED]))
    loud = [i for i in range(1, AFTER + 1) if alarming(world.judge(history[: 2 + DRIFTED + i]))]
    assert loud in ([], [1])


def _given(profile: Profile, old: Residual, new: Residual) -> Profile:
    sources = tuple(Source(name, part) for name, part in (("policy:1", old), ("policy:2", new)) if part.n)
    return replace(profile, labelled=replace(profile.labelled, sources=sources))


def _sourced(world: World, *shares: tuple[Residual, Residual]) -> list[Window]:
    return in_hours([_given(world.profile(labels=True), *share) for share in shares])


def _annotators(world: World, history: Sequence[Window]) -> set[str]:
    return {f.subject for f in alarming(world.judge(history)) if f.cause is Cause.ANNOTATOR}


def test_a_policy_that_nobody_labels_by_any_more_is_over(world: World) -> None:
    half, odd, all_, none = Residual(500, 0.0, 80.0), Residual(500, 100.0, 80.0), Residual(1000, 0.0, 160.0), Residual()
    history = _sourced(world, *[(all_, none)] * 2, *[(half, odd)] * 4, *[(all_, none)] * 12)
    assert _annotators(world, history[:6]) == {"policy:1", "policy:2"}
    assert not any(_annotators(world, history[:end]) for end in range(8, 19))


def test_sources_that_moved_alike_do_not_differ(world: World) -> None:
    """Labels are rare; all sources give 25 times as many as the scores say, which varies as 25 times as many do."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        counts = rng.poisson(5.0, size=(4, 2))
        shares = [tuple(Residual(450, k - 0.2, 0.2) for k in pair) for pair in counts]
        assert not _annotators(world, _sourced(world, *shares))


def test_one_rare_label_far_out_along_a_feature_is_no_trend() -> None:
    few = Residual(900, 3.0 * 4.0, 0.4)  # three labels that count four times
    usual = Residual(90_000, 0.0, 40.0)
    plain, heavy = (deviation([few], usual, Spread(), 48, heaviest) for heaviest in (1.0, 4.0))
    assert plain and heavy
    assert heavy.p_value > 100 * plain.p_value
    assert heavy.loudness < plain.loudness


def test_a_policy_is_compared_with_policies_and_not_with_those_who_label(world: World) -> None:
    odd, all_ = Residual(500, 100.0, 80.0), Residual(1000, 100.0, 160.0)
    history = world.windows(*[None] * 8, labels=True)
    sources = (Source("annotator:ann", odd), Source("policy:1", all_))
    history = [
        replace(w, profile=replace(w.profile, labelled=replace(w.profile.labelled, sources=sources))) for w in history
    ]
    assert not _annotators(world, history)
