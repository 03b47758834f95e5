"""What an endpoint serves, and what it should serve next. Pure: no clocks, no calls."""

import copy
from dataclasses import dataclass
from typing import Any

PRODUCTION, SHADOW = "production", "shadow"
COUNT, WEIGHT, CAPTURE = "DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"


@dataclass
class Variant:
    """One variant: its model as the data plane knows it, its weight and instances as they are and as wanted."""

    name: str
    kind: str
    model: dict[str, Any]
    instance_type: str
    weight: float
    instances: int
    desired_weight: float
    desired_instances: int

    def settle(self) -> None:
        """What was wanted is so."""
        self.weight, self.instances = self.desired_weight, self.desired_instances

    def revert(self) -> None:
        """What was wanted did not come about."""
        self.desired_weight, self.desired_instances = self.weight, self.instances


@dataclass
class Deployment:
    """An endpoint config at work: a copy, since the config itself may be deleted under the endpoint."""

    config_name: str
    config_arn: str
    capture: dict[str, Any] | None
    variants: list[Variant]

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

    def routing(self, version: int) -> dict[str, Any]:
        """The body of the data plane's PUT: what is wanted, since it answers once that is so."""
        return {
            "version": version,
            "config_name": self.config_name,
            "endpoint_config_arn": self.config_arn,
            "capture": _capture_rules(self.capture),
            "variants": [
                {
                    "name": variant.name,
                    "kind": variant.kind,
                    "weight": variant.desired_weight,
                    "instances": variant.desired_instances,
                    "model": variant.model,
                }
                for variant in self.variants
            ],
        }


def from_config(config: dict[str, Any], models: dict[str, dict[str, Any]]) -> Deployment:
    """The deployment that an endpoint config describes; `models` holds the served form of each model it names."""
    variants = [
        _variant(definition, kind, models)
        for kind, member in ((PRODUCTION, "ProductionVariants"), (SHADOW, "ShadowProductionVariants"))
        for definition in config.get(member, ())
    ]
    capture = copy.deepcopy(config.get("DataCaptureConfig"))
    return Deployment(config["EndpointConfigName"], config["EndpointConfigArn"], capture, variants)


def retain(new: Deployment, old: Deployment, excluded: set[str]) -> None:
    """RetainAllVariantProperties: `new` keeps what `old` has now, but for the excluded property types."""
    for variant in new.variants:
        before = old.variant(variant.name)
        if before is None or before.kind != variant.kind:
            continue
        if WEIGHT not in excluded:
            variant.weight = variant.desired_weight = before.desired_weight
        if COUNT not in excluded:
            variant.instances = variant.desired_instances = before.desired_instances
    if CAPTURE not in excluded:
        new.capture = old.capture


def _variant(definition: dict[str, Any], kind: str, models: dict[str, dict[str, Any]]) -> Variant:
    weight, count = float(definition["InitialVariantWeight"]), definition["InitialInstanceCount"]
    return Variant(
        name=definition["VariantName"],
        kind=kind,
        model=models[definition["ModelName"]],
        instance_type=definition["InstanceType"],
        weight=weight,
        instances=count,
        desired_weight=weight,
        desired_instances=count,
    )


def _capture_rules(capture: dict[str, Any] | None) -> dict[str, Any] | None:
    if not capture or not capture.get("EnableCapture"):
        return None
    modes = {option["CaptureMode"] for option in capture["CaptureOptions"]}
    types = capture.get("CaptureContentTypeHeader", {})
    return {
        "sampling_percentage": capture["InitialSamplingPercentage"],
        "destination": capture["DestinationS3Uri"],
        "options": [side for side in ("Input", "Output") if modes & {side, "InputAndOutput"}],
        "csv": types.get("CsvContentTypes", []),
        "json": types.get("JsonContentTypes", []),
    }
