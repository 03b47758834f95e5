from dataclasses import replace

import pytest

from slipway import alarm, loop, message, names, phases
from slipway import release as rel
from slipway.phases import Phase
from slipway.release import Release


def test_advancing_walks_the_plan_and_then_settles(release: Release) -> None:
    seen = []
    while release.phase is not Phase.SETTLING:
        release = rel.advance(release, 1.0, "test")
        seen.append((release.phase, release.weight))
    canaries = [(Phase.CANARY, weight) for weight in (5, 25, 50, 100)]
    assert seen == [(Phase.SHADOW, 0), *canaries, (Phase.BAKE, 100), (Phase.SETTLING, 100)]


def test_an_ended_release_does_not_move(release: Release) -> None:
    ended = rel.rolled_back(rel.roll_back(release, 1.0, "bad"), 2.0)
    assert ended.ended and ended.reason == "bad"
    with pytest.raises(phases.IllegalMove):
        rel.advance(ended, 3.0, "no")


@pytest.mark.parametrize(
    ("act", "expected"),
    [("pause", {"paused": True}), ("resume", {"paused": False}), ("advance", {"urged": True, "paused": False})],
)
def test_operators_steer(release: Release, act: str, expected: dict[str, bool]) -> None:
    canary = rel.advance(rel.advance(release, 0, ""), 0, "")
    acted = rel.operate(replace(canary, paused=True), act, 1.0, "because")
    assert {name: getattr(acted, name) for name in expected} == expected


def test_an_abort_is_a_rollback_with_the_operators_reason(release: Release) -> None:
    aborted = rel.operate(rel.advance(release, 0, ""), "abort", 1.0, "wrong training data")
    assert aborted.phase is Phase.ROLLING_BACK and aborted.reason == "wrong training data"


def test_an_act_that_comes_too_late_is_refused(release: Release) -> None:
    with pytest.raises(phases.IllegalMove, match="nothing to pause"):
        rel.operate(rel.roll_back(release, 0, ""), "pause", 1.0, "x")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"act": "pause", "by": "ana", "reason": "x"}, "either release_id or endpoint"),
        ({"act": "pause", "by": "", "reason": "x", "endpoint": "fraud"}, "by and reason"),
        ({"act": "pause", "by": "ana", "reason": "x", "endpoint": "fraud", "id": 1}, "request.id: unknown key"),
        ({"by": "ana", "reason": "x", "endpoint": "fraud"}, "request.act: missing"),
    ],
)
def test_a_wrong_request_is_refused_by_the_name_of_its_field(data: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rel.request(data)


def test_an_unknown_act_lists_the_known_ones(release: Release) -> None:
    with pytest.raises(ValueError, match="act: 'stop' is unknown; use one of pause, resume, advance, abort"):
        rel.operate(release, "stop", 0.0, "x")


def event(name: str, state: str) -> dict[str, object]:
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": name, "state": {"value": state, "reason": "5xx-rate is in ALARM"}},
    }


def test_a_candidates_composite_alarm_asks_for_the_rollback_of_its_endpoint() -> None:
    asked = alarm.parse(event(names.alarm("card-fraud", names.CANDIDATE), "ALARM"))
    assert asked is not None and asked.endpoint == "card-fraud"
    assert "5xx-rate is in ALARM" in asked.reason


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_ends_asks_for_nothing(state: str) -> None:
    assert alarm.parse(event(names.alarm("fraud", names.CANDIDATE), state)) is None


@pytest.mark.parametrize("name", ["slipway-fraud-baseline", "somebody-elses", "slipway-fraud-candidate-5xx-rate"])
def test_another_alarm_is_not_taken_for_a_candidates(name: str) -> None:
    with pytest.raises(alarm.NotOurs, match=name):
        alarm.parse(event(name, "ALARM"))


def test_an_operators_abort_names_its_release() -> None:
    detail = {"release_id": "fraud.7.3fa2c1", "by": "ana", "reason": "stop"}
    asked = alarm.parse({"detail-type": names.ABORT_REQUESTED, "detail": detail})
    assert asked == alarm.Request("fraud", "fraud.7.3fa2c1", "ana", "stop")


def test_the_outcome_comes_first_in_every_subject(release: Release) -> None:
    shadow = rel.advance(release, 0, "approved")
    canary = rel.advance(shadow, 0, "not worse")
    back = rel.roll_back(canary, 0, "errors 9/10")
    for state, what in ((shadow, "STARTED"), (canary, "ADVANCED"), (back, "ROLLING BACK")):
        assert message.subject(state, rel.entered(state, "judge")).startswith(f"{what}: fraud")
    body = message.body(back, rel.entered(back, "judge"))
    assert body.startswith("errors 9/10")


def test_a_model_answers_alone_as_candidate_from_the_start_and_as_baseline_from_its_promotion(release: Release) -> None:
    promoted = replace(release, phase=Phase.PROMOTED, created_at=100.0, entered_at=900.0)
    assert (promoted.serves_since(names.CANDIDATE), promoted.serves_since(names.BASELINE)) == (100.0, 900.0)


def test_a_models_name_tells_its_release(release: Release) -> None:
    assert names.brought_by(release.endpoint, names.model(release.id)) == release.id
    assert names.brought_by(release.endpoint, "fraud-first") == ""


def test_a_long_release_hands_over_before_the_event_history_is_full(release: Release) -> None:
    canary = rel.advance(release, 0, "")
    state: dict[str, object] = {}
    for _ in range(loop.LOOKS - 1):
        turn = loop.turn(canary, state, "judge", 60)
        assert turn.next == "judge"
        state = vars(turn)
    assert loop.turn(canary, state, "judge", 60).next == "hand_over"
    # Task 5, Choice 2 and 2, Wait 2 events a look, and one more for a retry.
    assert loop.LOOKS * 16 < 25_000


def test_a_phase_past_judging_leads_where_it_must_whatever_was_planned(release: Release) -> None:
    back = rel.roll_back(release, 0, "x")
    assert loop.turn(back, {}, "judge", 60).next == "roll_back"
    assert loop.turn(rel.rolled_back(back, 0), {"looks": 10_000}).next == "rolled_back"
