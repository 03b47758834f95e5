"""Concept and labels: what moved along the features, what moved at a given score, and who labelled."""

from dataclasses import replace

import numpy as np
import pytest

from bench.drift_quality.counting import Rows
from slipway.drift.findings import Anchors, Cause, Detector, Drift, Remedy
from slipway.drift.profile import Profile, Residual, Source
from tests.slipway.drift.conftest import Change, World, alarming, in_hours, relabel


def _along_age(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    """The model does not know that age says something now."""
    odds = np.log(rows.scores / (1 - rows.scores)) + 0.5 * (rows.numbers[:, 1] - 50) / 5
    return (rng.random(len(rows)) < 1 / (1 + np.exp(-odds))).astype(float)


def _among_the_old(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    old = rows.numbers[:, 1] > 57
    return np.where(old & (rng.random(len(rows)) < 0.4), 1.0, rows.labels)


def _borderline(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    doubtful = (np.abs(rows.scores - 0.5) < 0.1) & (rng.random(len(rows)) < 0.6)
    return np.where(doubtful, 1.0, rows.labels)


CONCEPT, SEGMENT, POLICY = relabel(_along_age), relabel(_among_the_old), relabel(_borderline)


def _judge(world: World, change: Change | None, n: int = 8, **more: object) -> Drift:
    return world.judge(world.windows(*[change] * n, labels=True), **more)


def test_a_feature_that_says_something_new_is_named(world: World) -> None:
    drift = _judge(world, CONCEPT)
    assert drift.remedy is Remedy.RETRAIN and not drift.blocks_retraining
    assert drift.findings[0].cause is Cause.CONCEPT and drift.findings[0].subject.startswith("age")


def test_a_segment_is_named_by_its_bin(world: World) -> None:
    found = [f for f in alarming(_judge(world, SEGMENT)) if f.detector is Detector.CONCEPT]
    assert found[0].subject.startswith("age in [") and "more often positive" in found[0].says


def test_labels_that_moved_at_a_score_block_retraining_and_name_the_scores(world: World) -> None:
    drift = _judge(world, POLICY)
    assert drift.remedy is Remedy.RELABEL and drift.blocks_retraining
    first = drift.findings[0]
    assert first.cause is Cause.LABEL_POLICY and first.subject.startswith("score in [0.")
    assert any("label anchor rows again" in limit for limit in drift.limits)


@pytest.mark.parametrize("change", [CONCEPT, POLICY])
def test_anchors_decide_between_labels_and_concept(world: World, change: Change) -> None:
    moved = _judge(world, change, anchors=Anchors(200, 40))
    assert moved.remedy is Remedy.RELABEL and moved.blocks_retraining
    stayed = _judge(world, change, anchors=Anchors(200, 3))
    assert stayed.remedy is not Remedy.RELABEL
    assert not any("label anchor rows" in limit for limit in stayed.limits)


def test_anchors_that_stay_turn_a_policy_into_a_concept(world: World) -> None:
    assert _judge(world, POLICY, anchors=Anchors(200, 3)).remedy is Remedy.RETRAIN


def _sources(profile: Profile, bias: float) -> Profile:
    """Two annotators share the rows; one of them says yes more often."""
    labelled = profile.labelled
    whole = sum(labelled.by_score, Residual())
    half = Residual(whole.n // 2, whole.total / 2, whole.variance / 2)
    sources = (Source("ann", replace(half, total=half.total + bias * half.n)), Source("bob", half))
    return replace(profile, labelled=replace(labelled, sources=sources))


def test_an_annotator_who_differs_from_the_others_is_named(world: World) -> None:
    usual = in_hours([_sources(world.profile(labels=True), 0.0) for _ in range(8)])
    assert not alarming(world.judge(usual))
    drift = world.judge(in_hours([_sources(world.profile(labels=True), 0.15) for _ in range(8)]))
    assert drift.remedy is Remedy.RELABEL
    assert {f.subject for f in alarming(drift) if f.cause is Cause.ANNOTATOR} == {"ann", "bob"}


def _twice(profile: Profile, disagreed: int) -> Profile:
    return replace(profile, labelled=replace(profile.labelled, agreed=100 - disagreed, disagreed=disagreed))


def test_people_who_agree_less_than_they_used_to_are_noticed(world: World) -> None:
    whole = world.baseline.whole
    world.baseline = replace(world.baseline, whole=_twice(whole, 3))
    assert not alarming(world.judge(in_hours([_twice(world.profile(labels=True), 4) for _ in range(4)])))
    drift = world.judge(in_hours([_twice(world.profile(labels=True), 25) for _ in range(4)]))
    assert [f.subject for f in alarming(drift)] == ["agreement"]


def test_rare_positives_that_come_in_a_bunch_are_no_drift(world: World) -> None:
    """Two frauds where a tenth was expected is luck, whatever a normal approximation says."""

    def two(rows: Rows, rng: np.random.Generator) -> Rows:
        scores = np.full(len(rows), 1e-4)
        return replace(rows, scores=scores, labels=(np.arange(len(rows)) < 2).astype(float))

    history = world.windows(two, labels=True)
    assert not [f for f in alarming(world.judge(history)) if f.detector in (Detector.CONCEPT, Detector.LABEL)]


def test_without_labels_nothing_is_claimed_about_them(world: World) -> None:
    drift = world.judge(world.windows(None, None))
    assert any(limit.startswith("no label matured yet") for limit in drift.limits)
    assert not [f for f in drift.findings if f.detector in (Detector.CONCEPT, Detector.LABEL)]


def test_a_baseline_without_labels_alarms_of_large_changes_only_and_says_so(world: World) -> None:
    from slipway.drift.calibration import learn

    bare = [world.profile() for _ in range(20)]
    world.baseline = learn(world.counter.reference, in_hours(bare))
    assert not alarming(_judge(world, None))
    drift = _judge(world, relabel(lambda rows, _: 1 - rows.labels))
    assert alarming(drift) and any(limit.startswith("uncalibrated labels: 0") for limit in drift.limits)
