"""Put a trained artifact into the model registry.

python -m training.register --artifact s3://bucket/key --group fraud --image URI [--approve]
"""

import argparse
import hashlib
import io
import json
import sys
import tarfile
from typing import Any

import boto3

# Admission compares these with the artifact before a release exists; `slipway.names` holds the same two keys.
ARTIFACT_SHA256 = "slipway:artifact-sha256"
XGBOOST_VERSION = "slipway:xgboost-version"

ENVIRONMENT = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
CONTENT_TYPES = ["text/csv", "application/json"]
INSTANCE_TYPES = ["ml.m5.large", "ml.m5.xlarge", "ml.c5.large", "ml.c5.xlarge"]


def register(
    sagemaker: Any, s3: Any, *, artifact: str, group: str, image: str, approve: bool = False, description: str = ""
) -> str:
    """Create a model package version; returns its ARN. It waits for approval unless `approve`.

    Raises ValueError where `artifact` is no S3 address or the archive holds no manifest, and botocore's ClientError.
    """
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    if not (artifact.startswith("s3://") and bucket and key):
        raise ValueError(f"expected s3://bucket/key, got {artifact!r}")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    manifest = read_manifest(content)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=description or _describe(manifest),
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties=metadata(manifest, hashlib.sha256(content).hexdigest()),
        InferenceSpecification={
            "Containers": [{"Image": image, "ModelDataUrl": artifact, "Environment": ENVIRONMENT}],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
            "SupportedRealtimeInferenceInstanceTypes": INSTANCE_TYPES,
        },
    )["ModelPackageArn"]
    if approve:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    return arn


def read_manifest(archive: bytes) -> dict[str, Any]:
    """The manifest inside a `model.tar.gz`. Raises ValueError where there is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return json.loads(tar.extractfile("manifest.json").read())
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise ValueError(f"the artifact is no model.tar.gz with a manifest.json: {error}") from None


def metadata(manifest: dict[str, Any], sha256: str) -> dict[str, str]:
    """The package's customer metadata: digest, version and every metric as `validation:auc` -> `0.982345`."""
    measured = {
        f"{part}:{name}": f"{value:.6f}"
        for part, values in manifest["metrics"].items()
        for name, value in values.items()
    }
    return {ARTIFACT_SHA256: sha256, XGBOOST_VERSION: manifest["xgboost_version"], **measured}


def _describe(manifest: dict[str, Any]) -> str:
    data = manifest["data"]
    return f"{len(manifest['features'])} features, trained on {data['rows']} rows with {data['positives']} positives"


def main(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser(prog="python -m training.register", description=__doc__.splitlines()[0])
    parser.add_argument("--artifact", required=True, help="s3://bucket/key of a model.tar.gz")
    parser.add_argument("--group", required=True, help="the model package group: the endpoint's name")
    parser.add_argument("--image", required=True, help="the serving container's image")
    parser.add_argument("--description", default="")
    parser.add_argument("--approve", action="store_true", help="approve at once, which starts the release")
    options = parser.parse_args(arguments)
    return register(boto3.client("sagemaker"), boto3.client("s3"), **vars(options))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
