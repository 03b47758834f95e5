"""What starts a run, what its jobs are told, what people may do about it."""

import json
import shlex
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from slipway import codec, names
from slipway.comparison import Comparison
from slipway.frame import Frame
from slipway.retraining import guard, legs, package, request, todo
from slipway.retraining.run import Kind, Run, State, begin, move, refuse, with_outputs
from slipway.retraining.settings import Settings
from tests.lambdas.retraining import MANIFEST, comparison

NOW, DAY = 1_800_000_000.0, 86400.0
FRAME = Frame("fraud", "image:3.2-0", "role", "ml.m5.large", 1, 4, 1000, "s3://b/capture", 100, "key")


def of(**given: Any) -> Any:
    return legs.trigger(given, FRAME, NOW)


def run(**given: Any) -> Run:
    new = begin("fraud-retrain-3fa2c1", of(**given), "fraud-7-abcdef", "arn:aws:states:x", NOW)
    return with_outputs(new, champion="s3://b/models/7/model.tar.gz", artifact="s3://b/models/8/model.tar.gz")


def test_a_person_may_say_nothing_and_is_still_somebody() -> None:
    asked = of()
    assert (asked.kind, asked.by, asked.reason) == (Kind.PERSON, "somebody", "started by hand")
    assert (asked.since, asked.until) == (NOW - 31 * DAY, NOW - 3 * DAY)
    assert of(by="ana", reason="new campaign").by == "ana"


def test_a_drifts_window_and_findings_are_the_triggers() -> None:
    finding = {"detector": "concept", "cause": "concept", "subject": "age", "says": "rarer", "effect": 0.2}
    drift = {
        "endpoint": "fraud",
        "since": NOW - 2 * DAY,
        "until": NOW - DAY,
        "remedy": "RETRAIN",
        "reasons": ["a", "b"],
    }
    asked = of(drift={**drift, "findings": [finding]})
    assert (asked.kind, asked.since, asked.until, asked.reason) == (Kind.DRIFT, NOW - 2 * DAY, NOW - DAY, "a; b")
    assert asked.causes[0].subject == "age"
    assert legs.drift_since(run(drift={**drift, "findings": []})) == NOW - 2 * DAY and legs.drift_since(run()) is None


@pytest.mark.parametrize(
    ("given", "known", "says"),
    [
        ({}, ["a", "b"], "there are several; name one of a, b"),
        ({"endpoint": "c"}, ["a"], "'c' is no endpoint of ours"),
        ({"drift": {"endpoint": "c"}}, ["a"], "'c' is no endpoint of ours"),
    ],
)
def test_an_endpoint_that_is_not_clear_is_asked_for(given: dict[str, Any], known: list[str], says: str) -> None:
    with pytest.raises(request.BadRequest, match=says):
        request.endpoint(given, known)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"run_id": "r", "answer": "yes", "by": "a", "reason": "b"}, "answer: expected one of approve, reject"),
        ({"run_id": "r", "answer": "approve", "by": " ", "reason": "b"}, "by: missing"),
        ({"run_id": "r", "endpoint": "e", "answer": "approve", "by": "a", "reason": "b"}, "run_id: give either"),
        ({"id": "r", "answer": "approve", "by": "a", "reason": "b"}, "id: unknown"),
    ],
)
def test_an_answer_that_can_not_be_meant_is_refused(event: dict[str, str], says: str) -> None:
    with pytest.raises(request.BadRequest, match=says):
        request.answer(event)


def test_the_turn_is_the_same_however_often_it_is_made_and_json_can_carry_it() -> None:
    made = [legs.turn(run(), FRAME, MANIFEST, "b", "s3://assets/x.tar.gz", {}, 0) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].folder == "s3://b/retraining/fraud/fraud-retrain-3fa2c1"
    given = dict(zip(made[0].assemble[::2], made[0].assemble[1::2], strict=True))
    assert (given["--until"], given["--cut"], given["--mature"]) == ("1800000000", "1800000000", "259200")
    assert set(made[0].hyperparameters.values()) >= {"event_time", "Class", "V1", "/opt/ml/checkpoints"}
    assert "base-score" not in made[0].hyperparameters, "what the champion left to XGBoost stays so"


def test_the_assembling_job_is_told_since_when_there_is_drift() -> None:
    def told(**given: Any) -> str:
        words = legs.turn(run(**given), FRAME, MANIFEST, "b", "s", {}, 0).assemble
        return words[words.index("--drifted") + 1]

    drift = {"endpoint": "fraud", "until": NOW, "remedy": "RETRAIN", "reasons": [], "findings": []}
    assert told(drift={**drift, "since": NOW - 8 * DAY}) == f"{NOW - 8 * DAY:.0f}" and told() == "0"


def words(arguments: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


def test_bytes_choose_what_joins_and_both_ways_mean_the_same_window() -> None:
    frame = Frame(**{**vars(FRAME), "retraining": Settings(spark_megabytes=200)})
    small, large = (legs.turn(run(), frame, MANIFEST, "b", "s", {}, size) for size in (200 * 10**6 - 1, 200 * 10**6))
    assert (small.next, small.join, large.next) == ("assemble", (), "join")
    joined, told, alone = words(large.join), words(large.assemble), words(small.assemble)
    assert joined["--columns"] == str(len(MANIFEST["features"]))
    assert told["--joined"] == joined["--output"] == "/opt/ml/processing/joined"
    assert {"--capture", "--labels"} <= set(joined) & set(alone) and "--capture" not in told
    assert all(joined[key] == told[key] == alone[key] for key in ("--since", "--until", "--cut", "--mature"))
    assert told["--drifted"] == alone["--drifted"]


def test_disks_grow_with_what_jobs_are_given() -> None:
    sizes = (0, 10 * 10**9, 10**13)
    assert [legs.turn(run(), FRAME, MANIFEST, "b", "s", {}, size).volume for size in sizes] == [30, 50, 1000]


def test_spot_waits_longer_than_it_runs() -> None:
    frame = Frame(**{**vars(FRAME), "retraining": Settings(spot=True, job_minutes=10)})
    made = legs.turn(run(), frame, MANIFEST, "b", "s3://assets/x.tar.gz", {}, 0)
    assert made.train_stops == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 2400}
    assert made.leg_seconds > 2400


def test_the_longest_endpoints_jobs_have_names_that_sagemaker_takes() -> None:
    longest = names.retraining("e" * 40, "why")
    assert len(f"{longest}-train-2") <= 63 and names.retrained_endpoint(longest) == "e" * 40


def test_what_a_run_may_cost_is_what_its_settings_allow() -> None:
    assert Settings(job_minutes=60, price_an_hour=0.5).most == 3.0
    assert Settings().guard == guard.Settings(cooldown_hours=24, run_cost=1.38)
    assert Settings(label_hours=1).guard.look_hours == 0.25, "labels that come soon are looked for soon"
    assert codec.loads(Settings, codec.dumps(Settings(mlflow="arn:x"))) == Settings(mlflow="arn:x")


def test_labels_count_from_the_newest_run_and_few_of_them_are_no_trigger() -> None:
    asked = of(trigger="labels")
    assert legs.counts_from(asked, []) == asked.since and legs.counts_from(asked, [run()]) == NOW - 3 * DAY
    settings = Settings(new_labels=100)
    assert legs.too_few(asked, guard.Labels(500, 99, 50), settings)
    assert legs.too_few(asked, guard.Labels(500, 100, 50), settings) is None
    assert legs.too_few(of(), None, settings) is None


def test_the_request_of_a_package_is_one_that_sagemaker_takes() -> None:
    seen = codec.decode(Comparison, comparison(better=True))
    made = package.request(
        run(reason="a label <strange> \u2260"),
        image="i",
        artifact="s3://b/m",
        sha256="f" * 64,
        manifest=MANIFEST,
        comparison=seen,
        compared="s3://b/c",
        baseline="s3://b/baseline/",
    )
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateModelPackage")
    assert not ParamValidator().validate(made, shape.input_shape).has_errors()
    assert made["CustomerMetadataProperties"]["slipway:trigger"].isascii()
    assert len(made["ClientToken"]) <= 36


def moved(*states: State) -> Run:
    known = run()
    for state in states:
        known = move(known, state, NOW)
    return known


def test_each_state_says_what_people_can_do() -> None:
    way = (State.ASSEMBLING, State.TRAINING, State.COMPARING, State.PROFILING, State.REGISTERING, State.AWAITING)
    awaiting = moved(*way)
    (approve,) = [line for line in todo.lines(awaiting) if '"approve"' in line]
    said = json.loads(shlex.split(approve.split(" | ")[0])[1])
    assert request.answer(said).run_id == awaiting.id
    assert "redrive-execution" in todo.lines(moved(State.ASSEMBLING, State.FAILED))[1]
    assert "stop-execution" in todo.lines(moved(State.ASSEMBLING))[1]
    assert todo.lines(refuse(moved(State.ASSEMBLING), State.REFUSED, NOW, ("few",))) == ["The champion serves on."]


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ({"status": "ABORTED", "cause": "enough"}, "stopped by hand: enough"),
        ({"status": "TIMED_OUT"}, "timed out: no reason given"),
        (
            {
                "status": "FAILED",
                "error": "States.TaskFailed",
                "cause": '{"TrainingJobName": "j", "FailureReason": "x"}',
            },
            "States.TaskFailed: training job j: x",
        ),
        (
            {"status": "FAILED", "error": "E", "cause": '{"HyperParameterTuningJobName": "j", "FailureReason": "x"}'},
            "E: tuning job j: x",
        ),
        ({"status": "FAILED", "error": "E", "cause": '{"errorMessage": "gone"}'}, "E: gone"),
        ({"status": "FAILED", "error": "E", "cause": "plain"}, "E: plain"),
        ({"status": "FAILED"}, "unknown error: no cause given"),
    ],
)
def test_an_executions_end_is_told_in_the_words_of_what_failed(detail: dict[str, str], says: str) -> None:
    assert todo.why(detail) == says
