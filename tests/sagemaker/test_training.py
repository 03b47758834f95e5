"""Training jobs that really run: what the script sees, and what SageMaker makes of how it ends."""

import io
import json
import os
import tarfile
from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, archive, refused, until

pytestmark = pytest.mark.sandbox

TRAIN = """
import argparse, json, os, sys
from pathlib import Path
import boto3
import helper
print("arguments", sys.argv[1:])
rows = (Path(os.environ["SM_CHANNEL_TRAIN"]) / "part" / "rows.csv").read_text()
print(f"validation:auc={len(rows) / 100};", flush=True)
print("validation:auc=0.5;", file=sys.stderr)
seen = {k: v for k, v in os.environ.items() if k.startswith("SM_") or k.startswith("OMP")}
seen["identity"] = boto3.client("sts").get_caller_identity()["Arn"]
seen["hyperparameters"] = json.loads((Path(os.environ["SM_INPUT_CONFIG_DIR"]) / "hyperparameters.json").read_text())
Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"rows": rows, "helper": helper.NAME}))
Path(os.environ["SM_OUTPUT_DATA_DIR"], "seen.json").write_text(json.dumps(seen))
"""
FAIL = """
import sys
print("before")
raise RuntimeError("the target column is missing")
"""
WROTE_FAILURE = """
import os, pathlib, sys
pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("labels are all zero")
sys.exit(3)
"""
STUBBORN = """
import os, pathlib, signal, sys, time
def stop(*_):
    pathlib.Path(os.environ["SM_MODEL_DIR"], "partial").write_text("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def train(sagemaker, s3, role) -> Any:
    """Start a job that runs `script`; returns its name."""

    def start(name: str, script: str, hyperparameters: dict[str, str] | None = None, **more: Any) -> str:
        s3.put_object(
            Bucket=BUCKET, Key=f"code/{name}.tar.gz", Body=archive({"train.py": script, "helper.py": "NAME = 'h'"})
        )
        sagemaker.create_training_job(
            **{
                "TrainingJobName": name,
                "RoleArn": role,
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "validation:auc", "Regex": "validation:auc=([0-9.]+);"}],
                },
                "HyperParameters": {
                    "sagemaker_program": '"train.py"',
                    "sagemaker_submit_directory": f"s3://{BUCKET}/code/{name}.tar.gz",
                    "max-depth": "4",
                    "eta": "0.1",
                    "drop": '"Time,Id"',
                    **(hyperparameters or {}),
                },
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                **more,
            }
        )
        return name

    return start


@pytest.fixture(scope="module")
def ended(sagemaker) -> Any:
    def wait(name: str) -> dict[str, Any]:
        return until(
            lambda: sagemaker.describe_training_job(TrainingJobName=name),
            lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping"),
        )

    return wait


def unpacked(s3: Any, key: str) -> dict[str, bytes]:
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def output(logs: Any, job: str) -> list[str]:
    """What a job wrote so far."""
    group = "/aws/sagemaker/TrainingJobs"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/algo-1-")["logStreams"]
    names = [stream["logStreamName"] for stream in streams]
    pages = [logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True) for name in names]
    return [event["message"] for page in pages for event in page["events"]]


def channel(name: str, prefix: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "text/csv"}


def test_a_job_sees_the_containers_contract_and_leaves_its_model_in_s3(gateway, s3, train, ended):
    s3.put_object(Bucket=BUCKET, Key="data/train/part/rows.csv", Body=b"1,2\n3,4\n")
    job = ended(train("good", TRAIN, InputDataConfig=[channel("train", "data/train")]))
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/models/good/output/model.tar.gz"
    model = json.loads(unpacked(s3, "models/good/output/model.tar.gz")["model.json"])
    assert model == {"rows": "1,2\n3,4\n", "helper": "h"}
    seen = json.loads(unpacked(s3, "models/good/output/output.tar.gz")["data/seen.json"])
    assert json.loads(seen["SM_HPS"]) == {"max-depth": 4, "eta": 0.1, "drop": "Time,Id"}
    assert seen["SM_HP_ETA"] == "0.1"
    assert (seen["SM_CURRENT_HOST"], json.loads(seen["SM_HOSTS"])) == ("algo-1", ["algo-1"])
    assert json.loads(seen["SM_CHANNELS"]) == ["train"]
    assert json.loads(seen["SM_TRAINING_ENV"])["channel_input_dirs"] == {"train": seen["SM_CHANNEL_TRAIN"]}
    assert (seen["SM_NUM_CPUS"], seen["SM_NUM_GPUS"]) == (str(os.cpu_count()), "0")
    assert seen["OMP_NUM_THREADS"] == "2"
    assert seen["hyperparameters"]["max-depth"] == "4"
    assert seen["identity"] == "arn:aws:sts::123456789012:assumed-role/job/SageMaker"
    statuses = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in step for step in job["SecondaryStatusTransitions"])
    assert job["TrainingEndTime"] > job["TrainingStartTime"] > job["CreationTime"]


def test_its_output_is_in_cloudwatch_logs_and_its_metrics_are_read_from_it(gateway, s3, train, ended):
    s3.put_object(Bucket=BUCKET, Key="data/train/part/rows.csv", Body=b"1,2\n3,4\n")
    job = ended(train("logged", TRAIN, InputDataConfig=[channel("train", "data/train/")]))
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert set(final) == {"validation:auc"}
    assert final["validation:auc"] in (0.5, 0.08)
    logs = gateway.client("logs")
    lines = output(logs, "logged")
    assert "arguments ['--drop', 'Time,Id', '--eta', '0.1', '--max-depth', '4']" in lines
    assert "validation:auc=0.5;" in lines


def test_a_script_that_raises_fails_the_job_with_its_last_lines(train, ended):
    job = ended(train("raises", FAIL))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1")
    assert "RuntimeError: the target column is missing" in job["FailureReason"]
    assert len(job["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in job or not job["ModelArtifacts"]


def test_what_a_script_writes_to_its_failure_file_is_the_reason(train, ended):
    job = ended(train("explains", WROTE_FAILURE))
    assert job["FailureReason"] == "AlgorithmError: labels are all zero, exit code: 3"


def test_a_stopped_job_gets_sigterm_and_keeps_what_it_saved(gateway, sagemaker, s3, train, ended):
    train("stopped", STUBBORN)
    logs = gateway.client("logs")
    until(lambda: output(logs, "stopped"), lambda lines: "ready" in lines)
    sagemaker.stop_training_job(TrainingJobName="stopped")
    assert sagemaker.describe_training_job(TrainingJobName="stopped")["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = ended("stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(s3, "models/stopped/output/model.tar.gz") == {"partial": b"saved"}
    code, message = refused(sagemaker.stop_training_job, TrainingJobName="stopped")
    assert (code, message[-18:]) == ("ValidationException", "in status Stopped.")


def test_a_job_that_runs_too_long_is_stopped(train, ended):
    job = ended(train("slow", STUBBORN, StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_finds_the_checkpoints_of_the_one_before_and_leaves_its_own(s3, train, ended):
    script = """
import pathlib, sys
kept = pathlib.Path(sys.argv[sys.argv.index("--checkpoint-dir") + 1]) / "rounds"
rounds = int(kept.read_text()) + 1 if kept.exists() else 1
kept.write_text(str(rounds))
"""
    config = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints", "LocalPath": "/opt/ml/checkpoints"}}
    for name in ("interrupted", "resumed"):
        job = ended(train(name, script, hyperparameters={"checkpoint-dir": "/opt/ml/checkpoints"}, **config))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=BUCKET, Key="checkpoints/rounds")["Body"].read() == b"2"


def test_a_channel_without_objects_fails_the_job_by_name(train, ended):
    job = ended(train("hungry", TRAIN, InputDataConfig=[channel("train", "data/nothing")]))
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        f'ClientError: No S3 objects found under S3 URL "s3://{BUCKET}/data/nothing"'
    )


def test_a_role_that_may_not_read_the_data_fails_the_job(make_role, train, ended):
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/code/*"}
    role = make_role("code-only", [allowed])
    job = ended(train("denied", TRAIN, RoleArn=role, InputDataConfig=[channel("train", "data/train")]))
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]


def test_a_role_that_does_not_exist_is_refused_at_once(train):
    missing = "arn:aws:iam::123456789012:role/nobody"
    assert refused(train, name="no-role", script=TRAIN, RoleArn=missing) == (
        "ValidationException",
        f"Could not assume role {missing}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.",
    )


def test_a_second_job_of_the_same_name_is_refused(train, ended):
    train("twice", FAIL)
    assert refused(train, name="twice", script=FAIL)[0] == "ResourceInUse"
    ended("twice")


def test_a_missing_job_is_not_found(sagemaker):
    assert refused(sagemaker.describe_training_job, TrainingJobName="nobody") == (
        "ValidationException",
        "Requested resource not found.",
    )
