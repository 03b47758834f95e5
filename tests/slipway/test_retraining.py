from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import codec, names
from slipway.drift.findings import DATA_FAULTS
from slipway.retraining import message
from slipway.retraining.guard import (
    DAY,
    HOUR,
    MONTH,
    REPAIRS,
    Admitted,
    Labels,
    Refused,
    Settings,
    Waiting,
    admit,
)
from slipway.retraining.run import (
    MOVES,
    Cause,
    IllegalMove,
    Kind,
    Run,
    State,
    Trigger,
    begin,
    move,
    refuse,
    run_id,
    with_outputs,
)

NOW = 1_800_000_000.0
CONCEPT = Cause("concept", "concept", "age [30, 45)", "positives are 12 points rarer than scored")
DRIFT = Trigger("bank", Kind.DRIFT, NOW - 9 * DAY, NOW - 2 * DAY, NOW, "concept drift", (CONCEPT,), "RETRAIN")
PERSON = replace(DRIFT, kind=Kind.PERSON, causes=(), remedy="", by="ana", reason="new campaign")
ENOUGH = Labels(5000, 4900, 600)
SETTINGS = Settings()


def ended(state: State, at: float, cost: float = 2.0, id: str = "") -> Run:
    """A run that took an hour and ended `at`."""
    earlier = replace(DRIFT, since=at - 3 * DAY, until=at - 2 * DAY, at=at - 2 * HOUR)
    run = begin(id or run_id(earlier), earlier, "arn:champion/1", "arn:e", at - HOUR)
    run = move(run, State.ASSEMBLING, at - HOUR)
    if state is State.REFUSED:
        return refuse(run, state, at, ("log-loss is not lower",), cost)
    if state is State.APPROVED:
        for step in (State.TRAINING, State.COMPARING, State.PROFILING, State.REGISTERING):
            run = move(run, step, at - HOUR)
    return move(run, state, at, cost=cost)


def answer(trigger: Trigger = DRIFT, labels: Labels = ENOUGH, history=(), settings: Settings = SETTINGS, now=NOW):
    return admit(trigger, labels, history, settings, now)


def reasons(*given, **named) -> str:
    found = answer(*given, **named)
    assert isinstance(found, Refused)
    return "; ".join(found.reasons)


def test_a_concept_drift_with_mature_labels_begins_a_run() -> None:
    assert answer() == Admitted(run_id(DRIFT))


def test_the_same_trigger_twice_makes_one_run() -> None:
    again = replace(DRIFT, at=NOW + 60, reason="the same, said again", causes=(replace(CONCEPT, says="13 points"),))
    assert run_id(again) == run_id(DRIFT)
    run = begin(run_id(DRIFT), DRIFT, "arn:champion/1", "arn:e", NOW)
    for known in (run, refuse(move(run, State.ASSEMBLING, NOW), State.REFUSED, NOW, ("no",))):
        assert answer(again, history=[known]) == Refused(
            (f"run {run.id} ({known.state}) answers it already",), duplicate_of=run.id
        )


def test_another_trigger_while_a_run_is_in_progress_is_answered_by_it() -> None:
    running = begin("bank-retrain-000000", PERSON, "arn:champion/1", "arn:e", NOW - HOUR)
    assert answer(history=[running]).duplicate_of == running.id
    assert isinstance(answer(history=[replace(running, trigger=replace(PERSON, endpoint="fraud"))]), Admitted)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (Cause("feature", "schema", "", "3 columns instead of 13"), "3 columns instead of 13; repair what sends"),
        (Cause("feature", "units", "balance", "100 times larger"), "repair the unit or scale of balance"),
        (Cause("feature", "nulls", "age", "40 % empty"), "repair what leaves age empty"),
        (Cause("feature", "capture_stopped"), "repair Data Capture"),
        (Cause("label", "label_policy", "", "anchors moved"), "label drift: anchors moved; labels mean something else"),
        (Cause("infrastructure", "fingerprint", "baseline", "xgboost 3.4"), "roll it back first"),
    ],
)
def test_a_fault_is_not_trained_into_the_model_even_if_the_concept_moves_too(cause: Cause, says: str) -> None:
    for trigger in (replace(DRIFT, causes=(CONCEPT, cause)), replace(PERSON, causes=(cause,))):
        assert says in reasons(trigger)


def test_every_fault_of_the_data_has_its_repair() -> None:
    assert set(REPAIRS) == set(DATA_FAULTS)


@pytest.mark.parametrize("remedy", ["ROLL_BACK", "REPAIR_DATA", "RELABEL", "REFRESH_HOLDOUT", "NOTHING"])
def test_a_drift_whose_remedy_is_another_one_is_refused(remedy: str) -> None:
    assert f"the drift's remedy is {remedy}" in reasons(replace(DRIFT, remedy=remedy))


def test_after_a_run_there_is_a_cooldown_which_a_person_may_skip() -> None:
    history = [ended(State.APPROVED, NOW - 5 * HOUR)]
    assert "19.0 hours of the cooldown are left" in reasons(history=history)
    assert isinstance(answer(history=history, now=NOW + 19 * HOUR), Admitted)
    skipped = answer(PERSON, history=history)
    assert isinstance(skipped, Admitted)
    assert "cooldown" in skipped.despite[0]


@pytest.mark.parametrize(("refusals", "days"), [(1, 1), (2, 2), (3, 4), (4, 8), (6, 8)])
def test_refusals_in_a_row_double_the_cooldown(refusals: int, days: int) -> None:
    generous = Settings(runs_a_month=50)
    history = [ended(State.APPROVED, NOW - 20 * DAY)]
    history += [ended(State.REFUSED, NOW - number * HOUR) for number in range(refusals)]
    assert isinstance(answer(history=history, settings=generous, now=NOW + days * DAY - 1), Refused)
    assert isinstance(answer(history=history, settings=generous, now=NOW + days * DAY), Admitted)


def test_runs_and_cost_a_month_are_limited_for_everybody() -> None:
    history = [ended(State.APPROVED, NOW - number * DAY, id=f"r{number}") for number in range(3, 11)]
    for trigger in (DRIFT, PERSON):
        assert "8 runs in 30 days, at most 8: free again in 20.0 days" in reasons(trigger, history=history)
    assert isinstance(answer(history=history, now=NOW + MONTH), Admitted)
    dear = [ended(State.APPROVED, NOW - 3 * DAY, cost=60.0)]
    assert "US$ 60.00 spent in 30 days and about 60.00 for this run" in reasons(history=dear)
    assert isinstance(answer(history=dear, settings=Settings(cost_a_month=120)), Admitted)


def test_it_waits_for_labels_and_not_for_ever() -> None:
    few = Labels(5000, 1000, 120)
    waiting = answer(labels=few)
    assert isinstance(waiting, Waiting)
    assert waiting.until == NOW + 6 * HOUR
    assert "1000 of 5000 requests have their label (20%); 95% are needed" in waiting.reason
    assert answer(labels=few, now=NOW + 13.9 * DAY).until == NOW + 14 * DAY
    assert "14 days of waiting are over" in reasons(labels=few, now=NOW + 14 * DAY)
    assert isinstance(answer(labels=Labels(5000, 5000, 99)), Waiting)
    assert isinstance(answer(labels=Labels(0, 0, 0)), Waiting)


def test_waiting_never_hides_a_reason_to_refuse() -> None:
    assert "switched off" in reasons(labels=Labels(10, 0, 0), settings=Settings(enabled=False))


def test_every_reason_is_given_at_once() -> None:
    trigger = replace(DRIFT, causes=(Cause("feature", "units", "balance"), Cause("label", "annotator")))
    history = [ended(State.REFUSED, NOW - HOUR, cost=99.5)]
    assert len(answer(trigger, history=history).reasons) == 4


histories = st.lists(
    st.builds(
        ended,
        st.sampled_from([State.APPROVED, State.REFUSED, State.FAILED, State.STOPPED]),
        st.floats(NOW - 40 * DAY, NOW),
        st.floats(0, 40),
    ),
    max_size=12,
    unique_by=lambda run: run.id,
)


@given(histories, st.floats(0, 40 * DAY))
def test_whatever_happened_budget_and_cooldown_hold(history: list[Run], later: float) -> None:
    found = answer(history=history, now=NOW + later)
    if isinstance(found, Admitted):
        recent = [run for run in history if run.created_at > NOW + later - MONTH]
        assert len(recent) < SETTINGS.runs_a_month
        assert sum(run.cost for run in recent) <= SETTINGS.cost_a_month
        assert all(NOW + later - run.ended_at >= SETTINGS.cooldown_hours * HOUR for run in history)  # type: ignore[operator]


@given(histories)
def test_the_order_of_the_history_does_not_matter(history: list[Run]) -> None:
    assert answer(history=history) == answer(history=history[::-1])


def test_a_run_keeps_its_legs_with_times_costs_and_outcomes() -> None:
    run = begin(run_id(DRIFT), DRIFT, "arn:champion/1", "arn:e", NOW)
    run = move(run, State.ASSEMBLING, NOW + 60, job="bank-retrain-1-data")
    run = move(run, State.TRAINING, NOW + 360, says="4,900 rows", cost=0.05)
    assert move(run, State.TRAINING, NOW + 999) == run
    run = refuse(move(run, State.COMPARING, NOW + 960, cost=0.20), State.REFUSED, NOW + 1000, ("worse", "slower"), 0.01)
    assert run.cost == pytest.approx(0.26)
    assert run.ended_at == NOW + 1000
    assert [round(leg.until - leg.since) for leg in run.legs[:-1]] == [60, 300, 600, 40]  # type: ignore[operator]
    assert "4,900 rows" in message.body(run)
    assert message.subject(run) == f"NOT BETTER: bank run {run.id}"
    assert codec.loads(Run, codec.dumps(run)) == run


def test_a_move_that_the_table_lacks_is_refused_and_every_state_can_be_left_or_is_an_end() -> None:
    run = begin(run_id(DRIFT), DRIFT, "arn:champion/1", "arn:e", NOW)
    with pytest.raises(IllegalMove, match="can't become APPROVED; it can become ASSEMBLING, FAILED, STOPPED"):
        move(run, State.APPROVED, NOW)
    reached = {State.ADMITTED} | {state for moves in MOVES.values() for state in moves}
    assert reached == set(State) == set(MOVES)
    for state in set(State) - {State.APPROVED, State.REFUSED, State.REJECTED, State.STOPPED}:
        assert {State.FAILED, State.STOPPED} <= MOVES[state] or state is State.FAILED


def test_a_failed_run_may_be_taken_up_again_where_it_failed() -> None:
    run = move(begin("r", DRIFT, "c", "e", NOW), State.ASSEMBLING, NOW)
    run = move(move(run, State.TRAINING, NOW), State.FAILED, NOW + 5, says="spot capacity")
    assert run.ended
    assert not move(run, State.TRAINING, NOW + 60).ended


def test_outputs_are_kept_by_name() -> None:
    run = with_outputs(begin("r", DRIFT, "c", "e", NOW), dataset="s3://b/d", model="s3://b/m")
    assert with_outputs(run, model="s3://b/m2").output("model") == "s3://b/m2"


def test_refusals_and_waiting_are_told_and_duplicates_are_not() -> None:
    refused = answer(replace(DRIFT, remedy="RELABEL"))
    subject, body = message.answered(DRIFT, refused) or ("", "")
    assert subject == "NOT RETRAINING: bank"
    assert "RELABEL" in body
    waiting = message.answered(DRIFT, answer(labels=Labels(10, 1, 1)))
    assert waiting and waiting[0].startswith("WAITING")
    assert message.answered(DRIFT, Refused(("known",), duplicate_of="r")) is None
    assert message.answered(DRIFT, answer()) is None


def test_a_run_and_its_jobs_fit_sagemakers_names() -> None:
    id = run_id(replace(DRIFT, endpoint="e" * 40))
    assert len(f"{id}-train-2") <= 63
    assert not names.made_by_release("e" * 40, id)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"until": NOW - 10 * DAY}, "since < until <= at"), ({"kind": Kind.PERSON, "by": ""}, "who asks and why")],
)
def test_a_trigger_that_makes_no_sense_is_refused_at_the_edge(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(DRIFT, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"matured": 0}, {"look_hours": 0}, {"runs_a_month": 0}, {"cooldown_hours": -1}])
def test_settings_that_make_no_sense_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]
