"""The model package of a challenger that passed the gate: what is served, how good it was, and where it comes from."""

import re
from collections.abc import Mapping
from typing import Any

from slipway import names
from slipway.comparison import Comparison
from slipway.retraining import legs
from slipway.retraining.run import Run

# The same as `training/register.py` gives a package that people register, and the same keys of lineage.
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
CONTENT_TYPES = ("text/csv", "application/json")
INSTANCE_TYPES = ("ml.m5.large", "ml.m5.xlarge", "ml.c5.large", "ml.c5.xlarge")
BASELINE = "slipway:baseline"
MEASURES = ("auc", "pr_auc", "brier", "calibration", "cost")
LONGEST, LONGEST_DESCRIPTION = 256, 1024
_NOT_ALLOWED = re.compile(r"[^\w\s.:/=+\-@]")


def request(
    run: Run,
    *,
    image: str,
    artifact: str,
    sha256: str,
    manifest: Mapping[str, Any],
    comparison: Comparison,
    compared: str,
    baseline: str,
) -> dict[str, Any]:
    """CreateModelPackage's; the run is its client token, so a repeated request makes no second version.

    artifact: S3 address of a model.tar.gz, sha256: its digest. compared: S3 address of comparison.json. baseline: of
    the folder in which the run has put its baseline.
    """
    container = {"Image": image, "ModelDataUrl": artifact, "Environment": ENVIRONMENT}
    return {
        "ModelPackageGroupName": run.trigger.endpoint,
        "ModelPackageDescription": _NOT_ALLOWED.sub(" ", describe(run, comparison))[:LONGEST_DESCRIPTION],
        "ModelApprovalStatus": "PendingManualApproval",
        "ClientToken": run.id[-36:].lstrip("-"),
        "CustomerMetadataProperties": metadata(run, sha256, manifest, comparison, compared) | {BASELINE: baseline},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": compared}}},
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": list(CONTENT_TYPES),
            "SupportedResponseMIMETypes": list(CONTENT_TYPES),
            "SupportedRealtimeInferenceInstanceTypes": list(INSTANCE_TYPES),
        },
    }


def metadata(
    run: Run, sha256: str, manifest: Mapping[str, Any], comparison: Comparison, compared: str
) -> dict[str, str]:
    lineage = {
        names.ARTIFACT_SHA256: sha256,
        names.XGBOOST_VERSION: manifest["xgboost_version"],
        "slipway:run": run.id,
        "slipway:trigger": f"{run.trigger.kind} {run.trigger.by} {run.trigger.reason}",
        "slipway:data-window": " - ".join(f"{moment:.0f}" for moment in manifest["data"]["seen"]),
        "slipway:dataset-sha256": run.output("dataset", ""),
        "slipway:code-sha256": manifest["code_sha256"],
        "slipway:champion": run.champion,
        "slipway:tuning-job": run.output(legs.TUNING_JOB, ""),
        "slipway:tuned": run.output(legs.TUNED, ""),
        "slipway:comparison": compared,
        "slipway:holdout-log-loss": f"{comparison.log_loss.challenger:.6f}",
        "slipway:champion-log-loss": f"{comparison.log_loss.champion:.6f}",
    }
    measured = {f"holdout:{name}": f"{getattr(comparison, name).challenger:.6f}" for name in MEASURES}
    return {key: _NOT_ALLOWED.sub(" ", value)[:LONGEST] for key, value in (lineage | measured).items() if value}


def describe(run: Run, comparison: Comparison) -> str:
    held, loss = comparison.holdout, comparison.log_loss
    return (
        f"Run {run.id} ({run.trigger.kind}). On {held.rows} fresh rows: "
        f"log-loss {loss.challenger:.4f}, the champion's {loss.champion:.4f}; "
        f"ROC-AUC {comparison.auc.challenger:.4f}, the champion's {comparison.auc.champion:.4f}."
    )
