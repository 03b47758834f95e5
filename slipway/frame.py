"""What CDK declares about an endpoint, as the ledger keeps it: the frame in which releases paint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway import codec
from slipway.plan import BUILTIN, Plan
from slipway.plan import parse as parse_plan
from slipway.retraining.settings import Settings as Retraining

# What the first deployment was told, and CloudFormation is told ever after.
FROZEN = ("Image", "ArtifactUrl", "InstanceType", "InitialInstanceCount", "CapturePercentage")


@dataclass(frozen=True)
class Frame:
    """The settings of one endpoint. A change of them takes effect with the next release."""

    endpoint: str
    image: str
    role_arn: str
    instance_type: str
    initial_instance_count: int
    max_instance_count: int
    target_invocations_per_instance: int
    capture_uri: str  # s3://bucket/prefix
    capture_percentage: int
    kms_key_arn: str
    keep_old_config_days: int = 7
    plan: Plan = field(default_factory=lambda: BUILTIN["canary"])
    retraining: Retraining = field(default_factory=Retraining)

    @property
    def framework(self) -> str:
        """The XGBoost version the image serves, `3.2` of `...:3.2-0`; empty for an image that does not say."""
        tag = self.image.rsplit(":", 1)[-1] if ":" in self.image.rsplit("/", 1)[-1] else ""
        version = tag.split("-")[0]
        return version if version.replace(".", "").isdigit() else ""


def parse(properties: Mapping[str, str]) -> Frame:
    """The frame from the properties of `Custom::SlipwayFrame`, which CloudFormation hands over as strings.

    Raises KeyError or ValueError that names the property.
    """
    return Frame(
        endpoint=properties["Endpoint"],
        image=properties["Image"],
        role_arn=properties["RoleArn"],
        instance_type=properties["InstanceType"],
        initial_instance_count=int(properties["InitialInstanceCount"]),
        max_instance_count=int(properties["MaxInstanceCount"]),
        target_invocations_per_instance=int(properties["TargetInvocationsPerInstance"]),
        capture_uri=properties["CaptureUri"],
        capture_percentage=int(properties["CapturePercentage"]),
        kms_key_arn=properties["KmsKeyArn"],
        keep_old_config_days=int(properties["KeepOldConfigDays"]),
        plan=parse_plan(json.loads(properties["Plan"])),
        retraining=codec.loads(Retraining, properties["Retraining"]),
    )


def first(properties: Mapping[str, str]) -> dict[str, str]:
    return {name: properties[name] for name in FROZEN}
