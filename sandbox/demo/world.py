"""Slipway deployed into a sandbox, with a data scientist's hands: train, register, approve; and users who send."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sandbox import candidates, data
from sandbox.demo.toolchain import ROOT, Cdk, Say
from sandbox.environment import Sandbox
from sandbox.server import ACCOUNT, REGION
from slipway import names
from training import package, register

ENDPOINT = "fraud"
# Waiting times fit a demonstration; how sure the judge must be is the default. One payment in 600 is a fraud, so to
# show the quality takes hours of labels, and the plan does not wait for them; and nobody is there to look at a page.
PLAN = {
    "name": "canary",
    "soak_seconds": 60,
    "sampled_a_minute": 60,
    "guardrails": [{"metric": "quality", "required": False}, {"metric": "disagreement", "action": "roll_back"}],
    "steps": [
        {"phase": "SHADOW", "minutes": 15, "requests": 1000},
        *({"phase": "CANARY", "weight": weight, "minutes": 5, "requests": 300} for weight in (5, 25, 50, 100)),
        {"phase": "BAKE", "weight": 100, "minutes": 10, "requests": 1000},
    ],
}
# Which part of the answers users click on, by the variant that gave them.
CLICKS = {names.BASELINE: 0.3, names.CANDIDATE: 0.4}
CHAMPION = {"max-depth": 3, "num-round": 40, "eta": 0.15}
CANDIDATE = {"min-child-weight": 5, "lambda": 10}


@dataclass(frozen=True)
class Dataset:
    """endpoint: what serves models of it. target, time: columns, of which the second is no feature. slices: cuts a
    table into files below a folder, by name; `NAME-train` and `NAME-validation` are what the job NAME trains on."""

    endpoint: str
    target: str
    time: str
    slices: Callable[[Path, Path], dict[str, Path]]


def _payments(rows: Path, folder: Path) -> dict[str, Path]:
    return {name: data.cut(rows, name, folder / name / "rows.parquet") for name in data.SLICES}


PAYMENTS = Dataset(ENDPOINT, "Class", "Time", _payments)


class TrainingFailed(RuntimeError):
    """A training job did not complete; the message is its failure reason."""


class World:
    """One sandbox with Slipway in it. `say` gets a line of progress at a time; `plan` is cdk.json's `plan`."""

    def __init__(
        self,
        sandbox: Sandbox,
        rows: Path,
        out: Path,
        say: Say,
        plan: Mapping[str, Any] = MappingProxyType(PLAN),
        dataset: Dataset = PAYMENTS,
    ) -> None:
        self.sandbox, self.out, self.say, self.plan, self.dataset = sandbox, out, say, dict(plan), dataset
        self._own_plan, self.name = self.plan, dataset.endpoint
        self.cdk = Cdk(sandbox.environment(), out)
        self._slices = dataset.slices(rows, out / "data")
        self.users: Users | None = None
        self.settings: dict[str, Any] = {"monitor": "off", "retraining": {"mlflow": sandbox.mlflow_url}}

    def endpoint(self, first_model: str | None) -> dict[str, Any]:
        """Unwatched where the story is not about drift: a look every few seconds costs more than such a story."""
        told = {"alarm_email": "oncall@example.com", **self.settings}
        return {"name": self.name, "plan": self.plan, "first_model": first_model, **told}

    def watch(self, settings: Mapping[str, Any]) -> None:
        """Deploys with monitoring; settings: cdk.json's `drift`."""
        self.settings |= {"monitor": "slipway", "drift": dict(settings)}
        self.cdk.deploy([self.endpoint(self.first_model())], self.say)

    def deploy_frame(self) -> None:
        """Bootstrap, and the stacks without an endpoint: there is no model to serve yet."""
        self.cdk.bootstrap(ACCOUNT, REGION, self.say)
        self.cdk.deploy([self.endpoint(None)], self.say)
        self._upload()

    def deploy_champion(self) -> str:
        """The endpoint with its first model, whose S3 address is returned."""
        artifact = self.train("champion", CHAMPION)
        self.cdk.deploy([self.endpoint(artifact)], self.say)
        return artifact

    def use_plan(self, changes: Mapping[str, Any]) -> None:
        """Deploys the world's own plan with some keys changed, unless it is what the next release gets anyway."""
        plan = {**self._own_plan, **changes}
        if plan != self.plan:
            self.plan = plan
            self.cdk.deploy([self.endpoint(self.first_model())], self.say)

    def first_model(self) -> str:
        """As the first deployment was told, perhaps by another process."""
        key = {"pk": {"S": f"ENDPOINT#{self.name}"}, "sk": {"S": "FIRST"}}
        item = self.sandbox.client("dynamodb").get_item(TableName=names.LEDGER_TABLE, Key=key)["Item"]
        return str(json.loads(item["document"]["S"])["ArtifactUrl"])

    def outputs(self) -> dict[str, str]:
        """What the State stack tells its users."""
        stacks = self.sandbox.client("cloudformation").describe_stacks(StackName=f"{names.PREFIX}-state")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    def train(self, name: str, hyperparameters: dict[str, Any]) -> str:
        """Runs a SageMaker training job on the slices of that name; returns the artifact's S3 address."""
        job = f"{self.name}-{name}-{int(time.time())}"
        client = self.sandbox.client("sagemaker")
        client.create_training_job(**self._job(job, name, hyperparameters))
        while True:
            seen = client.describe_training_job(TrainingJobName=job)
            if seen["TrainingJobStatus"] == "Completed":
                measured = {m["MetricName"]: round(m["Value"], 4) for m in seen.get("FinalMetricDataList", [])}
                self.say(f"training job {job}: Completed {measured}")
                return str(seen["ModelArtifacts"]["S3ModelArtifacts"])
            if seen["TrainingJobStatus"] in ("Failed", "Stopped"):
                raise TrainingFailed(
                    f"{job} {seen['TrainingJobStatus']}: {seen.get('FailureReason', 'no reason given')}"
                )
            time.sleep(0.3)

    def register(self, artifact: str, kind: str = "good") -> str:
        """Registers a candidate made from a trained artifact as a model package that waits for approval."""
        s3 = self.sandbox.client("s3")
        bucket, _, key = artifact.removeprefix("s3://").partition("/")
        trained = self.out / "artifacts" / "trained.tar.gz"
        trained.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(trained))
        source = candidates.Source(trained, self._slices["candidate-train"], self._slices["candidate-validation"])
        made = candidates.build(kind, source, self.out / "artifacts" / f"{kind}.tar.gz")
        address = f"{names.MODELS}/candidates/{int(time.time() * 1000)}-{kind}/model.tar.gz"
        s3.upload_file(str(made), bucket, address)
        return register.register(
            self.sandbox.client("sagemaker"), s3, artifact=f"s3://{bucket}/{address}", group=self.name, image=self.image
        )

    def approve(self, package_arn: str) -> None:
        self.sandbox.client("sagemaker").update_model_package(
            ModelPackageArn=package_arn, ModelApprovalStatus="Approved", ApprovalDescription="metrics reviewed"
        )

    @property
    def image(self) -> str:
        return self.outputs()[f"Image{self.name.title()}"]

    def start_users(self, rate: float, rows: Path | None = None, *options: str) -> None:
        """Users who send these rows, the stream's unless told otherwise, in place of those who sent before.

        options: further ones of `python -m sandbox.traffic`.
        """
        self.stop()
        bucket = self.outputs()["BucketName"]
        given = ["--endpoint", self.name, "--target", self.dataset.target, "--drop", self.dataset.time, *options]
        self.users = Users(self.sandbox, rows or self.slice("stream"), rate, bucket, self.out, given)

    def slice(self, name: str) -> Path:
        """A part of the data, as Parquet."""
        return self._slices[name]

    def inject(self, variant: str, fault: dict[str, Any]) -> None:
        """Switches a physical fault of a variant; `{}` ends it."""
        self._control("PUT", f"faults/{self.name}/{variant}", fault)

    def dataplane(self) -> dict[str, Any]:
        """The data plane's counters of the endpoint."""
        state: dict[str, Any] = self._control("GET", "state")["endpoints"].get(self.name, {})
        return state

    def dropped(self) -> int:
        """Flushes of metrics or capture that the data plane gave up: the machine is too slow for the clock."""
        return int(self._control("GET", "state")["flushes_dropped"])

    def stop(self) -> None:
        if self.users:
            self.users.stop()

    def _job(self, job: str, name: str, hyperparameters: dict[str, Any]) -> dict[str, Any]:
        outputs = self.outputs()
        bucket = outputs["BucketName"]
        given = {"target": self.dataset.target, "time-column": self.dataset.time, **hyperparameters}
        source = f"s3://{bucket}/{names.CODE}/sourcedir.tar.gz"
        script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": source}
        metrics = ("auc", "pr_auc", "log_loss")
        return {
            "TrainingJobName": job,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": f"validation:{metric}", "Regex": rf"validation:{metric}=([0-9.]+)"} for metric in metrics
                ],
            },
            "RoleArn": outputs["TrainingRoleArn"],
            "HyperParameters": {key: str(value) for key, value in (given | script).items()},
            "InputDataConfig": [
                _channel(channel, f"s3://{bucket}/{names.DATA}/{name}/{channel}/")
                for channel in ("train", "validation")
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/{names.MODELS}"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        }

    def _upload(self) -> None:
        """What the training jobs read: the training code and the slices."""
        s3, bucket = self.sandbox.client("s3"), self.outputs()["BucketName"]
        code = package.sourcedir(self.out / "artifacts" / "sourcedir.tar.gz")
        s3.upload_file(str(code), bucket, f"{names.CODE}/sourcedir.tar.gz")
        for part, source in self._slices.items():
            name, _, channel = part.partition("-")
            if channel:
                s3.upload_file(str(source), bucket, f"{names.DATA}/{name}/{channel}/{source.name}")

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.sandbox.dataplane_url}/_control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"x-sandbox-token": self.sandbox.token},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.loads(answer.read() or b"{}"))


class Users:
    """The traffic process. `latest` is its last report."""

    def __init__(
        self, sandbox: Sandbox, rows: Path, rate: float, bucket: str, out: Path, further: Sequence[str] = ()
    ) -> None:
        command = [sys.executable, "-m", "sandbox.traffic", "--rows", str(rows)]
        options = ["--rate", str(rate), "--bucket", bucket, "--url", sandbox.dataplane_url]
        options += [part for variant, share in CLICKS.items() for part in ("--clicks", f"{variant}={share}")]
        self._log = (out / "traffic.log").open("wb")
        self._process = subprocess.Popen(
            [*command, *options, *further],
            cwd=ROOT,
            env={**_without_aws(), **sandbox.environment()},
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self.latest: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        self._reader.join(2)
        self._log.close()

    def _read(self) -> None:
        """The process reports once a second; `rate` is of the last one."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                report = json.loads(line)
                self.latest = report | {"rate": report["sent"] - self.latest.get("sent", 0)}


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "application/x-parquet"}
