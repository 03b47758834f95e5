"""The model registry, and the artifact behind a package."""

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from slipway import lineage
from slipway.admission import Package, Refused

LARGEST = 400 * 1024 * 1024  # a function's /tmp holds 512 MiB
LARGEST_MANIFEST = 4 * 1024 * 1024


def describe(arn: str) -> Package:
    """A model package. Raises Refused for one that is not one container with one artifact."""
    seen = client("sagemaker").describe_model_package(ModelPackageName=arn)
    containers = seen.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1 or "ModelDataUrl" not in containers[0]:
        raise Refused(f"{arn} has {len(containers)} containers with artifacts; exactly one is served")
    return Package(
        arn=seen["ModelPackageArn"],
        group=seen["ModelPackageGroupName"],
        version=seen["ModelPackageVersion"],
        status=seen["ModelApprovalStatus"],
        image=containers[0]["Image"],
        artifact=containers[0]["ModelDataUrl"],
        metadata=seen.get("CustomerMetadataProperties", {}),
        changed_at=str(seen.get("LastModifiedTime", seen["CreationTime"])),
    )


def versions(group: str) -> list[lineage.Package]:
    """All versions of a group, as the record of experiments keeps them."""
    pages = client("sagemaker").get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    return [_version(row["ModelPackageArn"]) for page in pages for row in page["ModelPackageSummaryList"]]


def _version(arn: str) -> lineage.Package:
    seen = client("sagemaker").describe_model_package(ModelPackageName=arn)
    return lineage.Package(
        arn=seen["ModelPackageArn"],
        version=seen["ModelPackageVersion"],
        artifact=seen["InferenceSpecification"]["Containers"][0]["ModelDataUrl"],
        status=seen["ModelApprovalStatus"],
        created_at=seen["CreationTime"].timestamp(),
        metadata=seen.get("CustomerMetadataProperties", {}),
    )


def create(request: Mapping[str, Any]) -> str:
    """A new version of a group, whose ARN is returned; with the same ClientToken it is the same version."""
    return str(client("sagemaker").create_model_package(**request)["ModelPackageArn"])


def decide(arn: str, status: str, description: str) -> None:
    """Sets a version's approval (`Approved`, `Rejected`); one that has it already is left alone: no second event."""
    if client("sagemaker").describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] != status:
        client("sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=description[:1024]
        )


def artifact(uri: str) -> tuple[str, dict[str, Any]]:
    """SHA-256 and `manifest.json` of an artifact as it lies in S3 now. Raises Refused if there is none."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    size = _size(bucket, key)
    if size is None:
        raise Refused(f"{uri} is not there, or not below `models/` of Slipway's bucket; register the model again")
    if size > LARGEST:
        raise Refused(f"{uri} has {size} bytes; at most {LARGEST} are verified")
    with tempfile.TemporaryFile() as file:
        client("s3").download_fileobj(bucket, key, file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        return digest, _manifest(uri, file)


def _size(bucket: str, key: str) -> int | None:
    """Bytes; None for an object that is not there, which S3 calls forbidden to those who may not list its folder."""
    try:
        return int(client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "403"):
            return None
        raise


def _manifest(uri: str, file: Any) -> dict[str, Any]:
    try:
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            member = next(m for m in archive if m.name.removeprefix("./") == "manifest.json" and m.isfile())
            reader = archive.extractfile(member)
            manifest = json.load(reader) if reader and member.size < LARGEST_MANIFEST else None
            if not isinstance(manifest, dict):
                raise ValueError("manifest.json is no JSON object of a sensible size")
            return manifest
    except (tarfile.TarError, zlib.error, StopIteration, ValueError, EOFError, OSError) as error:
        raise Refused(
            f"{uri} is no model.tar.gz with a manifest.json ({error!r}); train it with training/train.py"
        ) from error
