"""SageMaker as the handlers meet it: one endpoint, its models and configs, its registry, its scaling, its answers.

A change of the endpoint shows as `Updating` once before it is there. Messages are SageMaker's own.
"""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.lambdas.wire import Refusal

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
PAGE = 2


class SageMaker:
    """The control plane with one endpoint, `fraud`, that serves the model and config `fraud-first`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.status, self.failure, self.config = "InService", "", "fraud-first"
        self.live: dict[str, list[dict[str, Any]]] = {}
        self.pending: tuple[str, dict[str, list[dict[str, Any]]]] | None = None
        self.returns_silently = False  # an update ends InService on the old config
        self.models: dict[str, datetime] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.packages: dict[str, dict[str, Any]] = {}
        self.processing: dict[str, str] = {}  # status by name
        self.create_model("fraud-first")
        baseline = {"VariantName": "baseline", "ModelName": "fraud-first", "InstanceType": "ml.m5.large"}
        size = {"InitialInstanceCount": 2, "InitialVariantWeight": 1.0}
        self.create_endpoint_config("fraud-first", ProductionVariants=[{**baseline, **size}])
        self.live = _deployed(self.configs["fraud-first"])

    def weight(self, variant: str) -> float | None:
        return next((v["CurrentWeight"] for v in self.live["ProductionVariants"] if v["VariantName"] == variant), None)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        if EndpointName != "fraud":
            raise _missing("endpoint", EndpointName)
        status = "Updating" if self.pending else self.status
        shown = {"EndpointStatus": status, "EndpointConfigName": self.config, "FailureReason": self.failure}
        answer = {**shown, **{kind: [dict(v) for v in variants] for kind, variants in self.live.items()}}
        if self.pending:
            (self.config, self.live), self.pending = self.pending, None
        return answer

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        self._check_updatable()
        config = self.configs[EndpointConfigName]
        self.pending = (self.config, self.live) if self.returns_silently else (EndpointConfigName, _deployed(config))

    def update_endpoint_weights_and_capacities(
        self,
        EndpointName: str,  # noqa: N803
        DesiredWeightsAndCapacities: list[dict[str, Any]],  # noqa: N803
    ) -> None:
        self._check_updatable()
        wanted = {d["VariantName"]: d for d in DesiredWeightsAndCapacities}
        moved = [_changed(v, wanted.get(v["VariantName"], {})) for v in self.live["ProductionVariants"]]
        self.pending = self.config, {**self.live, "ProductionVariants": moved}

    def create_model(self, ModelName: str, **_: Any) -> None:  # noqa: N803
        if ModelName in self.models:
            raise _existing("model", ModelName)
        self.models[ModelName] = self._time()

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        if ModelName not in self.models:
            raise _missing("model", ModelName)
        return {"ModelName": ModelName}

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self.describe_model(ModelName)
        del self.models[ModelName]

    def list_models(self, **query: Any) -> dict[str, Any]:
        return _page([{"ModelName": name, "CreationTime": at} for name, at in self.models.items()], "Model", query)

    def create_endpoint_config(self, EndpointConfigName: str, **config: Any) -> None:  # noqa: N803
        if EndpointConfigName in self.configs:
            raise _existing("endpoint configuration", EndpointConfigName)
        for variant in [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]:
            self.describe_model(variant["ModelName"])
        self.configs[EndpointConfigName] = {**config, "CreationTime": self._time()}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise _missing("endpoint configuration", EndpointConfigName)
        return self.configs[EndpointConfigName]

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        self.describe_endpoint_config(EndpointConfigName)
        del self.configs[EndpointConfigName]

    def list_endpoint_configs(self, **query: Any) -> dict[str, Any]:
        rows = [{"EndpointConfigName": name, "CreationTime": c["CreationTime"]} for name, c in self.configs.items()]
        return _page(rows, "EndpointConfig", query)

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        if ModelPackageName not in self.packages:
            raise Refusal("ValidationException", f"ModelPackage {ModelPackageName} does not exist.")
        return self.packages[ModelPackageName]

    def list_processing_jobs(self, NameContains: str) -> dict[str, Any]:  # noqa: N803
        members = {"ProcessingJobArn": f"{ACCOUNT}:processing-job/x", "CreationTime": self._time()}
        found = {name: status for name, status in self.processing.items() if NameContains in name}
        rows = [{"ProcessingJobName": n, "ProcessingJobStatus": status, **members} for n, status in found.items()]
        return {"ProcessingJobSummaries": rows}

    def _check_updatable(self) -> None:
        if self.pending or self.status != "InService":
            raise Refusal("ValidationException", f'Cannot update in-progress endpoint "{ACCOUNT}:endpoint/fraud".')

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


class Scaling:
    """Application Auto Scaling: target id -> (least, most) instances."""

    def __init__(self) -> None:
        self.targets: dict[str, tuple[int, int]] = {}

    def describe_scalable_targets(self, ResourceIds: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        found = {name: self.targets[name] for name in ResourceIds if name in self.targets}
        rows = [{"ResourceId": name, "MinCapacity": low, "MaxCapacity": high} for name, (low, high) in found.items()]
        return {"ScalableTargets": rows}

    def register_scalable_target(
        self,
        ResourceId: str,  # noqa: N803
        MinCapacity: int,  # noqa: N803
        MaxCapacity: int,  # noqa: N803
        **_: Any,
    ) -> None:
        self.targets[ResourceId] = MinCapacity, MaxCapacity

    def put_scaling_policy(self, ResourceId: str, **_: Any) -> None:  # noqa: N803
        assert ResourceId in self.targets

    def deregister_scalable_target(self, ResourceId: str, **_: Any) -> None:  # noqa: N803
        if ResourceId not in self.targets:
            raise Refusal("ObjectNotFoundException", f"No scalable target found for {ResourceId}")
        del self.targets[ResourceId]


class Runtime:
    """The data plane: what each variant answers, or the exception it answers with."""

    def __init__(self) -> None:
        self.answers: dict[str, str | Exception] = {"baseline": "0.1\n", "candidate": "0.2\n"}
        self.answers_as: dict[str, str] = {}

    def invoke_endpoint(self, TargetVariant: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        answer = self.answers[TargetVariant]
        if isinstance(answer, Exception):
            raise answer
        invoked = self.answers_as.get(TargetVariant, TargetVariant)
        return {"Body": io.BytesIO(answer.encode()), "InvokedProductionVariant": invoked}


def _deployed(config: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    kinds = ("ProductionVariants", "ShadowProductionVariants")
    return {kind: [_variant(v) for v in config[kind]] for kind in kinds if config.get(kind)}


def _variant(v: Mapping[str, Any]) -> dict[str, Any]:
    weight, count = v["InitialVariantWeight"], v["InitialInstanceCount"]
    now = {"CurrentWeight": weight, "CurrentInstanceCount": count}
    return {"VariantName": v["VariantName"], **now, "DesiredWeight": weight, "DesiredInstanceCount": count}


def _changed(v: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    weight = wanted.get("DesiredWeight", v["DesiredWeight"])
    count = wanted.get("DesiredInstanceCount", v["DesiredInstanceCount"])
    now = {"CurrentWeight": weight, "CurrentInstanceCount": count}
    return {"VariantName": v["VariantName"], **now, "DesiredWeight": weight, "DesiredInstanceCount": count}


def _page(rows: list[dict[str, Any]], kind: str, query: Mapping[str, Any]) -> dict[str, Any]:
    found = [
        row
        for row in rows
        if query["NameContains"] in row[f"{kind}Name"] and row["CreationTime"] < query["CreationTimeBefore"]
    ]
    start = int(query.get("NextToken", 0))
    more = {"NextToken": str(start + PAGE)} if start + PAGE < len(found) else {}
    return {f"{kind}s": found[start : start + PAGE], **more}


def _missing(kind: str, name: str) -> Refusal:
    return Refusal("ValidationException", f'Could not find {kind} "{ACCOUNT}:{name}".')


def _existing(kind: str, name: str) -> Refusal:
    return Refusal("ValidationException", f'Cannot create already existing {kind} "{ACCOUNT}:{name}".')
