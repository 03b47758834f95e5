"""Retraining's handlers: one run at a time, every end told with its reason, the champion untouched."""

from dataclasses import replace
from typing import Any

import pytest

from lambdas import follow_retraining
from lambdas.aws import baselines, executions, ledger, runs
from lambdas.aws.clients import client
from lambdas.check_data import NoDataset
from slipway import names
from slipway.retraining.request import NothingAsked
from slipway.retraining.run import IllegalMove, State
from slipway.retraining.tuning import KIND, Tuning
from tests.lambdas.retraining import DRIFT, HOUR, Retraining
from tests.lambdas.world import CONTEXT, FRAME, World


def changes(world: World) -> list[str]:
    """Calls that changed something of SageMaker."""
    made = [call.method for call in world.wire.calls if call.service == "sagemaker"]
    return [method for method in made if method.split("_")[0] not in ("describe", "list")]


def test_an_empty_input_begins_a_run_on_the_only_endpoint(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    run = retraining.run(state)
    assert (run.state, run.champion, run.trigger.kind.value) == (State.ASSEMBLING, "fraud-first", "person")
    assert state["champion"] == run.output("champion")
    assert state["hyperparameters"]["missing-allowed"] == "V1" and "base-score" not in state["hyperparameters"]
    assert state["hyperparameters"]["time-column"] == "event_time"
    assert world.told() == [f"RETRAINING: fraud run {run.id}"] and changes(world) == []


def test_with_several_endpoints_one_must_be_named(
    retraining: Retraining, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDPOINTS", "churn,fraud")
    turn = retraining.start("e")
    assert turn["next"] == "refused" and "name one of churn, fraud" in turn["reason"]
    assert world.emitted() == [names.RETRAINING_REFUSED] and len(world.told()) == 1
    assert retraining.start(world.execution("two"), {"endpoint": "fraud"})["next"] == "assemble"


def test_an_unknown_key_of_the_input_is_refused_by_its_name(retraining: Retraining) -> None:
    turn = retraining.start("e", {"endpont": "fraud"})
    assert turn["next"] == "refused" and "endpont: unknown" in turn["reason"]


def test_a_retried_admission_goes_on_with_the_run_it_made(retraining: Retraining, world: World) -> None:
    execution = world.execution("one")
    first = retraining.start(execution)
    assert retraining.start(execution) == first
    assert len(runs.history("fraud")) == 1 and len(world.told()) == 1


def test_two_triggers_make_one_run(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    turn = retraining.start(world.execution("two"), {"drift": DRIFT})
    assert turn["next"] == "duplicate" and state["run_id"] in turn["reason"]
    assert len(runs.history("fraud")) == 1


def test_drift_by_a_data_fault_is_refused_with_what_to_repair(retraining: Retraining, world: World) -> None:
    broken = {**DRIFT, "remedy": "REPAIR_DATA", "findings": [DRIFT["findings"][0] | {"cause": "units"}]}
    turn = retraining.start("e", {"drift": broken})
    assert turn["next"] == "refused" and "repair the unit" in turn["reason"]
    assert world.emitted() == [names.RETRAINING_REFUSED] and world.told() == ["NOT RETRAINING: fraud"]
    assert runs.history("fraud") == []


def test_a_run_that_nobody_drives_any_more_does_not_keep_its_endpoint(retraining: Retraining, world: World) -> None:
    lost = retraining.begun()
    client("stepfunctions").stop_execution(executionArn=lost["execution"])
    world.later(3 * 86400)
    assert retraining.begun("two")["run_id"] != lost["run_id"]
    assert retraining.run(lost).state is State.FAILED


def test_data_that_fail_a_check_end_the_run_with_its_reason(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    answer = retraining.assembled(state, passed=False)
    assert (answer["next"], answer["reason"]) == ("refused", "holdout has 12 rows, 3 positive")
    run = retraining.run(state)
    assert run.state is State.REFUSED and run.cost == FRAME.retraining.cost(HOUR)
    assert world.told()[-1].startswith("DATA REFUSED") and world.emitted() == [names.RETRAINING_ENDED]
    assert runs.under_way("fraud") is None


@pytest.mark.parametrize(("megabytes", "way", "instances"), [(2, "assemble", 1), (1, "join", 3)])
def test_a_large_window_is_joined_on_a_cluster_and_each_of_its_machines_is_paid(
    retraining: Retraining, megabytes: int, way: str, instances: int
) -> None:
    for key in ("capture/fraud/baseline/2026/03/01/05/x.jsonl", "ground-truth/fraud/2026/03/01/05/x.jsonl"):
        retraining.put(key, b"x" * 600_000)
    retraining.put("capture/fraud-eu/baseline/2026/03/01/05/x.jsonl", b"x" * 900_000)
    ledger.put_frame(replace(FRAME, retraining=replace(FRAME.retraining, spark_megabytes=megabytes)))
    execution = retraining.world.execution("one")
    state = {**retraining.start(execution), "execution": execution}
    assert state["next"] == way
    if way == "join":
        state["joined"] = {"status": "Completed", "job": f"{state['run_id']}-join-0"}
    assert retraining.assembled(state)["next"] == "train"
    assert retraining.run(state).cost == FRAME.retraining.cost(instances * HOUR)


def test_a_stopped_job_trains_nothing(retraining: Retraining) -> None:
    with pytest.raises(NoDataset, match="is Stopped"):
        retraining.assembled(retraining.begun(), status="Stopped")


def test_a_challenger_that_is_not_better_is_refused_and_the_report_kept(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    retraining.assembled(state)
    assert retraining.judged(state, better=False)["next"] == "refused"
    run = retraining.run(state)
    assert run.state is State.REFUSED and run.cost == 3 * FRAME.retraining.cost(HOUR)
    assert world.told()[-1].startswith("NOT BETTER") and changes(world) == []
    report = client("s3").get_object(Bucket="slipway-test", Key=run.output("gate"))["Body"].read().decode()
    assert report.startswith("REFUSED:") and run.reasons[0] in report


def test_a_step_repeated_answers_as_before_and_tells_nobody_again(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    assert retraining.assembled(state)["next"] == retraining.assembled(state)["next"] == "train"
    assert retraining.judged(state)["next"] == retraining.judged(state)["next"] == "register"
    assert retraining.registered(state) == retraining.registered(state)
    assert len(world.sagemaker.packages) == 1 and len(world.told()) == 1
    assert [leg.state.value for leg in retraining.run(state).legs] == [
        "ADMITTED",
        "ASSEMBLING",
        "TRAINING",
        "COMPARING",
        "PROFILING",
        "REGISTERING",
    ]


def test_a_registered_version_says_where_it_comes_from_and_waits(retraining: Retraining, world: World) -> None:
    state = retraining.to_approval()
    (package,) = world.sagemaker.packages.values()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    said = package["CustomerMetadataProperties"]
    assert said["slipway:run"] == state["run_id"] and said["slipway:champion"] == "fraud-first"
    assert said["slipway:dataset-sha256"] == "d" * 64
    assert all(0 < len(value) <= 256 for value in said.values()) and len(said) <= 50
    assert state["registered"] == {"package": package["ModelPackageArn"], "approval": "manual"}


def test_a_registered_version_has_its_baseline_where_monitoring_looks_for_it(
    retraining: Retraining, world: World
) -> None:
    state = retraining.begun()
    retraining.assembled(state)
    retraining.judged(state)
    retraining.registered(state)
    (package,) = world.sagemaker.packages.values()
    version = package["ModelPackageArn"].rpartition("/")[2]
    assert baselines.made("fraud", version) and baselines.reference("fraud", version).package == state["run_id"]
    assert baselines._key("fraud", version).rpartition("/")[0] == f"monitoring/fraud/baselines/{version}"
    folder = f"s3://slipway-test/retraining/fraud/{state['run_id']}/baseline/"
    assert package["CustomerMetadataProperties"]["slipway:baseline"] == folder
    legs = {leg.state: leg for leg in retraining.run(state).legs}
    assert legs[State.PROFILING].cost == FRAME.retraining.cost(HOUR)
    assert legs[State.PROFILING].says == "baseline ref-new"


def test_a_baseline_of_another_run_is_not_taken_for_this_ones(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    retraining.assembled(state)
    retraining.judged(state)
    with pytest.raises(baselines.NoBaseline, match="is that of fraud-retrain-000000"):
        retraining.registered(state, bound_to="fraud-retrain-000000")
    assert not baselines.made("fraud", "1") and retraining.run(state).state is State.PROFILING
    retraining.registered(state)
    assert baselines.made("fraud", "1") and len(world.sagemaker.packages) == 1


def test_a_person_is_asked_and_the_answer_lets_the_workflow_go_on(retraining: Retraining, world: World) -> None:
    state = retraining.to_approval()
    retraining.asked(state)
    (message,) = [m for m in world.wire.made("publish") if m["Subject"].startswith("APPROVE?")]
    assert f'"run_id": "{state["run_id"]}", "answer": "approve"' in message["Message"]
    retraining.answer(run_id=state["run_id"], answer="approve", by="ana", reason="read it")
    (sent,) = world.wire.made("send_task_success")
    assert sent["taskToken"] == "the-token" and '"by": "ana"' in sent["output"]


@pytest.mark.parametrize(
    ("answer", "status", "state", "end"),
    [
        ({"answer": {"answer": "approve", "by": "ana", "reason": "yes"}}, "Approved", State.APPROVED, "approved"),
        ({"answer": {"answer": "reject", "by": "ana", "reason": "no"}}, "Rejected", State.REJECTED, "rejected"),
        ({"silence": {"Error": "States.Timeout"}}, "PendingManualApproval", State.REJECTED, "rejected"),
        ({}, "Approved", State.APPROVED, "approved"),
    ],
    ids=["approved", "rejected", "unanswered", "automatic"],
)
def test_the_registry_says_what_was_decided(
    retraining: Retraining, world: World, answer: dict[str, Any], status: str, state: State, end: str
) -> None:
    known = retraining.to_approval()
    retraining.asked(known)
    assert retraining.settled({**known, **answer})["next"] == end
    assert retraining.settled({**known, **answer})["next"] == end
    (package,) = world.sagemaker.packages.values()
    assert package["ModelApprovalStatus"] == status and retraining.run(known).state is state
    assert len(world.wire.made("update_model_package")) == (status != "PendingManualApproval")
    assert world.emitted() == [names.RETRAINING_ENDED]


def registry_event(package: str, status: str = "Approved") -> dict[str, Any]:
    return {"detail": {"ModelApprovalStatus": status, "ModelPackageGroupName": "fraud", "ModelPackageArn": package}}


def test_an_approval_in_the_registry_is_an_answer_too(retraining: Retraining, world: World) -> None:
    state = retraining.to_approval()
    retraining.asked(state)
    retraining.answer(**registry_event("arn:another/1"))
    assert world.wire.made("send_task_success") == []
    retraining.answer(**registry_event(state["registered"]["package"]))
    assert '"by": "the registry"' in world.wire.made("send_task_success")[0]["output"]


def test_an_answer_that_nothing_waits_for_is_refused_but_the_registrys_is_no_question(retraining: Retraining) -> None:
    state = retraining.to_approval()
    with pytest.raises(NothingAsked):
        retraining.answer(run_id=state["run_id"], answer="approve", by="ana", reason="early")
    assert retraining.answer(**registry_event(state["registered"]["package"])) is None


def test_an_answer_too_late_says_so(retraining: Retraining, world: World) -> None:
    state = retraining.to_approval()
    retraining.asked(state)
    world.wire.refuse("send_task_success", "TaskTimedOut", "gone")
    with pytest.raises(executions.Unasked, match="its time is over"):
        retraining.answer(endpoint="fraud", answer="reject", by="ana", reason="no")


def test_a_failed_leg_says_what_failed_and_how_to_go_on(retraining: Retraining, world: World) -> None:
    state = retraining.begun()
    retraining.jobs.ended[f"{state['run_id']}-data-0"] = "Processing"
    job = '{"ProcessingJobName": "j", "FailureReason": "no rows"}'
    retraining.ended(state, error="States.TaskFailed", cause=job)
    run = retraining.run(state)
    assert (run.state, run.reasons) == (State.FAILED, ("States.TaskFailed: processing job j: no rows",))
    assert run.cost == FRAME.retraining.cost(HOUR) and changes(world) == []
    assert f"redrive-execution --execution-arn {state['execution']}" in world.wire.made("publish")[-1]["Message"]
    assert runs.under_way("fraud") is None


def test_a_redriven_execution_takes_its_run_up_again_unless_another_has_begun(
    retraining: Retraining, world: World
) -> None:
    state = retraining.begun()
    retraining.ended(state)
    assert retraining.assembled(state)["next"] == "train"
    assert retraining.run(state).state is State.TRAINING and runs.under_way("fraud") is not None
    retraining.ended(state)
    world.later(3 * 86400)
    retraining.begun("two")
    with pytest.raises(runs.StaleRun):
        retraining.judged(state)


def test_a_stopped_execution_leaves_no_job_behind_and_is_not_taken_up(retraining: Retraining) -> None:
    state = retraining.begun()
    mine, others = f"{state['run_id']}-train-0", "fraud-retrain-other-train-0"
    retraining.jobs.running = {mine: "Training", others: "Training"}
    retraining.ended(state, "ABORTED", cause="enough")
    assert retraining.jobs.stopped == [mine]
    run = retraining.run(state)
    assert run.state is State.STOPPED and run.reasons == ("stopped by hand: enough", f"{mine} was stopped with it")
    with pytest.raises(IllegalMove):
        retraining.assembled(state)


TUNED = replace(FRAME, retraining=replace(FRAME.retraining, tuning=Tuning(jobs=2, parallel=2)))


def test_a_tuned_run_records_what_it_chose_and_trains_with_it(retraining: Retraining, world: World) -> None:
    ledger.put_frame(TUNED)
    state = retraining.begun()
    assert retraining.assembled(state)["next"] == "train" and retraining.run(state).state is State.TUNING
    job = f"{names.tuning_job(state['run_id'])}-0"
    retraining.jobs.ended = {f"{job}-001-aa": "Training", f"{job}-002-bb": "Training", f"{job}0-001-cc": "Training"}
    state = retraining.tuned(state)
    assert state["hyperparameters"]["eta"] == "0.07" and state["hyperparameters"]["max-depth"] == "5"
    assert state["hyperparameters"]["target"] == "Class" and state["run_id"]
    run = retraining.run(state)
    assert (run.state, run.output("tuned"), run.output("tuning")) == (State.TRAINING, "eta=0.07 max-depth=5", job)
    leg = next(leg for leg in run.legs if leg.state is State.TUNING)
    assert leg.cost == FRAME.retraining.cost(2 * HOUR) and leg.says.startswith("2 of 2 jobs, log-loss 0.123456")
    assert retraining.tuned(state)["hyperparameters"] == state["hyperparameters"], "a repeated step"
    assert retraining.judged(state)["next"] == "register"
    retraining.registered(state)
    (package,) = world.sagemaker.packages.values()
    said = package["CustomerMetadataProperties"]
    assert (said["slipway:tuned"], said["slipway:tuning-job"]) == ("eta=0.07 max-depth=5", job)


def test_a_run_stopped_while_it_tunes_stops_the_tuning_job_alone_and_counts_what_it_cost(
    retraining: Retraining,
) -> None:
    ledger.put_frame(TUNED)
    state = retraining.begun()
    retraining.assembled(state)
    job = names.tuning_job(state["run_id"])
    retraining.jobs.running = {f"{job}-0": KIND, f"{job}-0-001-aa": "Training", "fraud-tune-000000-0": KIND}
    retraining.jobs.ended = {f"{job}-0-002-bb": "Training", f"{state['run_id']}-data-0": "Processing"}
    retraining.ended(state, "ABORTED", cause="enough")
    assert retraining.jobs.stopped == [f"{job}-0"], "and SageMaker its training jobs"
    run = retraining.run(state)
    assert run.state is State.STOPPED and run.cost == pytest.approx(FRAME.retraining.cost(3 * HOUR), abs=1e-3)


def test_news_of_a_failure_that_comes_after_the_redrive_changes_nothing(retraining: Retraining) -> None:
    state = retraining.begun()
    event = {"executionArn": state["execution"], "status": "FAILED"}
    follow_retraining.handler({"detail": event}, CONTEXT)
    assert retraining.run(state).state is State.ASSEMBLING
