"""Put a trained artifact into the model registry.

python -m training.register --artifact s3://bucket/key --group fraud --image URI [--lineage FILE] [--approve]
"""

import argparse
import hashlib
import io
import json
import re
import sys
import tarfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import boto3

# Admission compares these with the artifact before a release exists; `slipway.names` holds the same two keys.
ARTIFACT_SHA256 = "slipway:artifact-sha256"
XGBOOST_VERSION = "slipway:xgboost-version"

# Where a package came from; each key is `slipway:` and a field of Lineage.
RUN = "slipway:run"
BASELINE = "slipway:baseline"
LOOK_BACK = 50  # packages of the group, newest first, among which a run's own is looked for
LONGEST = 256  # characters of a value
_NOT_ALLOWED = re.compile(r"[^\w\s.:/=+\-@]")

ENVIRONMENT = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
CONTENT_TYPES = ["text/csv", "application/json"]
INSTANCE_TYPES = ["ml.m5.large", "ml.m5.xlarge", "ml.c5.large", "ml.c5.xlarge"]


@dataclass(frozen=True)
class Lineage:
    """What a package was made from; empty where unknown.

    run: the retraining run, a repetition of which finds the package it made. trigger: why it ran. data_window: first
    and last event time, unix seconds. dataset_sha256: of `dataset.json`. image_digest: of the training container.
    champion: the package it was compared with. holdout_log_loss, champion_log_loss: on the gate's holdout. comparison:
    address of `comparison.json`. mlflow_run: id of its run in MLflow.
    """

    run: str = ""
    trigger: str = ""
    data_window: str = ""
    dataset_sha256: str = ""
    image_digest: str = ""
    champion: str = ""
    comparison: str = ""
    holdout_log_loss: str = ""
    champion_log_loss: str = ""
    mlflow_run: str = ""

    def metadata(self) -> dict[str, str]:
        """Customer metadata; characters that SageMaker does not take become spaces."""
        given = {f"slipway:{name.replace('_', '-')}": value for name, value in asdict(self).items() if value}
        return {key: _NOT_ALLOWED.sub(" ", value)[:LONGEST] for key, value in given.items()}


def lineage(document: dict[str, str]) -> Lineage:
    """Raises ValueError naming an unknown key."""
    known = [field.name for field in fields(Lineage)]
    if unknown := sorted(set(document) - set(known)):
        raise ValueError(f"lineage: unknown key {', '.join(unknown)}; known: {', '.join(known)}")
    return Lineage(**document)


def register(
    sagemaker: Any,
    s3: Any,
    *,
    artifact: str,
    group: str,
    image: str,
    approve: bool = False,
    description: str = "",
    made_from: Lineage | None = None,
    evaluation: str = "",
    baseline: str = "",
) -> str:
    """Create a model package version, or find the one that this run made; returns its ARN.

    It waits for approval unless `approve`. evaluation: address of `evaluation.json`. baseline: address of a folder of
    baselines; the package's own, named by its version, becomes part of its metadata.
    Raises ValueError where `artifact` is no S3 address or the archive holds no manifest, and botocore's ClientError.
    """
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    if not (artifact.startswith("s3://") and bucket and key):
        raise ValueError(f"expected s3://bucket/key, got {artifact!r}")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    manifest = read_manifest(content)
    properties = metadata(manifest, hashlib.sha256(content).hexdigest()) | (made_from or Lineage()).metadata()
    arn = find(sagemaker, group, made_from.run) if made_from and made_from.run else None
    if arn is None:
        wanted = request(artifact, group, image, properties, description or _describe(manifest), evaluation)
        arn = sagemaker.create_model_package(**wanted)["ModelPackageArn"]
    if baseline:
        own = f"{baseline.rstrip('/')}/{arn.rpartition('/')[2]}/"
        sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={BASELINE: own})
    if approve:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    return arn


def find(sagemaker: Any, group: str, run: str) -> str | None:
    """The package that a retraining run made, among the newest of its group."""
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=LOOK_BACK
    )
    for summary in newest["ModelPackageSummaryList"]:
        seen = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
        if seen.get("CustomerMetadataProperties", {}).get(RUN) == run:
            return summary["ModelPackageArn"]
    return None


def request(
    artifact: str, group: str, image: str, properties: dict[str, str], description: str, evaluation: str = ""
) -> dict[str, Any]:
    """The parameters of CreateModelPackage."""
    wanted: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": description,
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": properties,
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": artifact, "Environment": ENVIRONMENT}],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
            "SupportedRealtimeInferenceInstanceTypes": INSTANCE_TYPES,
        },
    }
    if evaluation:
        statistics = {"ContentType": "application/json", "S3Uri": evaluation}
        wanted["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
    return wanted


def read_manifest(archive: bytes) -> dict[str, Any]:
    """The manifest inside a `model.tar.gz`. Raises ValueError where there is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return json.loads(tar.extractfile("manifest.json").read())
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise ValueError(f"the artifact is no model.tar.gz with a manifest.json: {error}") from None


def metadata(manifest: dict[str, Any], sha256: str) -> dict[str, str]:
    """The package's customer metadata: digests, version and every metric as `validation:auc` -> `0.982345`."""
    measured = {
        f"{part}:{name}": f"{value:.6f}"
        for part, values in manifest["metrics"].items()
        for name, value in values.items()
    }
    sources = {"slipway:data-sha256": manifest["data"]["sha256"], "slipway:code-sha256": manifest["code_sha256"]}
    return {ARTIFACT_SHA256: sha256, XGBOOST_VERSION: manifest["xgboost_version"], **sources, **measured}


def _describe(manifest: dict[str, Any]) -> str:
    data = manifest["data"]
    return f"{len(manifest['features'])} features, trained on {data['rows']} rows with {data['positives']} positives"


def main(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser(prog="python -m training.register", description=__doc__.splitlines()[0])
    parser.add_argument("--artifact", required=True, help="s3://bucket/key of a model.tar.gz")
    parser.add_argument("--group", required=True, help="the model package group: the endpoint's name")
    parser.add_argument("--image", required=True, help="the serving container's image")
    parser.add_argument("--description", default="")
    parser.add_argument("--lineage", type=Path, dest="made_from", help="a JSON file: what the model was made from")
    parser.add_argument("--evaluation", default="", help="s3://bucket/key of an evaluation.json")
    parser.add_argument("--baseline", default="", help="s3://bucket/prefix below which baselines lie by version")
    parser.add_argument("--approve", action="store_true", help="approve at once, which starts the release")
    options = parser.parse_args(arguments)
    if options.made_from:
        options.made_from = lineage(json.loads(options.made_from.read_text()))
    return register(boto3.client("sagemaker"), boto3.client("s3"), **vars(options))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
