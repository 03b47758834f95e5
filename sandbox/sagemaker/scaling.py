"""What Application Auto Scaling's hold on a variant forbids."""

from sandbox.aws import autoscaling
from sandbox.sagemaker.deployment import PRODUCTION, Deployment
from sandbox.sagemaker.errors import invalid

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def check(endpoint: str, old: Deployment, new: Deployment) -> None:
    """ValidationException when an update removes a scaled variant, or changes its instance type."""
    changed = [
        before.name for before in old.variants if before.kind == PRODUCTION and not _stays(before.name, old, new)
    ]
    resources = [f"endpoint/{endpoint}/variant/{name}" for name in changed]
    held = [resource for resource in resources if _is_scaled(resource)]
    if held:
        raise invalid(
            f'The variant(s) "[{", ".join(held)}]" must be deregistered as scalable targets with AWS Auto Scaling '
            f"before they can be removed or have their instance type changed."
        )


def _stays(name: str, old: Deployment, new: Deployment) -> bool:
    before, after = old.variant(name), new.variant(name)
    return (
        before is not None
        and after is not None
        and after.kind == PRODUCTION
        and after.instance_type == before.instance_type
    )


def _is_scaled(resource: str) -> bool:
    request = {"ServiceNamespace": "sagemaker", "ResourceIds": [resource], "ScalableDimension": _DIMENSION}
    return bool(autoscaling.call("DescribeScalableTargets", request)["ScalableTargets"])
