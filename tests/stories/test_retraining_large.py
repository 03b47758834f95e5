"""Retrainings of large windows: joined on Spark, the challenger tuned; stopped on the way, redriven after failures."""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.demo.world import ENDPOINT
from slipway import codec, names
from slipway.retraining.tuning import Range, Tuning
from tests.stories.retrained import Past, assert_stopped, ended, in_state, run_of, start
from tests.stories.site import Site, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.usefixtures("tuned_on_spark")]
# As few jobs as there can be, near what the champion was trained with.
TUNING = Tuning(jobs=2, parallel=2, ranges=(Range("max_depth", 2, 5), Range("eta", 0.1, 0.3)))


@pytest.fixture
def tuned_on_spark(site: Site) -> Iterator[None]:
    """The frame as a deployment with these settings of `retraining` would leave it."""
    ledger, table = site.client("dynamodb"), names.LEDGER_TABLE
    key = {"pk": {"S": f"ENDPOINT#{ENDPOINT}"}, "sk": {"S": "FRAME"}}
    kept = ledger.get_item(TableName=table, Key=key)["Item"]
    frame = json.loads(kept["document"]["S"])
    frame["retraining"] |= {"spark_megabytes": 0, "tuning": codec.encode(TUNING)}
    ledger.put_item(TableName=table, Item={**kept, "document": {"S": json.dumps(frame)}})
    yield
    ledger.put_item(TableName=table, Item=kept)


def test_a_large_window_is_joined_on_spark_and_its_challenger_tuned_unless_somebody_stops_that(
    site: Site, past: Past
) -> None:
    past.write(mislabelled=0.7)
    stop_while_tuning(site, start(site, by="bo@example.com", reason="by mistake"))
    execution = start(site, by="ana@example.com", reason="a new campaign")
    assert json.loads(ended(site, execution)["output"])["gate"]["next"] == "refused"
    run = run_of(site, execution)
    assert run and next(leg["cost"] for leg in run["legs"] if leg["state"] == "TUNING") > 0
    assert_is_the_best_that_was_tried(site, dict(run["outputs"]))
    joined, made = (
        site.client("sagemaker").describe_processing_job(ProcessingJobName=f"{run['id']}-{job}-0")
        for job in ("join", "data")
    )
    assert joined["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert joined["ProcessingEndTime"] <= made["ProcessingStartTime"]


def test_a_run_whose_legs_fail_goes_on_with_them_once_it_is_redriven(site: Site, past: Past) -> None:
    past.write(mislabelled=0.7)
    states, before = site.client("stepfunctions"), site.served()
    with missing(site, program_of(site)):
        execution = start(site)
        assert ended(site, execution)["status"] == "FAILED"
    until(lambda: (run_of(site, execution) or {}).get("state") == "FAILED", "people are told")
    with missing(site, sources_of(site)):
        states.redrive_execution(executionArn=execution)
        assert ended(site, execution)["status"] == "FAILED"
    states.redrive_execution(executionArn=execution)
    assert json.loads(ended(site, execution)["output"])["gate"]["next"] == "refused"
    run = run_of(site, execution)
    assert run and run["state"] == "REFUSED"
    expected = {"JoinOnSpark": 2, "AssembleJoined": 1, "TuneChallenger": 2, "TrainChallenger": 1}
    assert {name: count for name, count in entered(site, execution).items() if name in expected} == expected
    failed = [m["body"] for m in site.messages() if m["subject"] == f"RETRAINING FAILED: fraud run {run['id']}"]
    assert len(failed) == 2
    assert site.served() == before


def entered(site: Site, execution: str) -> Counter[str]:
    """How often each state was entered."""
    pages = site.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
    told = (event.get("stateEnteredEventDetails") for page in pages for event in page["events"])
    return Counter(details["name"] for details in told if details)


@contextmanager
def missing(site: Site, uri: str) -> Iterator[None]:
    """While an object of the deployment is not there."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = site.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    site.client("s3").delete_object(Bucket=bucket, Key=key)
    try:
        yield
    finally:
        site.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def program_of(site: Site) -> str:
    """What the jobs that are no training jobs run."""
    machine = site.client("stepfunctions").describe_state_machine(stateMachineArn=site.machine(names.RETRAINING))
    inputs = json.loads(machine["definition"])["States"]["JoinOnSpark"]["Parameters"]["ProcessingInputs"]
    return str(next(given["S3Input"]["S3Uri"] for given in inputs if given["InputName"] == "code"))


def sources_of(site: Site) -> str:
    """What training jobs run."""
    admits = site.client("lambda").get_function_configuration(FunctionName=names.function("admit_retraining"))
    return str(admits["Environment"]["Variables"]["SOURCES"])


def stop_while_tuning(site: Site, execution: str) -> None:
    states, sagemaker = site.client("stepfunctions"), site.client("sagemaker")
    job = names.tuning_job(in_state(site, execution, "TUNING")["id"])
    listed = lambda: sagemaker.list_training_jobs(NameContains=job)["TrainingJobSummaries"]  # noqa: E731
    until(listed, "its first training jobs have been created")
    states.stop_execution(executionArn=execution, cause="a mistake")
    stopped = lambda: {seen["TrainingJobStatus"] for seen in listed()} == {"Stopped"}  # noqa: E731
    until(stopped, "the training jobs are stopped")
    (tuning,) = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=job)["HyperParameterTuningJobSummaries"]
    assert tuning["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    assert_stopped(site, execution)


def assert_is_the_best_that_was_tried(site: Site, outputs: dict[str, str]) -> None:
    """The challenger is byte for byte what the tuning job's best training job left."""
    sagemaker, named = site.client("sagemaker"), {"HyperParameterTuningJobName": outputs["tuning"]}
    tried = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**named)["TrainingJobSummaries"]
    best = sagemaker.describe_hyper_parameter_tuning_job(**named)["BestTrainingJob"]
    losses = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in tried]
    assert len(losses) == 2 and best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(losses)
    assert outputs["tuned"] == " ".join(f"{k}={v}" for k, v in sorted(best["TunedHyperParameters"].items()))
    job = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert model(site, job["ModelArtifacts"]["S3ModelArtifacts"]) == model(site, outputs["artifact"])


def model(site: Site, artifact: str) -> tuple[bytes, bytes]:
    """The model and the manifest in an artifact."""
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    body = site.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        ubj, manifest = (archive.extractfile(name) for name in ("model.ubj", "manifest.json"))
        assert ubj and manifest
        return ubj.read(), manifest.read()
