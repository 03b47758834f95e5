"""An endpoint's record, what DescribeEndpoint shows of it, and the events its changes send."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.sagemaker import events, store
from sandbox.sagemaker.deployment import PRODUCTION, SHADOW, Deployment, Variant
from sandbox.sagemaker.faults import FAULTS
from sandbox.sagemaker.store import CLOCK, Table

CREATING, UPDATING, IN_SERVICE, DELETING = "Creating", "Updating", "InService", "Deleting"
FAILED, ROLLBACK_FAILED, MAINTENANCE = "Failed", "UpdateRollbackFailed", "SystemUpdating"


@dataclass
class Endpoint:
    """`live` is what answers requests; `pending` is what an update is bringing in."""

    name: str
    arn: str
    config_name: str
    status: str = CREATING
    live: Deployment | None = None
    pending: Deployment | None = None
    pending_since: float = 0.0
    failure: str = ""
    version: int = 0
    last_deployment_config: dict[str, Any] | None = None
    created: float = field(default_factory=CLOCK.now)
    modified: float = field(default_factory=CLOCK.now)

    @property
    def shown_status(self) -> str:
        """AWS's own maintenance hides behind InService."""
        return MAINTENANCE if self.status == IN_SERVICE and FAULTS.in_maintenance(self.name) else self.status

    def move(self, status: str, failure: str = "") -> None:
        """Change status and tell EventBridge. Call it with the store's lock held."""
        self.status, self.failure, self.modified = status, failure, CLOCK.now()
        events.emit("Endpoint", self.arn, _event(self))

    def describe(self) -> dict[str, Any]:
        """DescribeEndpoint's answer."""
        answer: dict[str, Any] = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config_name,
            "EndpointStatus": self.shown_status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        if self.live:
            updating = self.status == UPDATING
            answer |= _variants(self.live, lambda variant: _summary(variant, updating))
            if self.live.capture:
                answer["DataCaptureConfig"] = _capture_summary(self.live.capture)
        if self.pending:
            answer["PendingDeploymentSummary"] = {
                "EndpointConfigName": self.pending.config_name,
                "StartTime": self.pending_since,
                **_variants(self.pending, lambda variant: _pending_summary(variant, self.pending_since)),
            }
        if self.last_deployment_config:
            answer["LastDeploymentConfig"] = self.last_deployment_config
        if self.failure:
            answer["FailureReason"] = self.failure
        return answer


ENDPOINTS: Table[Endpoint] = Table("endpoint", "endpoint")


def _variants(deployment: Deployment, summary: Any) -> dict[str, list[dict[str, Any]]]:
    kinds = (("ProductionVariants", PRODUCTION), ("ShadowProductionVariants", SHADOW))
    found = {
        member: [summary(variant) for variant in deployment.variants if variant.kind == kind] for member, kind in kinds
    }
    return {member: variants for member, variants in found.items() if variants}


def _summary(variant: Variant, updating: bool) -> dict[str, Any]:
    summary = {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": variant.model["image"], "ResolvedImage": _resolved(variant.model["image"])}
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": variant.instances,
        "DesiredInstanceCount": variant.desired_instances,
    }
    if updating:
        summary["VariantStatus"] = [{"Status": "Updating"}]
    return summary


def _resolved(image: str) -> str:
    """The image by digest; there is no registry to ask, so a tag's digest is that of its name."""
    repository = image.partition("@")[0].rsplit(":", 1)[0]
    return image if "@" in image else f"{repository}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _pending_summary(variant: Variant, since: float) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": variant.model["image"]}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": 0,
        "DesiredInstanceCount": variant.desired_instances,
        "InstanceType": variant.instance_type,
        "VariantStatus": [{"Status": "Creating", "StartTime": since}],
    }


def _capture_summary(capture: dict[str, Any]) -> dict[str, Any]:
    enabled = capture.get("EnableCapture", False)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }


def _event(endpoint: Endpoint) -> dict[str, Any]:
    detail = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        # EventBridge spells IN_SERVICE what DescribeEndpoint spells InService.
        "EndpointStatus": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", endpoint.status).upper(),
        "CreationTime": events.millis(endpoint.created),
        "LastModifiedTime": events.millis(endpoint.modified),
        "Tags": dict(store.tags_of(endpoint.arn)),
    }
    if endpoint.live:
        detail["ProductionVariants"] = [
            {
                "VariantName": variant.name,
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.desired_weight,
                "CurrentInstanceCount": variant.instances,
                "DesiredInstanceCount": variant.desired_instances,
            }
            for variant in endpoint.live.variants
            if variant.kind == PRODUCTION
        ]
    if endpoint.failure:
        detail["FailureReason"] = endpoint.failure
    return detail
