"""Processing jobs: the entry point runs as a process of this machine; /opt/ml/processing is mapped below a base.

The image is not used. Paths in the entry point, its arguments and its environment are substituted, and
PROCESSING_BASE says what stands for /opt/ml/processing. However many instances are asked for, there is one.
"""

import sys
from pathlib import Path
from typing import Any

from sandbox.sagemaker import container, job, role, spark, storage
from sandbox.sagemaker.container import Outcome
from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.job import COMPLETED, STOPPED, Job
from sandbox.sagemaker.logs import LogStream
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing

JOBS: Table[Job] = Table("processing-job", "processing job")
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
ROOT = "/opt/ml/processing"
DOWNLOADS = {"S3Prefix": storage.download_prefix, "ManifestFile": storage.download_manifest}
DEFAULT_MAX_SECONDS = 86_400
# What this machine has of an image's programs.
STARTED = {
    "python": lambda: [sys.executable],
    "python3": lambda: [sys.executable],
    "smspark-submit": spark.submit,
}


@operation
def create_processing_job(params: Params) -> Answer:
    name = params["ProcessingJobName"]
    _check(params)
    role.assume(params["RoleArn"])
    described = {key: value for key, value in params.items() if key != "Tags"}
    described.update({"ProcessingJobArn": JOBS.arn(name), "CreationTime": CLOCK.now()})
    new = Job("Processing", described)
    job.add(JOBS, new, params.get("Tags", []), _process)
    return {"ProcessingJobArn": new.arn}


@operation
def describe_processing_job(params: Params) -> Answer:
    with LOCK:
        return dict(job.find(JOBS, params["ProcessingJobName"]).described)


@operation
def stop_processing_job(params: Params) -> Answer:
    job.stop(JOBS, params["ProcessingJobName"])
    return {}


@operation
def list_processing_jobs(params: Params) -> Answer:
    rows = job.summaries(JOBS, "Processing", ("ProcessingEndTime", "FailureReason", "ExitMessage"))
    return listing("ProcessingJobSummaries", rows, "ProcessingJobName", params)


def _check(params: Params) -> None:
    if not params["AppSpecification"].get("ContainerEntrypoint"):
        raise invalid("The sandbox runs ContainerEntrypoint; an image's own entry point it can't.")
    paths = [item["S3Input"]["LocalPath"] for item in params.get("ProcessingInputs", ()) if "S3Input" in item]
    paths += [item["S3Output"]["LocalPath"] for item in _outputs(params) if "S3Output" in item]
    outside = [path for path in paths if not path.startswith(f"{ROOT}/") or ".." in path]
    if outside:
        raise invalid(f"LocalPath {outside[0]} must be below {ROOT}.")


def _process(processing: Job, directory: Path) -> None:
    described, base = processing.described, directory / "processing"
    processing.stop.wait(CLOCK.real(job.START_SECONDS))
    if processing.stop.is_set():
        return processing.change(STOPPED, ProcessingEndTime=CLOCK.now())
    credentials = role.assume(described["RoleArn"])
    s3 = role.client("s3", credentials)
    processing.change(processing.status, ProcessingStartTime=CLOCK.now())
    for item in described.get("ProcessingInputs", ()):
        download = DOWNLOADS[item["S3Input"]["S3DataType"]]
        download(s3, item["S3Input"]["S3Uri"], _local(item["S3Input"], base))
    for item in _outputs(described):
        _local(item["S3Output"], base).mkdir(parents=True, exist_ok=True)
    outcome = _execute(processing, base, credentials)
    for item in _outputs(described):
        storage.upload_prefix(s3, _local(item["S3Output"], base), item["S3Output"]["S3Uri"])
    if outcome.exit_code != 0 and not outcome.stopped:
        raise storage.JobError(f"AlgorithmError: {outcome.tail[-900:]}, exit code: {outcome.exit_code}")
    return processing.change(STOPPED if outcome.stopped else COMPLETED, ProcessingEndTime=CLOCK.now())


def _execute(processing: Job, base: Path, credentials: dict[str, str]) -> Outcome:
    described = processing.described
    specification = described["AppSpecification"]
    words = [*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", ())]
    command = [word.replace(ROOT, str(base)) for word in words]
    started = STARTED.get(Path(command[0]).name, lambda: command[:1])
    given = {key: value.replace(ROOT, str(base)) for key, value in described.get("Environment", {}).items()}
    base.mkdir(parents=True, exist_ok=True)
    with LogStream(LOG_GROUP, f"{processing.name}/algo-1-{int(CLOCK.now())}", credentials) as stream:
        try:
            return container.run(
                [*started(), *command[1:]],
                base,
                {**job.base_environment(), **spark.environment(), **credentials, "PROCESSING_BASE": str(base), **given},
                on_line=stream.write,
                stop=processing.stop,
                max_seconds=described.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_MAX_SECONDS),
            )
        except OSError as error:
            raise storage.JobError(f"AlgorithmError: could not start {command[0]}: {error}") from error


def _outputs(described: dict[str, Any]) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = described.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


def _local(place: dict[str, str], base: Path) -> Path:
    return base / place["LocalPath"].removeprefix(ROOT).lstrip("/")
