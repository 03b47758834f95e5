"""The model registry: groups, and packages versioned in them, with the events that approvals send."""

import copy
from typing import Any

from ministack.core.arn import parse_arn

from sandbox.sagemaker import events, groups
from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, LOCK, Table, listing, tag

PACKAGES: Table[dict[str, Any]] = Table("model-package", "model package")
_TOKENS: dict[str, str] = {}
_EVENT_MEMBERS = [
    "ModelPackageGroupName",
    "ModelPackageName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "MetadataProperties",
    "ModelMetrics",
]
_SUMMARY_MEMBERS = [
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
]


@operation
def create_model_package(params: Params) -> Answer:
    group: str = params.get("ModelPackageGroupName", "")
    name: str | None = params.get("ModelPackageName")
    if group and name:
        raise invalid(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        )
    if not group and not name:
        raise invalid("Missing ARN.")
    with LOCK:
        if made := _made_with(params.get("ClientToken")):
            return {"ModelPackageArn": made["ModelPackageArn"]}
        package = _new_package(params)
        if name is None:
            key = _add_version(group.rsplit("/", 1)[-1], package)
        else:
            key = name
            PACKAGES.add(name, package)
        package["ModelPackageArn"] = PACKAGES.arn(key)
        tag(package["ModelPackageArn"], params.get("Tags", ()))
        if "ClientToken" in params:
            _TOKENS[params["ClientToken"]] = package["ModelPackageArn"]
    _emit(package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation
def describe_model_package(params: Params) -> Answer:
    return find(params["ModelPackageName"])


@operation
def batch_describe_model_package(params: Params) -> Answer:
    found: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for package_arn in params["ModelPackageArnList"]:
        package = PACKAGES.find(_key(package_arn))
        if package is None:
            errors[package_arn] = {"ErrorCode": "ValidationException", "ErrorResponse": _missing(package_arn)}
        else:
            summary = {key: package[key] for key in _SUMMARY_MEMBERS if key in package}
            found[package_arn] = {**summary, "InferenceSpecification": package["InferenceSpecification"]}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


@operation
def update_model_package(params: Params) -> Answer:
    with LOCK:
        package = find(params["ModelPackageArn"])
        if "ModelApprovalStatus" in params and "ModelPackageVersion" not in package:
            raise invalid("ModelApprovalStatus can only be updated for versioned model packages.")
        previous = package.get("ModelApprovalStatus")
        for member in ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri"):
            if member in params:
                package[member] = copy.deepcopy(params[member])
        _update_metadata(package, params)
        package["LastModifiedTime"] = CLOCK.now()
    if package.get("ModelApprovalStatus") != previous:
        _emit(package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation
def delete_model_package(params: Params) -> Answer:
    with LOCK:
        package = find(params["ModelPackageName"])
        PACKAGES.remove(_key(package["ModelPackageArn"]))
        if "ModelPackageGroupName" in package:
            groups.find(package["ModelPackageGroupName"]).packages -= 1
    return {}


@operation
def list_model_packages(params: Params) -> Answer:
    group = params.get("ModelPackageGroupName", "").rsplit("/", 1)[-1]
    kind = params.get("ModelPackageType", "Versioned" if group else "Unversioned")
    status = params.get("ModelApprovalStatus")
    rows = [
        {key: package[key] for key in _SUMMARY_MEMBERS if key in package}
        for package in PACKAGES.all()
        if package.get("ModelPackageGroupName", "") == (group or package.get("ModelPackageGroupName", ""))
        and kind in ("Both", "Versioned" if "ModelPackageVersion" in package else "Unversioned")
        and status in (None, package.get("ModelApprovalStatus"))
    ]
    return listing("ModelPackageSummaryList", rows, "ModelPackageArn", params)


def find(name_or_arn: str) -> dict[str, Any]:
    """The package of an ARN or name; ValidationException when there is none."""
    package = PACKAGES.find(_key(name_or_arn))
    if package is None:
        raise invalid(_missing(name_or_arn))
    return package


def deployable(name_or_arn: str) -> dict[str, Any]:
    """The package, if a model may be made from it: complete, and approved when it is a version in a group."""
    package = find(name_or_arn)
    if package.get("ModelApprovalStatus", "Approved") != "Approved":
        raise invalid(
            f'Cannot create a model from model package "{package["ModelPackageArn"]}" with approval status '
            f"{package['ModelApprovalStatus']}: the model package is not approved."
        )
    return package


def _made_with(token: str | None) -> dict[str, Any] | None:
    """The package that an earlier request with the same token made: a repeated request makes no second one."""
    return PACKAGES.find(_key(_TOKENS[token])) if token and token in _TOKENS else None


def _new_package(params: Params) -> dict[str, Any]:
    package = {key: copy.deepcopy(value) for key, value in params.items() if key not in ("Tags", "ClientToken")}
    package.update({"CreationTime": CLOCK.now(), "ModelPackageStatus": "Completed"})
    package["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    package.setdefault("CertifyForMarketplace", False)
    return package


def _add_version(group: str, package: dict[str, Any]) -> str:
    version = groups.find(group).add_package()
    package.update({"ModelPackageGroupName": group, "ModelPackageVersion": version})
    package.setdefault("ModelApprovalStatus", "PendingManualApproval")
    key = f"{group.lower()}/{version}"
    PACKAGES.add(key, package)
    return key


def _update_metadata(package: dict[str, Any], params: Params) -> None:
    metadata = package.setdefault("CustomerMetadataProperties", {})
    metadata.update(params.get("CustomerMetadataProperties", {}))
    for key in params.get("CustomerMetadataPropertiesToRemove", ()):
        metadata.pop(key, None)


def _key(name_or_arn: str) -> str:
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    resource: str = parse_arn(name_or_arn).resource
    return resource.removeprefix("model-package/")


def _missing(name_or_arn: str) -> str:
    package_arn = name_or_arn if name_or_arn.startswith("arn:") else PACKAGES.arn(name_or_arn)
    return f"ModelPackage {package_arn} does not exist."


def _emit(package: dict[str, Any]) -> None:
    detail = {key: package[key] for key in _EVENT_MEMBERS if key in package}
    detail["CreationTime"] = events.iso(package["CreationTime"])
    if "LastModifiedTime" in package:
        detail["LastModifiedTime"] = events.iso(package["LastModifiedTime"])
    events.emit("Model Package", package["ModelPackageArn"], detail)
