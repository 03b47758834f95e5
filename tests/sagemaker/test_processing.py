"""Processing jobs that really run, with /opt/ml/processing mapped."""

import json
from typing import Any

import pytest

from tests.sagemaker.support import BUCKET, IMAGE, refused, until

pytestmark = pytest.mark.sandbox
SCRIPT = """
import os, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:3])
text = (source / "numbers.txt").read_text()
if "bad" in text:
    sys.exit("cannot add " + text)
(target / "sum.txt").write_text(os.environ["LABEL"] + str(sum(map(int, text.split()))))
"""


LIST = """
import os, pathlib, sys
root = pathlib.Path(os.environ["PROCESSING_BASE"]) / "listed"
found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
pathlib.Path(sys.argv[2], "sum.txt").write_text(" ".join(found))
"""
SPARK = """
import pathlib, sys
from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
total = context.parallelize(range(10), 2).sum()
pathlib.Path(sys.argv[2], "sum.txt").write_text(f"{context.master} {total}")
"""


@pytest.fixture(scope="module")
def process(sagemaker, s3, role) -> Any:
    """Run a job that adds the numbers in `text`; returns its last description."""

    def run(
        name: str,
        text: str,
        *,
        command: str = SCRIPT,
        program: str = "python3",
        more: dict[str, tuple[str, str]] | None = None,
    ) -> dict[str, Any]:
        """more: further inputs, each with its key and its S3DataType."""
        s3.put_object(Bucket=BUCKET, Key=f"{name}/code/add.py", Body=command.encode())
        inputs = {"code": (f"{name}/code/add.py", "S3Prefix"), "input": (f"{name}/in", "S3Prefix"), **(more or {})}
        s3.put_object(Bucket=BUCKET, Key=f"{name}/in/numbers.txt", Body=text.encode())
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=role,
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            AppSpecification={
                "ImageUri": IMAGE,
                "ContainerEntrypoint": [program, "/opt/ml/processing/code/add.py"],
                "ContainerArguments": ["/opt/ml/processing/input", "/opt/ml/processing/output"],
            },
            Environment={"LABEL": "sum="},
            ProcessingInputs=[
                {
                    "InputName": folder,
                    "S3Input": {
                        "S3Uri": f"s3://{BUCKET}/{key}",
                        "LocalPath": f"/opt/ml/processing/{folder}",
                        "S3DataType": kind,
                        "S3InputMode": "File",
                    },
                }
                for folder, (key, kind) in inputs.items()
            ],
            ProcessingOutputConfig={
                "Outputs": [
                    {
                        "OutputName": "sum",
                        "S3Output": {
                            "S3Uri": f"s3://{BUCKET}/{name}/out",
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        )
        return until(
            lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
            lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping"),
        )

    return run


def test_inputs_are_there_and_outputs_go_to_s3(s3, process):
    job = process("adds", "1 2 39")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=BUCKET, Key="adds/out/sum.txt")["Body"].read() == b"sum=42"


def test_a_manifest_names_the_objects_that_a_job_gets(s3, process):
    for name in ("a/1", "a/2", "b/1"):
        s3.put_object(Bucket=BUCKET, Key=f"listed/in/{name}.txt", Body=b"x")
    manifest = [{"prefix": f"s3://{BUCKET}/listed/"}, "in/a/2.txt", "in/b/1.txt"]
    s3.put_object(Bucket=BUCKET, Key="listed/manifest", Body=json.dumps(manifest).encode())
    inputs = {"listed": ("listed/manifest", "ManifestFile")}
    job = process("lists", "1", more=inputs, command=LIST)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=BUCKET, Key="lists/out/sum.txt")["Body"].read() == b"in/a/2.txt in/b/1.txt"


def test_a_manifest_that_is_none_fails_the_job(s3, process):
    s3.put_object(Bucket=BUCKET, Key="no-manifest", Body=b"[]")
    job = process("no-list", "1", more={"listed": ("no-manifest", "ManifestFile")}, command=LIST)
    assert job["ProcessingJobStatus"] == "Failed" and "manifest file" in job["FailureReason"]


def test_a_spark_application_runs_on_this_machine(s3, process):
    job = process("spark", "1", command=SPARK, program="smspark-submit")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=BUCKET, Key="spark/out/sum.txt")["Body"].read() == b"local[2] 45"


def test_a_command_that_fails_fails_the_job_with_its_last_lines(process):
    job = process("cannot-add", "bad")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: cannot add bad, exit code: 1"


def test_a_job_that_ended_can_not_be_stopped(sagemaker, process):
    process("over", "1")
    code, message = refused(sagemaker.stop_processing_job, ProcessingJobName="over")
    assert (code, message) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Completed.",
    )
