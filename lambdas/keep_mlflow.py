"""Keep MLflow in step with the registry: after each change of a version, an endpoint or a release, and every hour."""

from typing import Any

from lambdas.aws import ledger, mlflow, registry, serving
from lambdas.aws.telemetry import logger, tracer
from slipway import lineage, names


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """EventBridge's events of these, or a schedule's `{"endpoint": ...}`; repeated it does nothing."""
    detail = event.get("detail", event)
    endpoint = detail.get("ModelPackageGroupName") or detail.get("EndpointName") or detail["endpoint"]
    server = ledger.frame(endpoint).retraining.mlflow
    calls = mlflow.reconcile(server, wanted(endpoint)) if server else 0
    logger.info("in step", endpoint=endpoint, calls=calls, after=event.get("detail-type", "schedule"))
    return {"calls": calls}


def wanted(endpoint: str) -> lineage.Wanted:
    packages = registry.versions(endpoint)
    model, _ = serving.champion(endpoint)
    version = names.package_version(endpoint, model)
    release_id = ledger.in_progress(endpoint)
    return lineage.Wanted(
        endpoint,
        tuple(packages),
        champion=next((package.arn for package in packages if str(package.version) == version), ""),
        candidate=lineage.on_its_way(packages, ledger.release(release_id).package if release_id else ""),
    )
