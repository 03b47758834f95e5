"""Training jobs: the script runs in a process of this machine, with the container's paths, variables and arguments."""

import contextlib
import re
from pathlib import Path
from typing import Any

from sandbox.sagemaker import container, job, role, storage, toolkit
from sandbox.sagemaker.container import Outcome
from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.logs import LogStream
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing
from sandbox.sagemaker.toolkit import Layout
from sandbox.sagemaker.training_job import TrainingJob

JOBS: Table[TrainingJob] = Table("training-job", "training job")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
DEFAULT_MAX_SECONDS = 86_400


@operation
def create_training_job(params: Params) -> Answer:
    return {"TrainingJobArn": launch(params).arn}


def launch(params: Params, tuning_job: str | None = None) -> TrainingJob:
    """Start a job. tuning_job: the ARN of the one that wants it."""
    check(params)
    role.assume(params["RoleArn"])
    described = {key: value for key, value in params.items() if key != "Tags"}
    described.update({"TrainingJobArn": JOBS.arn(params["TrainingJobName"]), "CreationTime": CLOCK.now()})
    described.update({"TuningJobArn": tuning_job} if tuning_job else {})
    described.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_MAX_SECONDS})
    new = TrainingJob("Training", described)
    job.add(JOBS, new, params.get("Tags", []), _train)
    return new


@operation
def describe_training_job(params: Params) -> Answer:
    with LOCK:
        return dict(job.find(JOBS, params["TrainingJobName"]).described)


@operation
def stop_training_job(params: Params) -> Answer:
    job.stop(JOBS, params["TrainingJobName"], SecondaryStatus="Stopping")
    return {}


@operation
def list_training_jobs(params: Params) -> Answer:
    rows = job.summaries(JOBS, "Training", ("TrainingEndTime", "SecondaryStatus"))
    return listing("TrainingJobSummaries", rows, "TrainingJobName", params)


def check(params: Params) -> None:
    """Raise ValidationException unless the sandbox can run the job."""
    hyperparameters = params.get("HyperParameters", {})
    if not {"sagemaker_program", "sagemaker_submit_directory"} <= hyperparameters.keys():
        raise invalid("The sandbox trains in script mode: sagemaker_program and sagemaker_submit_directory are needed.")
    for channel in params.get("InputDataConfig", ()):
        if channel["DataSource"].get("S3DataSource", {}).get("S3DataType") != "S3Prefix":
            raise invalid(f"The sandbox reads channels of type S3Prefix; {channel['ChannelName']} is not.")


def _train(training: TrainingJob, directory: Path) -> None:
    described, layout = training.described, Layout(directory / "ml")
    training.stop.wait(CLOCK.real(job.START_SECONDS))
    if training.stop.is_set():
        return training.end(job.STOPPED)
    credentials = role.assume(described["RoleArn"])
    s3 = role.client("s3", credentials)
    training.step("Downloading", TrainingStartTime=CLOCK.now())
    _download(s3, described, layout)
    training.step("Training")
    outcome = _execute(training, layout, credentials)
    if kept := described.get("CheckpointConfig"):
        storage.upload_prefix(s3, layout.local(_checkpoints(kept)), kept["S3Uri"])
    if outcome.exit_code != 0 and not outcome.stopped:
        _upload_output(s3, described, layout, directory)
        raise storage.JobError(_failure(training, layout, outcome))
    training.step("Uploading")
    uri = f"{_output_uri(described)}/model.tar.gz"
    storage.upload_archive(s3, layout.model, uri, directory)
    _upload_output(s3, described, layout, directory)
    training.end(_final_step(outcome), ModelArtifacts={"S3ModelArtifacts": uri})
    return None


def _download(s3: Any, described: dict[str, Any], layout: Layout) -> None:
    channels = described.get("InputDataConfig", [])
    layout.make()
    toolkit.write_config(layout, described["HyperParameters"], channels)
    submit_directory = toolkit.decoded(described["HyperParameters"])["sagemaker_submit_directory"]
    storage.download_archive(s3, submit_directory, layout.code)
    for channel in channels:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        storage.download_prefix(s3, uri, layout.channel(channel["ChannelName"]))
    if kept := described.get("CheckpointConfig"):
        layout.local(_checkpoints(kept)).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(storage.NothingThere):
            storage.download_prefix(s3, kept["S3Uri"], layout.local(_checkpoints(kept)))


def _execute(training: TrainingJob, layout: Layout, credentials: dict[str, str]) -> Outcome:
    described = training.described
    hyperparameters = layout.substituted(toolkit.decoded(described["HyperParameters"]))
    metrics = _Metrics(described.get("AlgorithmSpecification", {}).get("MetricDefinitions", []))
    stream_name = f"{training.name}/{toolkit.HOST}-{int(CLOCK.now())}"
    with LogStream(LOG_GROUP, stream_name, credentials) as stream:

        def on_line(line: str) -> None:
            stream.write(line)
            metrics.read(line)

        outcome = container.run(
            toolkit.command(str(hyperparameters["sagemaker_program"]), hyperparameters),
            layout.code,
            _environment(training, layout, credentials, hyperparameters),
            on_line=on_line,
            stop=training.stop,
            max_seconds=described["StoppingCondition"].get("MaxRuntimeInSeconds", DEFAULT_MAX_SECONDS),
        )
    with LOCK:
        described["FinalMetricDataList"] = metrics.final()
    return outcome


def _checkpoints(config: dict[str, str]) -> str:
    return config.get("LocalPath", f"{toolkit.ROOT}/checkpoints")


def _environment(
    training: TrainingJob, layout: Layout, credentials: dict[str, str], hyperparameters: dict[str, Any]
) -> dict[str, str]:
    return {
        **job.base_environment(),
        **credentials,
        "OMP_NUM_THREADS": "2",
        "PYTHONUNBUFFERED": "1",
        "TRAINING_JOB_NAME": training.name,
        "TRAINING_JOB_ARN": training.arn,
        **toolkit.environment(layout, hyperparameters, training.described.get("InputDataConfig", [])),
        **training.described.get("Environment", {}),
    }


class _Metrics:
    """The last value that each MetricDefinition's regular expression found in the output."""

    def __init__(self, definitions: list[dict[str, str]]) -> None:
        self._patterns = {definition["Name"]: re.compile(definition["Regex"]) for definition in definitions}
        self._found: dict[str, dict[str, Any]] = {}

    def read(self, line: str) -> None:
        for name, pattern in self._patterns.items():
            if found := pattern.search(line):
                self._found[name] = {"MetricName": name, "Value": float(found.group(1)), "Timestamp": CLOCK.now()}

    def final(self) -> list[dict[str, Any]]:
        return list(self._found.values())


def _final_step(outcome: Outcome) -> str:
    if outcome.timed_out:
        return "MaxRuntimeExceeded"
    return job.STOPPED if outcome.stopped else job.COMPLETED


def _failure(training: TrainingJob, layout: Layout, outcome: Outcome) -> str:
    written = layout.output / "failure"
    if written.exists():
        return f"AlgorithmError: {written.read_text(errors='replace')[:900]}, exit code: {outcome.exit_code}"
    program = toolkit.decoded(training.described["HyperParameters"])["sagemaker_program"]
    return (
        f"AlgorithmError: ExecuteUserScriptError:\nExitCode {outcome.exit_code}\n"
        f'ErrorMessage "{outcome.tail[-800:]}"\nCommand "python {program}", exit code: {outcome.exit_code}'
    )


def _output_uri(described: dict[str, Any]) -> str:
    return f"{described['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{described['TrainingJobName']}/output"


def _upload_output(s3: Any, described: dict[str, Any], layout: Layout, directory: Path) -> None:
    """What the script left beside its model, if anything."""
    if any(layout.output_data.iterdir()) or (layout.output / "failure").exists():
        storage.upload_archive(s3, layout.output, f"{_output_uri(described)}/output.tar.gz", directory)
