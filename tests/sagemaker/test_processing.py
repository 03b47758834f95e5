"""Processing jobs that really run, with /opt/ml/processing mapped."""

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


@pytest.fixture(scope="module")
def process(sagemaker, s3, role) -> Any:
    """Run a job that adds the numbers in `text`; returns its last description."""

    def run(name: str, text: str) -> dict[str, Any]:
        s3.put_object(Bucket=BUCKET, Key=f"{name}/code/add.py", Body=SCRIPT.encode())
        s3.put_object(Bucket=BUCKET, Key=f"{name}/in/numbers.txt", Body=text.encode())
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=role,
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            AppSpecification={
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/add.py"],
                "ContainerArguments": ["/opt/ml/processing/input", "/opt/ml/processing/output"],
            },
            Environment={"LABEL": "sum="},
            ProcessingInputs=[
                {
                    "InputName": folder,
                    "S3Input": {
                        "S3Uri": f"s3://{BUCKET}/{name}/{prefix}",
                        "LocalPath": f"/opt/ml/processing/{folder}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for folder, prefix in (("code", "code/add.py"), ("input", "in"))
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
