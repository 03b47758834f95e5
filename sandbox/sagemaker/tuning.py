"""Hyperparameter tuning jobs: real training jobs, with values drawn at random within their ranges.

Every strategy is seeded random search here; what SageMaker's Bayesian strategy learns from earlier jobs is not built.
"""

import hashlib
import time
from pathlib import Path
from typing import Any

from sandbox.sagemaker import job, role, search, training
from sandbox.sagemaker.errors import ServiceError, invalid
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.storage import JobError
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing, tags_of
from sandbox.sagemaker.tuning_job import Trial, TuningJob

KIND = "HyperParameterTuning"
JOBS: Table[TuningJob] = Table("hyper-parameter-tuning-job", "hyperparameter tuning job")
STRATEGIES = ("Random", "Bayesian")
OBJECTIVE = "_tuning_objective_metric"  # the hyperparameter by which SageMaker tells a training job what is tuned
NEEDED = ("ParameterRanges", "HyperParameterTuningJobObjective")
POLL = 0.05  # real seconds between two looks at the training jobs


@operation
def create_hyper_parameter_tuning_job(params: Params) -> Answer:
    _check(params)
    definition, config = dict(params["TrainingJobDefinition"]), params["HyperParameterTuningJobConfig"]
    role.assume(definition["RoleArn"])
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    definition["StaticHyperParameters"] = {**definition.get("StaticHyperParameters", {}), OBJECTIVE: metric}
    described = {key: value for key, value in params.items() if key != "Tags"}
    arn = JOBS.arn(params["HyperParameterTuningJobName"])
    described.update({"TrainingJobDefinition": definition, f"{KIND}JobArn": arn, "CreationTime": CLOCK.now()})
    new = TuningJob(KIND, described)
    job.add(JOBS, new, params.get("Tags", []), _tune)
    return {f"{KIND}JobArn": new.arn}


@operation
def describe_hyper_parameter_tuning_job(params: Params) -> Answer:
    with LOCK:
        tuning = job.find(JOBS, params[f"{KIND}JobName"])
        best = tuning.best()
        return {
            **tuning.described,
            **tuning.progress(),
            **({"BestTrainingJob": tuning.summary(best)} if best else {}),
        }


@operation
def stop_hyper_parameter_tuning_job(params: Params) -> Answer:
    job.stop(JOBS, params[f"{KIND}JobName"])
    return {}


@operation
def list_hyper_parameter_tuning_jobs(params: Params) -> Answer:
    rows = job.summaries(JOBS, KIND, (f"{KIND}EndTime",))
    for row in rows:
        tuning = job.find(JOBS, row[f"{KIND}JobName"])
        config = tuning.described[f"{KIND}JobConfig"]
        row.update(Strategy=config["Strategy"], ResourceLimits=config["ResourceLimits"], **tuning.progress())
    sorts = {"Status": lambda row: row[f"{KIND}JobStatus"]}
    return listing(f"{KIND}JobSummaries", rows, f"{KIND}JobName", _by_name(params), sorts)


@operation
def list_training_jobs_for_hyper_parameter_tuning_job(params: Params) -> Answer:
    with LOCK:
        tuning = job.find(JOBS, params[f"{KIND}JobName"])
        rows = [tuning.summary(trial) for trial in tuning.trials]
    if params.get("SortBy") == "FinalObjectiveMetricValue":
        rows = [row for row in rows if f"Final{KIND}JobObjectiveMetric" in row]
    sorts = {
        "Status": lambda row: row["TrainingJobStatus"],
        "FinalObjectiveMetricValue": lambda row: row[f"Final{KIND}JobObjectiveMetric"]["Value"],
    }
    return listing("TrainingJobSummaries", rows, "TrainingJobName", _by_name(params), sorts)


def _by_name(params: Params) -> Params:
    """These two operations sort by name, ascending, unless asked otherwise."""
    return {"SortBy": "Name", "SortOrder": "Ascending", **params}


def _check(params: Params) -> None:
    config, definition = params[f"{KIND}JobConfig"], params.get("TrainingJobDefinition")
    if definition is None or "WarmStartConfig" in params or any(member not in config for member in NEEDED):
        needed = f"one TrainingJobDefinition, {' and '.join(NEEDED)}"
        raise invalid(f"The sandbox tunes {needed}, without a warm start.")
    if config["Strategy"] not in STRATEGIES:
        raise invalid(f"The sandbox has the strategies {' and '.join(STRATEGIES)}; {config['Strategy']} it can't.")
    fixed = definition.get("StaticHyperParameters", {})
    if both := [name for name in search.check(config["ParameterRanges"]) if name in fixed]:
        raise invalid(f"The hyperparameter {both[0]} is both static and tuned.")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    if metric not in [one["Name"] for one in definition["AlgorithmSpecification"].get("MetricDefinitions", ())]:
        raise invalid(f"The objective metric {metric} is not one of the MetricDefinitions.")
    limits = config["ResourceLimits"]
    if limits["MaxParallelTrainingJobs"] > limits.get("MaxNumberOfTrainingJobs", 1):
        raise invalid("MaxParallelTrainingJobs must not exceed MaxNumberOfTrainingJobs.")
    training.check({**definition, "HyperParameters": fixed})


def _tune(tuning: TuningJob, _directory: Path) -> None:
    config = tuning.described[f"{KIND}JobConfig"]
    limits = config["ResourceLimits"]
    waiting = search.points(config["ParameterRanges"], config.get("RandomSeed"), limits["MaxNumberOfTrainingJobs"])
    while not tuning.stop.is_set() and (waiting or _running(tuning)):
        while waiting and len(_running(tuning)) < limits["MaxParallelTrainingJobs"]:
            _launch(tuning, waiting.pop(0))
        tuning.stop.wait(POLL)
    for trial in _running(tuning):
        _stop(trial)
    while _running(tuning):
        time.sleep(POLL)
    if not tuning.stop.is_set() and tuning.best() is None:
        raise JobError(
            "All training jobs failed. Please take a look at the training jobs failures to get more details."
        )
    ended = job.STOPPED if tuning.stop.is_set() else job.COMPLETED
    tuning.change(ended, **{f"{KIND}EndTime": CLOCK.now()})


def _running(tuning: TuningJob) -> list[Trial]:
    return [trial for trial in tuning.trials if trial.running]


def _launch(tuning: TuningJob, values: dict[str, str]) -> None:
    """Named as SageMaker does: the tuning job, a number, a hash."""
    definition: dict[str, Any] = dict(tuning.described["TrainingJobDefinition"])
    number = f"{tuning.name}-{len(tuning.trials) + 1:03d}"
    definition.pop("DefinitionName", None)
    definition.pop("RetryStrategy", None)
    params = {
        "TrainingJobName": f"{number}-{hashlib.sha256(number.encode()).hexdigest()[:8]}",
        "HyperParameters": {**definition.pop("StaticHyperParameters"), **values},
        "Tags": [{"Key": key, "Value": value} for key, value in tags_of(tuning.arn).items()],
        **definition,
    }
    with LOCK:
        tuning.trials.append(Trial(training.launch(params, tuning.arn), values))


def _stop(trial: Trial) -> None:
    try:
        job.stop(training.JOBS, trial.job.name, SecondaryStatus="Stopping")
    except ServiceError:
        return  # it has ended meanwhile
