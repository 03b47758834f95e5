"""Model package groups: the name under which a model's packages are versioned."""

from dataclasses import dataclass
from typing import Any

from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing


@dataclass
class Group:
    """What DescribeModelPackageGroup answers, and how its packages are numbered: a number is never used again."""

    described: dict[str, Any]
    last_version: int = 0
    packages: int = 0

    def add_package(self) -> int:
        self.last_version += 1
        self.packages += 1
        return self.last_version


GROUPS: Table[Group] = Table("model-package-group", "model package group")
_SUMMARY_MEMBERS = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)


@operation
def create_model_package_group(params: Params) -> Answer:
    name = params["ModelPackageGroupName"]
    with LOCK:
        if GROUPS.find(name) is not None:
            raise invalid(f"Model Package Group already exists: {GROUPS.arn(name)}")
        record = {key: value for key, value in params.items() if key != "Tags"}
        record.update(
            {
                "ModelPackageGroupArn": GROUPS.arn(name),
                "CreationTime": CLOCK.now(),
                "CreatedBy": {},
                "ModelPackageGroupStatus": "Completed",
            }
        )
        GROUPS.add(name, Group(record), params.get("Tags", ()))
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


@operation
def describe_model_package_group(params: Params) -> Answer:
    return find(params["ModelPackageGroupName"]).described


@operation
def delete_model_package_group(params: Params) -> Answer:
    with LOCK:
        group = find(params["ModelPackageGroupName"])
        if group.packages:
            raise invalid(
                f"Model Package Group cannot be deleted because it still contains Model Packages: "
                f"{group.described['ModelPackageGroupArn']}"
            )
        GROUPS.remove(group.described["ModelPackageGroupName"])
    return {}


@operation
def list_model_package_groups(params: Params) -> Answer:
    rows = [{key: group.described[key] for key in _SUMMARY_MEMBERS if key in group.described} for group in GROUPS.all()]
    return listing("ModelPackageGroupSummaryList", rows, "ModelPackageGroupName", params)


def find(name_or_arn: str) -> Group:
    """The group of a name or ARN; ValidationException when there is none."""
    name = name_or_arn.rsplit("/", 1)[-1]
    group = GROUPS.find(name)
    if group is None:
        raise invalid(f"ModelPackageGroup {GROUPS.arn(name)} does not exist.")
    return group
