"""A person starts a retraining: from captured traffic and its labels to a release, a refusal, or a stop."""

import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sandbox import data
from sandbox.demo.world import ENDPOINT
from slipway import codec, names
from slipway.lineage import CANDIDATE
from slipway.retraining.tuning import Range, Tuning
from tests.stories import drifting, tracked
from tests.stories.site import Site, until

pytestmark = pytest.mark.sandbox
DAY = 86400.0
ROWS, POSITIVES = 2400, 400
# As few jobs as there can be, near what the champion was trained with.
TUNING = Tuning(jobs=2, parallel=2, ranges=(Range("max_depth", 2, 5), Range("eta", 0.1, 0.3)))


class Past:
    """Traffic of the four weeks that labels have had time for, in Data Capture's and Model Monitor's layouts."""

    def __init__(self, site: Site, rows: Path) -> None:
        self._site, self._s3 = site, site.client("s3")
        self._bucket = site.world.outputs()["BucketName"]
        frame = pd.read_parquet(rows)
        frauds = frame[frame["Class"] == 1].sample(POSITIVES, random_state=7)
        others = frame[frame["Class"] == 0].sample(ROWS - POSITIVES, random_state=7)
        self._rows = pd.concat([frauds, others]).sample(frac=1, random_state=7).drop(columns="Time")

    def write(self, mislabelled: float = 0.0) -> None:
        """Replaces what is there; mislabelled: share of the rows, the oldest, whose labels are drawn by lot."""
        self.forget()
        now = self._site.now()
        times = np.linspace(now - 27 * DAY, now - 4 * DAY, len(self._rows))
        truth = self._rows["Class"].to_numpy(copy=True)
        truth[: int(mislabelled * ROWS)] = np.random.default_rng(7).integers(0, 2, int(mislabelled * ROWS))
        lines: dict[str, list[str]] = {}
        for at, values, label in zip(times, self._rows.drop(columns="Class").to_numpy(), truth, strict=True):
            asked, known = (datetime.fromtimestamp(moment, UTC) for moment in (at, at + 3600))
            id = str(uuid.uuid4())
            capture = f"{names.CAPTURE}/{ENDPOINT}/baseline/{asked:%Y/%m/%d/%H}/00-00-000-past.jsonl"
            lines.setdefault(capture, []).append(json.dumps(_captured(id, asked, values)))
            told = f"{names.GROUND_TRUTH}/{ENDPOINT}/{known:%Y/%m/%d/%H}/00-00-000-past.jsonl"
            lines.setdefault(told, []).append(json.dumps(_label(id, label)))
        for key, body in lines.items():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body="\n".join(body).encode())

    def forget(self) -> None:
        for prefix in (names.CAPTURE, names.GROUND_TRUTH):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{prefix}/")
            for key in [item["Key"] for page in pages for item in page.get("Contents", ())]:
                if key.endswith("past.jsonl"):
                    self._s3.delete_object(Bucket=self._bucket, Key=key)


def _captured(id: str, at: datetime, values: np.ndarray) -> dict[str, Any]:
    sent = {"observedContentType": "text/csv", "mode": "INPUT", "encoding": "CSV"}
    got = {"observedContentType": "text/csv", "mode": "OUTPUT", "encoding": "CSV", "data": "0.01"}
    row = ",".join(repr(float(value)) for value in values)
    return {
        "captureData": {"endpointInput": {**sent, "data": row}, "endpointOutput": got},
        "eventMetadata": {"eventId": id, "inferenceId": id, "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


def _label(id: str, label: int) -> dict[str, Any]:
    return {
        "groundTruthData": {"data": str(int(label)), "encoding": "CSV"},
        "eventMetadata": {"eventId": id},
        "eventVersion": "0",
    }


@pytest.fixture(scope="module")
def past(site: Site) -> Any:
    drifting.forget(site)
    written = Past(site, data.fraud())
    yield written
    written.forget()


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


def start(site: Site, **given: str) -> str:
    states = site.client("stepfunctions")
    machine = site.machine(names.RETRAINING)
    return str(states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"])


def see(site: Site, execution: str) -> dict[str, Any]:
    return dict(site.client("stepfunctions").describe_execution(executionArn=execution))


def ended(site: Site, execution: str) -> dict[str, Any]:
    until(lambda: see(site, execution)["status"] != "RUNNING", "the retraining has ended")
    return see(site, execution)


def answer(site: Site, run_id: str, said: str, why: str) -> None:
    payload = json.dumps({"run_id": run_id, "answer": said, "by": "ana@example.com", "reason": why})
    told = str(site.world.out / "answer.json")
    site.aws("lambda", "invoke", "--function-name", "slipway-answer", "--payload", payload, told)


def run_of(site: Site, execution: str) -> dict[str, Any] | None:
    return next((run for run in site.runs() if run["execution"] == execution), None)


def in_state(site: Site, execution: str, state: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        seen, told = run_of(site, execution), see(site, execution)
        assert told["status"] in ("RUNNING", "SUCCEEDED"), told.get("cause")
        return seen if seen and seen["state"] == state else None

    return until(there, f"the run is {state}")


def test_an_empty_input_trains_a_better_model_and_an_answer_releases_it(site: Site, past: Past) -> None:
    past.write()
    before = site.served()
    execution = start(site)
    asked = in_state(site, execution, "AWAITING")
    assert site.served() == before
    package = site.client("sagemaker").describe_model_package(ModelPackageName=asked["package"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"]["slipway:run"] == asked["id"]
    assert_tracked(site, asked)
    answer(site, asked["id"], "approve", "read it")
    assert ended(site, execution)["status"] == "SUCCEEDED"
    run = run_of(site, execution)
    assert run and run["state"] == "APPROVED"
    legs = {leg["state"]: leg for leg in run["legs"]}
    assert legs["AWAITING"]["says"] == "ana@example.com: read it"
    assert all(legs[leg]["cost"] > 0 for leg in ("ASSEMBLING", "TRAINING", "COMPARING", "PROFILING"))
    assert baseline_of(site, asked["package"])["package"] == asked["id"]
    site.reaches(site.started(asked["package"]), "SHADOW")
    until(lambda: tracked.package(site, CANDIDATE) == asked["package"], "what is released is MLflow's candidate")


def test_a_challenger_that_learnt_noise_is_refused_and_the_champion_stays(site: Site, past: Past) -> None:
    past.write(mislabelled=0.7)
    before, packages = site.served(), count_packages(site)
    execution = start(site, by="ana@example.com", reason="a new campaign")
    assert json.loads(ended(site, execution)["output"])["gate"]["next"] == "refused"
    run = run_of(site, execution)
    assert run and run["state"] == "REFUSED" and run["reasons"]
    assert any(m["subject"] == f"NOT BETTER: fraud run {run['id']}" for m in site.messages())
    assert (site.served(), count_packages(site), site.in_progress()) == (before, packages, None)


def test_a_stopped_run_leaves_no_job_behind_and_one_that_is_rejected_no_release(site: Site, past: Past) -> None:
    past.write()
    before = site.served()
    stop_while_assembling(site, start(site, by="bo@example.com", reason="by mistake"))
    again = start(site)
    asked = in_state(site, again, "AWAITING")
    answer(site, asked["id"], "reject", "not before the holidays")
    assert ended(site, again)["status"] == "SUCCEEDED"
    run = run_of(site, again)
    assert run and run["state"] == "REJECTED" and run["reasons"] == ["ana@example.com: not before the holidays"]
    package = site.client("sagemaker").describe_model_package(ModelPackageName=asked["package"])
    assert package["ModelApprovalStatus"] == "Rejected"
    assert (site.served(), site.in_progress()) == (before, None)


@pytest.mark.slow
@pytest.mark.usefixtures("tuned_on_spark")
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


def assert_tracked(site: Site, run: dict[str, Any]) -> None:
    """MLflow has the run's version as candidate, with its numbers and where they come from."""
    until(lambda: tracked.package(site, CANDIDATE) == run["package"], "MLflow has the candidate")
    version = tracked.version(site, CANDIDATE)
    kept = tracked.client(site).get_run(version.run_id)
    metadata = site.client("sagemaker").describe_model_package(ModelPackageName=run["package"])
    told = {key.replace(":", "."): value for key, value in metadata["CustomerMetadataProperties"].items()}
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics["slipway.holdout-log-loss"] == float(told["slipway.holdout-log-loss"])
    for name in ("slipway.run", "slipway.trigger", "slipway.dataset-sha256", "slipway.code-sha256", "slipway.champion"):
        assert kept.data.tags[name] == told[name]
    assert version.source == metadata["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]


def stop_while_assembling(site: Site, execution: str) -> None:
    states, sagemaker = site.client("stepfunctions"), site.client("sagemaker")
    job = f"{in_state(site, execution, 'ASSEMBLING')['id']}-data-0"
    listed = lambda: sagemaker.list_processing_jobs(NameContains=job)["ProcessingJobSummaries"]  # noqa: E731
    until(listed, "the job has been created")
    states.stop_execution(executionArn=execution, cause="a mistake")
    until(lambda: listed()[0]["ProcessingJobStatus"] == "Stopped", "the job is stopped")
    assert_stopped(site, execution)


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


def assert_stopped(site: Site, execution: str) -> None:
    run = until(lambda: (run_of(site, execution) or {}).get("state") == "STOPPED" and run_of(site, execution), "told")
    assert run["reasons"][0] == "stopped by hand: a mistake"


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


def baseline_of(site: Site, package: str) -> dict[str, Any]:
    """The reference where monitoring looks for that of the package."""
    key = names.monitored(ENDPOINT, names.BASELINES, names.version(package), "reference.json")
    found = site.client("s3").get_object(Bucket=site.world.outputs()["BucketName"], Key=key)
    return dict(json.load(found["Body"]))


def count_packages(site: Site) -> int:
    found = site.client("sagemaker").list_model_packages(ModelPackageGroupName=ENDPOINT)
    return len(found["ModelPackageSummaryList"])
