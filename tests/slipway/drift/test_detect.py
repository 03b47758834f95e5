"""Infrastructure, evaluation, what arrives, and the one verdict that joins them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import codec
from slipway.drift.calibration import learn
from slipway.drift.detect import detect
from slipway.drift.eval import evaluation
from slipway.drift.findings import (
    Anchors,
    Cause,
    Detector,
    Drift,
    Finding,
    Holdout,
    Probe,
    Remedy,
    Settings,
    TwoSample,
    Window,
)
from slipway.drift.infrastructure import infrastructure, sound
from slipway.drift.profile import Column, Profile
from slipway.drift.verdict import remedy
from tests.slipway.drift.conftest import HOUR, START, World, alarming, draw, in_hours, number, shift

FRESH = Holdout(86400.0, 2000, TwoSample(0.51, 0.3, 2000, 2000), 1900.0)
SCORES = (0.1, 0.4, 0.6, 0.9)


def _replay(*got: float | None, recorded: str = "a", found: str = "a", at: float = START, variant: str = "v") -> Probe:
    return Probe(at, variant, SCORES, got, (("image", recorded),), (("image", found),))


def _only(probe: Probe) -> list[Finding]:
    return [finding for finding in infrastructure([probe], 0.5, Settings()) if finding.alarming]


def test_scores_within_the_tolerance_are_the_same() -> None:
    assert not _only(_replay(*(score + 5e-5 for score in SCORES)))


def test_scores_beyond_it_roll_back_and_say_what_changed_and_which_decisions_flipped(world: World) -> None:
    probe = _replay(0.1, 0.55, 0.6, 0.2, found="b")
    drift = world.judge(world.windows(None), probes=[probe])
    assert drift.remedy is Remedy.ROLL_BACK and drift.blocks_retraining
    assert "2 of 4 golden rows" in drift.reasons[0] and "2 decisions flipped" in drift.reasons[0]
    assert "image a -> b" in drift.reasons[0]


def test_what_a_fault_did_to_scores_is_nobodys_drift_once_it_is_over(world: World) -> None:
    history = world.windows(None, shift(0, 3.0), shift(0, 3.0), None)
    times = [window.until for window in history]
    right, wrong = SCORES, (0.5,) * 4
    over = [_replay(*got, at=at) for got, at in zip((right, wrong, wrong, right), times, strict=True)]
    before, while_it_lasts = over[:1], over[:3]
    assert world.judge(history[:3], probes=before).remedy is Remedy.RETRAIN
    assert world.judge(history[:3], probes=while_it_lasts).remedy is Remedy.ROLL_BACK
    drift = world.judge(history, probes=over)
    assert (drift.remedy, alarming(drift)) == (Remedy.NOTHING, [])


def test_only_windows_between_right_replays_are_left_out(world: World) -> None:
    history = world.windows(None, None, None, None, None)
    right, wrong = SCORES, (0.1, None, 0.6, 0.9)
    at = {0: right, 1: right, 2: wrong, 3: right, 4: right}
    probes = [_replay(*got, at=history[i].until - 1) for i, got in at.items()]
    assert sound(history, probes[::-1], Settings()) == [history[0], history[4]]
    assert sound(history, probes[2:], Settings()) == [history[0], history[1], history[4]]
    assert sound(history, probes[:3], Settings()) == history


@pytest.mark.parametrize("got", [(0.1, None, 0.6, 0.9), (0.1, float("nan"), 0.6, 0.9)])
def test_rows_without_a_score_are_a_fault(got: tuple[float | None, ...]) -> None:
    assert [f.cause for f in _only(_replay(*got))] == [Cause.REPLAY]


def test_another_fingerprint_with_the_same_scores_is_told_and_alarms_nobody() -> None:
    found = infrastructure([_replay(*SCORES, found="b")], 0.5, Settings())
    assert [(f.cause, f.alarming) for f in found] == [(Cause.REPLAY, False), (Cause.FINGERPRINT, False)]
    assert found[1].says.endswith("golden rows score as before")


def test_another_fingerprint_without_a_replay_alarms() -> None:
    assert [f.cause for f in _only(Probe(START, "v", recorded=(("image", "a"),), found=()))] == [Cause.FINGERPRINT]


def test_only_the_newest_probe_of_a_variant_counts() -> None:
    old, new = _replay(0.9, 0.9, 0.9, 0.9), _replay(*SCORES, at=START + 60)
    assert not [f for f in infrastructure([new, old], 0.5, Settings()) if f.alarming]


@pytest.mark.parametrize(
    ("holdout", "subjects"),
    [
        (FRESH, []),
        (replace(FRESH, test=TwoSample(0.85, 1e-9, 2000, 2000)), ["holdout"]),
        (replace(FRESH, test=TwoSample(0.55, 1e-9, 50_000, 50_000)), []),
        (replace(FRESH, test=TwoSample(0.85, 1e-9, 2000, 2000), effective=200.0), ["holdout", "effective rows"]),
        (replace(FRESH, effective=200.0), []),
        (replace(FRESH, new_levels=(("job", 0.05), ("city", 0.001))), ["job"]),
        (replace(FRESH, age=200 * 86400.0), ["age"]),
    ],
)
def test_a_stale_holdout_is_known_by_its_rows_levels_and_age(holdout: Holdout, subjects: list[str]) -> None:
    assert [f.subject for f in evaluation(holdout, Settings(), 1e-4) if f.alarming] == subjects


def test_a_stale_holdout_is_refreshed(world: World) -> None:
    drift = world.judge(world.windows(None), holdout=replace(FRESH, age=1e9))
    assert drift.remedy is Remedy.REFRESH_HOLDOUT and not drift.blocks_retraining


@pytest.mark.parametrize("labels", [False, True])
def test_hours_are_not_judged_by_how_little_days_differ(world: World, labels: bool) -> None:
    """A cut into windows longer than those that are judged leaves out how hours differ."""

    def hour(at: int, moved: float = 0.0) -> Profile:
        rows = draw(300, world.rng)
        numbers = rows.numbers.copy()
        numbers[:, 0] += 0.3 * math.cos(2 * math.pi * at / 24) + moved
        since = START + at * HOUR
        given = rows.labels if labels else None
        return world.counter.profile(replace(rows, numbers=numbers, labels=given, at=(since, since + 0.99 * HOUR)))

    def judge(hours: Sequence[Profile], first: int) -> Drift:
        history = [Window(p.first or 0.0, (p.first or 0.0) + HOUR, p, p.records) for p in hours]
        assert history[0].since == START + first * HOUR
        return detect(baseline, history[-32:], now=history[-1].until)

    days = [sum((hour(24 * day + at) for at in range(1, 24)), hour(24 * day)) for day in range(24)]
    baseline = learn(world.baseline.reference, in_hours(days))
    live = [hour(24 * 24 + at) for at in range(60)]
    verdicts = [judge(live[:end], 24 * 24) for end in range(1, 61)]
    assert not any(alarming(verdict) for verdict in verdicts)
    assert any("over 32 windows together" in limit for limit in verdicts[-1].limits)
    moved = [hour(24 * 24 + 60 + at, 0.5) for at in range(32)]
    assert [f.subject for f in alarming(judge([*live, *moved], 24 * 24))] == [world.baseline.reference.features[0].name]


def test_a_baseline_without_scores_says_so_and_compares_none(world: World) -> None:
    def without(profile: Profile) -> Profile:
        return replace(profile, scores=Column((0,) * len(profile.scores.cells), absent=profile.rows))

    baseline = learn(world.baseline.reference, in_hours([without(world.profile()) for _ in range(24)]))
    drift = detect(baseline, history := world.windows(None, None), now=history[-1].until)
    assert not alarming(drift)
    assert "not in the baseline, so not compared: score" in drift.limits


@pytest.mark.parametrize("labels", [1, 2, 5])
def test_a_label_or_two_a_window_show_nothing(world: World, labels: int) -> None:
    profiles = []
    for _ in range(60):
        found = world.profile(n=labels, labels=True)
        profiles.append(replace(world.profile(n=200), labelled=found.labelled))
    history = in_hours(profiles)
    assert not any(alarming(world.judge(history[:end])) for end in range(1, len(history) + 1))


def test_an_empty_history_says_so_and_nothing_more(world: World) -> None:
    drift = world.judge([])
    assert drift.remedy is Remedy.NOTHING and not drift.findings and not drift.power


def test_remedies_have_an_order_and_the_later_ones_wait(world: World) -> None:
    broken = number(1, lambda v, _: v * 100)
    drift = world.judge(
        world.windows(None, lambda rows, rng: shift(0, 1.0)(broken(rows, rng), rng), labels=True),
        probes=[_replay(0.9, 0.9, 0.9, 0.9)],
        anchors=Anchors(200, 60),
        holdout=replace(FRESH, age=1e9),
    )
    assert drift.remedy is Remedy.ROLL_BACK and drift.blocks_retraining
    waiting = [reason.split(" ")[0] for reason in drift.reasons if " waits: " in reason]
    assert list(dict.fromkeys(waiting)) == ["REPAIR_DATA", "RELABEL", "RETRAIN", "REFRESH_HOLDOUT"]


findings_ = st.builds(
    Finding,
    st.sampled_from(Detector),
    st.sampled_from(Cause),
    st.sampled_from(["amount", "score", "other"]),
    st.sampled_from([1, 2, 32]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.none() | st.floats(0, 1),
    st.floats(0, 1),
    st.booleans(),
    st.text(max_size=5),
)


@given(st.lists(findings_, max_size=6), findings_)
def test_a_further_finding_never_makes_a_remedy_less_urgent(found: list[Finding], more: Finding) -> None:
    from slipway.drift.reference import Feature, Reference

    reference = Reference("r", "p", (Feature("amount", importance=0.5), Feature("other")), Feature("score"))
    order = list(Remedy)
    before, blocked, _ = remedy(found, reference, Settings())
    after, blocks, _ = remedy([*found, more], reference, Settings())
    assert order.index(after) <= order.index(before) and blocks >= blocked
    assert blocks == (after in (Remedy.ROLL_BACK, Remedy.REPAIR_DATA, Remedy.RELABEL))


def test_a_verdict_can_be_kept_and_read_again(world: World) -> None:
    drift = world.judge(world.windows(None, shift(0, 1.0), labels=True), probes=[_replay(*SCORES)], holdout=FRESH)
    assert codec.loads(Drift, codec.dumps(drift)) == drift


def test_the_same_inputs_give_the_same_verdict(world: World) -> None:
    history = world.windows(None, shift(0, 1.0), labels=True)
    assert world.judge(history) == world.judge(history)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Settings(false_page_every=0), "false_page_every: must be at least 1 window"),
        (lambda: Settings(scales=(2, 4)), "scales: must ascend from 1"),
        (lambda: Anchors(10, 11), "changed: must be a part of 10 rows"),
        (lambda: Anchors(10, 1, usual=0.0), "usual: must lie strictly between"),
        (lambda: Probe(0.0, "v", (0.5,), ()), "got: 0 scores for 1 golden rows"),
        (lambda: Window(5.0, 5.0, Profile("r", (), None)), "until: must lie after since"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
