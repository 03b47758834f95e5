"""What retraining's handlers meet besides: jobs that have run, their outputs in the bucket, a registry that grows."""

import json
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name

from lambdas import (
    admit_retraining,
    answer,
    ask_approval,
    check_data,
    choose_parameters,
    follow_retraining,
    gate,
    register,
)
from lambdas import settle_approval as settle
from lambdas.aws import runs
from lambdas.aws.clients import client
from slipway import codec
from slipway.drift.reference import Feature, Reference
from slipway.retraining import legs, tuning
from slipway.retraining.run import Run
from tests.lambdas.sagemaker import ACCOUNT
from tests.lambdas.world import BUCKET, CONTEXT, START, World, archive

CHAMPION = f"s3://{BUCKET}/models/first/model.tar.gz"
ARTIFACT = f"s3://{BUCKET}/models/fraud/new/output/model.tar.gz"
MANIFEST = {
    "xgboost_version": "3.2.0",
    "target": "Class",
    "features": [{"name": "V1", "min": -1.5, "missing_allowed": True}, {"name": "Amount", "min": 0}],
    "hyperparameters": {"max_depth": 3, "target": "Class", "time_column": "Time", "base_score": None, "seed": 7},
    "code_sha256": "c" * 64,
    "data": {"seen": [START - 86400 * 28, START - 86400 * 4]},
}
HOUR = 3600.0
DRIFT = {
    "endpoint": "fraud",
    "since": START - 9 * 86400,
    "until": START - 5 * 86400,
    "remedy": "RETRAIN",
    "reasons": ["positives are rarer than scored"],
    "findings": [{"detector": "concept", "cause": "concept", "subject": "V1", "says": "12 points", "effect": 0.1}],
}


class Jobs:
    """Of SageMaker: each took an hour, but those in `running`; and the registry's writing half."""

    def __init__(self, world: World) -> None:
        self._world, self.running, self.ended, self.stopped = world, {}, {}, []
        self._tokens: dict[str, str] = {}
        played = world.sagemaker
        for method in ("describe", "list", "stop"):
            for kind in ("Training", "Processing", tuning.KIND):
                name = f"{method}_{xform_name(kind)}_job{'s' if method == 'list' else ''}"
                setattr(played, name, self._bound(method, kind))
        played.create_model_package = self._create
        played.update_model_package = self._update
        played.describe_model = lambda **_: {"PrimaryContainer": {"ModelDataUrl": CHAMPION}}

    def _bound(self, method: str, kind: str) -> Any:
        return lambda **asked: getattr(self, f"_{method}")(kind, asked)

    def _describe(self, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        now = self._world.clock.now()
        times = {f"{kind}StartTime": _moment(now - HOUR), f"{kind}EndTime": _moment(now)}
        name = asked[f"{kind}JobName"]
        if kind == tuning.KIND:
            return described(name)
        cluster = {"ClusterConfig": {"InstanceCount": 2 if "-join-" in name else 1}}
        return {f"{kind}JobName": name, **times, **({"ProcessingResources": cluster} if kind == "Processing" else {})}

    def _list(self, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        known = self.running if "StatusEquals" in asked else self.running | self.ended
        found = [name for name, of in known.items() if of == kind and asked["NameContains"] in name]
        now = _moment(self._world.clock.now())
        shown = {f"{kind}JobArn": f"{ACCOUNT}:x", f"{kind}JobStatus": "InProgress", "CreationTime": now}
        return {f"{kind}JobSummaries": [{f"{kind}JobName": name, **shown} for name in found]}

    def _stop(self, kind: str, asked: dict[str, str]) -> None:
        self.stopped.append(asked[f"{kind}JobName"])

    def _create(self, **asked: Any) -> dict[str, str]:
        if asked["ClientToken"] not in self._tokens:
            version = len(self._world.sagemaker.packages) + 1
            arn = f"{ACCOUNT}:model-package/fraud/{version}"
            self._tokens[asked["ClientToken"]] = arn
            self._world.sagemaker.packages[arn] = {"ModelPackageArn": arn, **asked}
        return {"ModelPackageArn": self._tokens[asked["ClientToken"]]}

    def _update(self, **asked: Any) -> None:
        self._world.sagemaker.packages[asked["ModelPackageArn"]].update(asked)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class Retraining:
    """One endpoint with a champion; steps that call the handlers as the workflow does."""

    def __init__(self, world: World) -> None:
        self.world, self.jobs = world, Jobs(world)
        self.put("models/first/model.tar.gz", archive({"manifest.json": json.dumps(MANIFEST).encode()}))
        self.put("models/fraud/new/output/model.tar.gz", archive({"manifest.json": json.dumps(MANIFEST).encode()}))

    def put(self, key: str, body: bytes) -> None:
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def start(self, execution: str, given: dict[str, Any] | None = None, at: float | None = None) -> dict[str, Any]:
        """at: when the execution began, now unless told."""
        started = _moment(self.world.clock.now() if at is None else at).isoformat().replace("+00:00", "Z")
        event = {"input": given or {}, "execution": execution, "started": started}
        return json.loads(json.dumps(admit_retraining.handler(event, CONTEXT)))

    def begun(self, name: str = "one", **given: Any) -> dict[str, Any]:
        """The state of a workflow whose run was admitted."""
        execution = self.world.execution(name)
        turn = self.start(execution, given)
        assert turn["next"] == "assemble", turn["reason"]
        return {**turn, "execution": execution}

    def run(self, state: dict[str, Any]) -> Run:
        return runs.run(state["run_id"])

    def assembled(self, state: dict[str, Any], passed: bool = True, status: str = "Completed") -> dict[str, Any]:
        parts = {part: {"rows": 100, "sha256": f"of {part}"} for part in ("train", "holdout")}
        checks = [{"name": "classes", "passed": passed, "says": "holdout has 12 rows, 3 positive"}]
        dataset = {"passed": passed, "sha256": "d" * 64, "parts": parts, "checks": checks}
        self.put(f"{legs.folder(self.run(state))}/dataset/dataset.json", json.dumps(dataset).encode())
        state["assembled"] = {"status": status, "job": f"{state['run_id']}-data-0"}
        return self._step(check_data, state)

    def tuned(self, state: dict[str, Any]) -> dict[str, Any]:
        """The workflow's state after a tuning job, whose name has the count of redrives."""
        state["tuned"] = {"status": "Completed", "job": f"{state['tuning']['job']}-0"}
        return self._step(choose_parameters, state)

    def judged(self, state: dict[str, Any], better: bool = True) -> dict[str, Any]:
        self.put(f"{legs.folder(self.run(state))}/comparison/comparison.json", json.dumps(comparison(better)).encode())
        state["trained"] = {"status": "Completed", "job": f"{state['run_id']}-train-0", "artifact": ARTIFACT}
        state["compared"] = {"status": "Completed", "job": f"{state['run_id']}-eval-0"}
        return self._step(gate, state)

    def registered(self, state: dict[str, Any], bound_to: str = "") -> dict[str, Any]:
        made_for = bound_to or state["run_id"]
        reference = Reference("ref-new", made_for, (Feature("V1"), Feature("Amount")), Feature("score"))
        files = {"reference.json": codec.dumps(reference), "windows.jsonl": "{}", "golden.jsonl": "{}"}
        for file, body in files.items():
            self.put(f"{legs.folder(self.run(state))}/baseline/{file}", body.encode())
        state["baselined"] = {"status": "Completed", "job": f"{state['run_id']}-base-0"}
        state["registered"] = self._step(register, state)
        return state["registered"]

    def asked(self, state: dict[str, Any], token: str = "the-token") -> None:
        event = {"run_id": state["run_id"], "execution": state["execution"], "approval_seconds": 7200, "token": token}
        ask_approval.handler(event, CONTEXT)

    def to_approval(self, name: str = "one") -> dict[str, Any]:
        """A workflow whose challenger passed and is registered."""
        state = self.begun(name)
        assert self.assembled(state)["next"] == "train"
        assert self.judged(state)["next"] == "register"
        self.registered(state)
        return state

    def answer(self, **said: Any) -> Any:
        return answer.handler(said, CONTEXT)

    def settled(self, state: dict[str, Any]) -> dict[str, Any]:
        return self._step(settle, state)

    def ended(self, state: dict[str, Any], status: str = "FAILED", **detail: str) -> None:
        client("stepfunctions").stop_execution(executionArn=state["execution"])
        event = {"detail": {"executionArn": state["execution"], "status": status, **detail}}
        follow_retraining.handler(event, CONTEXT)

    def _step(self, handler: Any, state: dict[str, Any]) -> Any:
        return handler.handler({"state": state, "execution": state["execution"]}, CONTEXT)


def described(job: str) -> dict[str, Any]:
    """A tuning job of which two training jobs ended well."""
    best = {
        "TrainingJobName": f"{job}-002-1a2b3c4d",
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {"max-depth": "5", "eta": "0.07"},
        "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": tuning.OBJECTIVE, "Value": 0.123456},
    }
    return {
        "HyperParameterTuningJobName": job,
        "HyperParameterTuningJobStatus": "Completed",
        "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2}},
        "ObjectiveStatusCounters": {"Succeeded": 2, "Pending": 0, "Failed": 0},
        "BestTrainingJob": best,
    }


def comparison(better: bool) -> dict[str, Any]:
    """As `training/compare.py` writes it."""

    def measure(new: float, old: float) -> dict[str, float]:
        return {"challenger": new, "champion": old, "error": 0.01}

    model = {
        "sha256": "a" * 64,
        "bytes": 1000,
        "xgboost_version": "3.2.0",
        "features": ["V1", "Amount"],
        "missing_allowed": [],
        "threshold": 0.5,
        "positive_share": 0.1,
        "latency_ms": 0.1,
        "invalid": 0,
    }
    held = {"rows": 5000, "positives": 600, "since": START, "until": START + 1, "sha256": "h", "blocks": 40}
    same = {name: measure(0.9, 0.9) for name in ("auc", "pr_auc")} | {
        name: measure(0.1, 0.1) for name in ("brier", "calibration", "cost")
    }
    return {
        "holdout": held,
        "challenger": model,
        "champion": model,
        "costs": [0.5, 0.5],
        "log_loss": measure(0.2, 0.4) if better else measure(0.4, 0.4),
        "changed": 0.1,
        **same,
    }
