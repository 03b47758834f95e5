"""Retraining's state machine and what starts, feeds and follows it."""

import json
import re
from typing import Any

import pytest

from infra.retraining import DEFINITION
from slipway import codec, names
from slipway.retraining.settings import Settings
from slipway.retraining.tuning import OBJECTIVE, Tuning
from tests.infra.synthesis import MLFLOW, Template, of_type, one, text
from tests.infra.test_permissions import role_of

MACHINE = "AWS::StepFunctions::StateMachine"
STATES: dict[str, Any] = json.loads(DEFINITION.read_text())["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


@pytest.fixture
def machine(templates: dict[str, Template]) -> dict[str, Any]:
    return one(templates["delivery"], MACHINE, StateMachineName=names.RETRAINING)


def test_every_hole_of_the_definition_is_filled_and_nothing_else_is_given(machine: dict[str, Any]) -> None:
    assert machine["DefinitionString"] == DEFINITION.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"])) == set(machine["DefinitionSubstitutions"])


@pytest.mark.parametrize("name", TASKS)
def test_a_task_ends_in_time_and_tries_again_what_deserves_it(name: str) -> None:
    task = TASKS[name]
    assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task
    tried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
    assert "States.ALL" not in tried and "States.TaskFailed" not in tried, "a job that failed fails again"


def test_every_state_is_reached_and_leads_to_one_that_exists() -> None:
    reached = {"AdmitRetraining"}
    for state in STATES.values():
        branches = [state, *state.get("Choices", ()), *state.get("Catch", ())]
        reached |= {branch[key] for branch in branches for key in ("Next", "Default") if key in branch}
    assert reached == set(STATES)


def test_a_failed_leg_is_caught_by_no_state_so_that_a_redrive_goes_on_there() -> None:
    caught = {name: [c["ErrorEquals"] for c in task["Catch"]] for name, task in TASKS.items() if "Catch" in task}
    assert caught == {"AskForApproval": [["States.Timeout"]]}


def test_jobs_have_a_name_a_redrive_makes_new_the_key_and_their_owners_tags() -> None:
    jobs = {name: task["Parameters"] for name, task in TASKS.items() if "sagemaker" in task["Resource"]}
    assert len(jobs) == 7
    for parameters in jobs.values():
        (name,) = (value for key, value in parameters.items() if key.endswith("JobName.$"))
        assert name.endswith("$$.Execution.RedriveCount)")
        assert [tag["Key"] for tag in parameters["Tags"]] == [names.ENDPOINT_TAG, names.RUN_TAG]
        assert json.dumps(parameters).count("${Key}") == 2, "volume and output"


def test_tuning_sees_no_holdout_and_differs_from_training_in_nothing_but_what_it_varies() -> None:
    tuned, trained = (TASKS[name]["Parameters"] for name in ("TuneChallenger", "TrainChallenger"))
    definition = tuned["TrainingJobDefinition"]
    assert "holdout" not in json.dumps(definition) and definition["InputDataConfig"] == trained["InputDataConfig"]
    assert {name for name in definition if definition[name] != trained.get(name)} == {
        "AlgorithmSpecification",  # which lists more metrics where nothing is tuned
        "StaticHyperParameters.$",
        "OutputDataConfig",
        "CheckpointConfig",
    }
    metrics = trained["AlgorithmSpecification"]["MetricDefinitions"]
    assert definition["AlgorithmSpecification"]["MetricDefinitions"] == metrics[-1:]
    objective = tuned["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    assert objective == {"Type": "Minimize", "MetricName": OBJECTIVE} and metrics[-1]["Name"] == OBJECTIVE


def test_only_where_it_is_set_is_there_a_tuning_job(templates: dict[str, Template]) -> None:
    assert STATES["Tune?"]["Choices"] == [{"Variable": "$.tuning", "IsNull": True, "Next": "TrainChallenger"}]
    frames = of_type(templates["serving"], "Custom::SlipwayFrame")
    settings = {f["Endpoint"]: codec.loads(Settings, f["Retraining"]) for f in frames}
    assert settings["fraud"].tuning is None
    assert settings["churn"].tuning == Tuning(jobs=8, strategy="bayesian")


def test_who_may_start_it(templates: dict[str, Template]) -> None:
    rules = of_type(templates["delivery"], "AWS::Events::Rule")
    started = [r for r in rules if any("RetrainingWorkflowMachine" in text(t["Arn"]) for t in r["Targets"])]
    (drifted,) = [r for r in started if "EventPattern" in r]
    schedules = {r["ScheduleExpression"]: r["Targets"][0]["InputTransformer"] for r in started if r != drifted}
    assert list(schedules) == ["rate(7 days)", "rate(6 hours)"]
    assert all('"endpoint":"churn"' in given["InputTemplate"] for given in schedules.values())
    assert drifted["EventPattern"]["detail-type"] == [names.DRIFT_DETECTED]
    heeded = drifted["EventPattern"]["detail"]
    assert heeded == {
        "endpoint": ["fraud", "churn", "returns"],
        "variant": [names.BASELINE],
        "remedy": [{"anything-but": ["NOTHING"]}],
    }


def test_its_bad_ends_are_followed_up_and_the_registry_answers(templates: dict[str, Template]) -> None:
    template = templates["delivery"]
    by_function = {
        template["Resources"][rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]]["Properties"].get("FunctionName"): rule
        for rule in of_type(template, "AWS::Events::Rule")
        if rule["Targets"][0]["Arn"].get("Fn::GetAtt")
    }
    followed = by_function["slipway-follow-retraining"]["EventPattern"]["detail"]
    assert followed["status"] == ["FAILED", "ABORTED", "TIMED_OUT"]
    assert text(followed["stateMachineArn"][0]).endswith(f":stateMachine:{names.RETRAINING}")
    decided = by_function["slipway-answer"]["EventPattern"]["detail"]
    assert decided["ModelApprovalStatus"] == ["Approved", "Rejected"]


def test_it_may_run_its_endpoints_jobs_under_one_role(templates: dict[str, Template]) -> None:
    allowed = {action: s["Resource"] for s in role_of(templates, "RetrainingWorkflowMachine") for action in s["Action"]}
    assert all("-retrain-*" in resource for resource in allowed["sagemaker:CreateTrainingJob"])
    assert [resource.rsplit("/", 1)[-1] for resource in allowed["events:PutRule"]] == [
        f"StepFunctionsGetEventsForSageMaker{kind}JobsRule" for kind in ("Processing", "Training", "Tuning")
    ]
    assert all("-tune-*" in resource for resource in allowed["sagemaker:CreateHyperParameterTuningJob"])
    assert len(allowed["iam:PassRole"]) == 1 and "RetrainingRole" in allowed["iam:PassRole"][0]


def test_its_jobs_may_fetch_their_code_and_library_and_pull_their_images_and_nothing_else_of_those(
    templates: dict[str, Template],
) -> None:
    allowed: dict[str, list[str]] = {}
    for statement in role_of(templates, "Retraining"):
        for action in statement["Action"]:
            allowed.setdefault(action, []).extend(statement["Resource"])
    fetched = [resource for resource in allowed["s3:GetObject"] if "<Store" not in resource]
    assert sorted(resource.rsplit(".", 1)[-1] for resource in fetched) == ["gz", "py", "whl", "zip", "zip"]
    pulled = {resource.partition("repository/")[-1] for resource in allowed["ecr:BatchGetImage"]}
    assert pulled == {"sagemaker-xgboost", "sagemaker-spark-processing", "own/xgboost", "own/jobs"}


def test_jobs_that_need_a_library_the_image_lacks_are_given_it_and_told_where() -> None:
    given = {
        name: {i["InputName"]: i["S3Input"]["LocalPath"] for i in task["Parameters"]["ProcessingInputs"]}
        for name, task in TASKS.items()
        if "createProcessingJob" in task["Resource"]
    }
    told = {name: TASKS[name]["Parameters"].get("Environment", {}).get("LIBRARIES") for name in given}
    assert told == {name: inputs.get("libraries") for name, inputs in given.items()}
    assert [name for name, folder in told.items() if folder] == ["AssembleData", "ProfileChallenger"]


def test_only_a_person_or_the_registry_answers(templates: dict[str, Template]) -> None:
    verbs = [
        "AdmitRetraining",
        "CheckData",
        "ChooseParameters",
        "Gate",
        "Register",
        "AskApproval",
        "Answer",
        "SettleApproval",
    ]
    roles = {verb: {a for s in role_of(templates, f"Retraining{verb}") for a in s["Action"]} for verb in verbs}
    assert {verb for verb, actions in roles.items() if "states:SendTaskSuccess" in actions} == {"Answer"}
    approves = {verb for verb, actions in roles.items() if "sagemaker:UpdateModelPackage" in actions}
    assert approves == {"SettleApproval"}


def test_mlflow_is_kept_only_where_a_server_is_named_and_an_endpoint_serves(templates: dict[str, Template]) -> None:
    allowed = {action: s["Resource"] for s in role_of(templates, "RetrainingKeepMlflow") for action in s["Action"]}
    assert allowed["sagemaker-mlflow:CreateRun"] == [MLFLOW]
    rules = of_type(templates["delivery"], "AWS::Events::Rule")
    kept = [r for r in rules if any("KeepMlflow" in text(t["Arn"]) for t in r["Targets"])]
    assert [r.get("ScheduleExpression") for r in kept].count("rate(1 hour)") == 1
    followed = {kind for rule in kept for kind in rule.get("EventPattern", {}).get("detail-type", ())}
    states = {"SageMaker Model Package State Change", "SageMaker Endpoint State Change"}
    assert followed == states | {names.PROMOTED, names.ROLLED_BACK}
    assert all(name not in json.dumps(r) for r in kept for name in ("fraud", "returns"))
