"""Everything a handler meets: ledger, bucket, topic and workflow in moto, SageMaker and CloudWatch played."""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from lambdas.aws import ledger, pairs, serving
from lambdas.aws.clients import client
from lambdas.aws.reconcile import reconcile
from slipway import evidence, names, plan, traffic
from slipway import release as rel
from slipway.frame import Frame
from slipway.pairing import Cell, Claim
from slipway.pairsums import ArmSums, PairSums
from slipway.phases import Phase
from slipway.plan import Plan, Step
from slipway.release import Release
from tests.lambdas.cloudwatch import CloudWatch
from tests.lambdas.sagemaker import ACCOUNT, Runtime, SageMaker, Scaling
from tests.lambdas.wire import Wire

START = 1_800_000_000.0  # a full hour
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
PACKAGE = f"{ACCOUNT}:model-package/fraud/7"
BUCKET, TABLE = "slipway-test", "ledger"
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=256, invoked_function_arn="arn:aws:lambda:f", aws_request_id="r"
)
STEPS = (
    Step(Phase.SHADOW, minutes=2, requests=10),
    Step(Phase.CANARY, 25, minutes=2, requests=10),
    Step(Phase.BAKE, 100, minutes=2, requests=10),
)
FRAME = Frame(
    endpoint="fraud",
    image=IMAGE,
    role_arn="arn:aws:iam::123456789012:role/serving",
    instance_type="ml.m5.large",
    initial_instance_count=1,
    max_instance_count=8,
    target_invocations_per_instance=1000,
    capture_uri=f"s3://{BUCKET}/capture",
    capture_percentage=100,
    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    plan=Plan("short", STEPS, soak_seconds=60, guardrails=plan.UNSHOWN_QUALITY),
)
MANIFEST = {"xgboost_version": "3.2.0", "features": [{"name": "V1", "min": -1.5}, {"name": "Amount", "min": 0}]}
SHADOW, CANARY, BAKE = range(3)


@dataclass
class Clock:
    at: float = START

    def now(self) -> float:
        return self.at


@dataclass
class World:
    """Made inside moto's mock, with the clients' wire."""

    wire: Wire
    clock: Clock
    sagemaker: SageMaker = field(init=False)
    scaling: Scaling = field(default_factory=Scaling)
    runtime: Runtime = field(default_factory=Runtime)
    cloudwatch: CloudWatch = field(default_factory=CloudWatch)
    topic: str = field(init=False)
    machine: str = field(init=False)

    def __post_init__(self) -> None:
        self.sagemaker = SageMaker(self.clock.now)
        self.wire.fakes = {
            "sagemaker": self.sagemaker,
            "application-autoscaling": self.scaling,
            "sagemaker-runtime": self.runtime,
            "cloudwatch": self.cloudwatch,
        }
        self.scaling.targets[names.scalable_target("fraud", names.BASELINE)] = 1, 8
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        types = [{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys]
        client("dynamodb").create_table(
            TableName=TABLE, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        client("s3").create_bucket(Bucket=BUCKET)
        self.topic = client("sns").create_topic(Name="releases")["TopicArn"]
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        self.machine = client("stepfunctions").create_state_machine(
            name=names.PROMOTION, definition=definition, roleArn="arn:aws:iam::123456789012:role/promotion"
        )["stateMachineArn"]

    def execution(self, name: str) -> str:
        """A running execution of the workflow."""
        return str(client("stepfunctions").start_execution(stateMachineArn=self.machine, name=name)["executionArn"])

    def register(self, version: int = 7, manifest: object = MANIFEST, **changes: Any) -> str:
        """An approved package whose artifact lies in the bucket; `changes` of what DescribeModelPackage shows."""
        body = archive({"manifest.json": json.dumps(manifest).encode()})
        key = f"models/{version}/model.tar.gz"
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        arn = f"{ACCOUNT}:model-package/fraud/{version}"
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}"}
        self.sagemaker.packages[arn] = {
            "ModelPackageArn": arn,
            "ModelPackageGroupName": "fraud",
            "ModelPackageVersion": version,
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {"Containers": [container]},
            "CustomerMetadataProperties": {names.ARTIFACT_SHA256: hashlib.sha256(body).hexdigest()},
            "CreationTime": datetime.fromtimestamp(START, UTC),
            **changes,
        }
        return arn

    def release(self, execution: str = "") -> Release:
        """A release in the ledger, CREATED."""
        return self._created(release(execution))

    def at(self, step: int, execution: str = "") -> Release:
        """A release in the ledger whose step is in place."""
        known = release(execution)
        for _ in range(step + 1):
            known = rel.advance(known, self.clock.now(), "test")
            self._place(known)
            known = rel.in_place(known, self.clock.now())
        return self._created(known)

    def answered(self, known: Release, sums: PairSums | None = None) -> None:
        """What pairing has counted in the release's current step; without sums 200 valid answers of each variant."""
        counted = sums or PairSums(*[ArmSums(lines=200, captured=200)] * 2)
        claim = Claim(
            f"object-{self.clock.at}", "object", {Cell(known.id, known.step, int(self.clock.at // 60)): counted}
        )
        pairs.count(known.endpoint, [claim], self.clock.at)

    def _created(self, known: Release) -> Release:
        assert ledger.create(known, rel.entry(known, "CREATED", "test", self.clock.now(), known.reason))
        self.wire.calls.clear()
        return known

    def _place(self, known: Release) -> None:
        """Brings the endpoint to what a release wants, past the clients: tests begin here."""
        for _ in range(20):
            observed = serving.observe("fraud")
            wanted = rel.wanted(known, FRAME, observed)
            existing = {"models": frozenset(self.sagemaker.models), "configs": frozenset(self.sagemaker.configs)}
            work = traffic.plan(wanted, replace(observed, **existing))
            if work.in_place:
                return
            for call in work.calls:
                getattr(self.wire.fakes[call.service], call.method)(**call.parameters)
        raise AssertionError(f"never in place: {work.waiting}")

    def entered(self, moved: Release) -> Release:
        return ledger.write(moved, rel.entered(moved, "test"))

    def settle(self, known: Release) -> Release:
        """Reconciles until the endpoint is as the release in the ledger wants it."""
        for _ in range(20):
            known, _, work = reconcile(known)
            if work.in_place:
                return known
        raise AssertionError(f"never in place: {work.waiting}")

    def later(self, seconds: float) -> float:
        self.clock.at += seconds
        return self.clock.at

    def delete(self, key: str) -> None:
        client("s3").delete_object(Bucket=BUCKET, Key=key)

    def told(self) -> list[str]:
        """Subjects of the notifications sent."""
        return [message["Subject"] for message in self.wire.made("publish")]

    def emitted(self) -> list[str]:
        return [entry["DetailType"] for call in self.wire.made("put_events") for entry in call["Entries"]]


def release(execution: str = "", id: str = "fraud.7.3fa2c1") -> Release:
    return Release(
        id=id,
        endpoint="fraud",
        package=PACKAGE,
        candidate=names.model(id),
        baseline="fraud-first",
        baseline_config="fraud-first",
        instances=2,
        plan=FRAME.plan,
        created_at=START,
        entered_at=START,
        probe="-1.5,0",
        execution=execution,
        evidence=evidence.begin(plan.BUILTIN["canary"]),
        reason="package version 7 was approved",
    )


def archive(files: dict[str, bytes]) -> bytes:
    """A model.tar.gz."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return target.getvalue()


def history(release_id: str) -> list[tuple[str, str]]:
    """What and who of each line."""
    return [(line.what, line.by) for line in ledger.history(release_id)]
