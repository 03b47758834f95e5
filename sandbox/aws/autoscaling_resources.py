"""Application Auto Scaling in CloudFormation.

Ref of a target is `resource id|dimension|namespace`, Ref of a policy its ARN.
"""

from typing import Any

from sandbox.aws import autoscaling, cloudformation

_PREFIX = "AWS::ApplicationAutoScaling::"
_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def install() -> None:
    cloudformation.register(f"{_PREFIX}ScalableTarget", create_target, update_target, delete_target)
    cloudformation.register(f"{_PREFIX}ScalingPolicy", create_policy, update_policy, delete_policy)


def create_target(logical_id: str, properties: dict[str, Any], stack: str) -> cloudformation.Created:
    # CloudFormation's tags are a list of pairs, the service's a map.
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    _call("RegisterScalableTarget", {**properties, "Tags": tags})
    reference = "|".join(properties[name] for name in _TARGET)
    return reference, {"Id": reference}


def update_target(reference: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> cloudformation.Created:
    created = create_target("", new, stack)
    if created[0] != reference:
        delete_target(reference, old)
    return created


def delete_target(reference: str, properties: dict[str, Any]) -> None:
    """Deregister; a target that is gone already (its endpoint was deleted) is no error."""
    target = dict(zip(_TARGET, reference.split("|"), strict=True))
    if autoscaling.describe_scalable_targets(target)["ScalableTargets"]:
        autoscaling.deregister_scalable_target(target)


def create_policy(logical_id: str, properties: dict[str, Any], stack: str) -> cloudformation.Created:
    request = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
    if reference := properties.get("ScalingTargetId"):
        request |= zip(_TARGET, reference.split("|"), strict=True)
    arn = _call("PutScalingPolicy", request)["PolicyARN"]
    return arn, {"Arn": arn}


def update_policy(arn: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> cloudformation.Created:
    created = create_policy("", new, stack)
    if created[0] != arn:
        delete_policy(arn, old)
    return created


def delete_policy(arn: str, properties: dict[str, Any]) -> None:
    for policy in autoscaling.describe_scaling_policies({})["ScalingPolicies"]:
        if policy["PolicyARN"] == arn:
            autoscaling.delete_scaling_policy(policy)


def _call(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The API call for a template's properties. Raises ValueError, which fails the resource."""
    try:
        return autoscaling.call(operation, cloudformation.coerce(autoscaling.SERVICE, operation, properties))
    except autoscaling.Refused as refused:
        raise ValueError(f"{operation}: {refused}") from refused
