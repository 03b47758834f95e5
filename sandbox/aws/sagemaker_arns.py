"""The ARNs of the SageMaker resources that a request names. Names are lower case in ARNs, as SageMaker has them."""

from typing import Any
from urllib.parse import unquote

# Request member -> resource type. The first that a request holds is what it acts on.
MEMBERS = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "TransformJobName": "transform-job",
    "MonitoringScheduleName": "monitoring-schedule",
    "ResourceArn": "",
    "ModelPackageArn": "model-package",
}
_JOB_DEFINITION = "JobDefinition"
_KINDS = {"DataQuality": "data-quality", "ModelQuality": "model-quality", "ModelBias": "model-bias"}

# Operations that need a permission on more than one of the resources they name.
BOTH = {"CreateEndpoint", "UpdateEndpoint"}


def is_invocation(path: str) -> bool:
    return path.startswith("/endpoints/")


def of_request(operation: str, path: str, request: dict[str, Any], region: str, account: str) -> list[str]:
    """The ARNs a request acts on, the main one first; ["*"] where SageMaker knows no resource."""
    prefix = f"arn:aws:sagemaker:{region}:{account}:"
    if is_invocation(path):
        return [f"{prefix}endpoint/{unquote(path.split('/')[2]).lower()}"]
    if operation.startswith("List"):
        return ["*"]
    if operation == "CreateModelPackage" and not request.get("ModelPackageName"):
        return [f"{prefix}model-package/{_name_of(str(request.get('ModelPackageGroupName', '*')))}/*"]
    if _JOB_DEFINITION in operation and request.get("JobDefinitionName"):
        kind = next((kind for word, kind in _KINDS.items() if word in operation), "model-explainability")
        return [f"{prefix}{kind}-job-definition/{request['JobDefinitionName'].lower()}"]
    found = [_arn(prefix, kind, str(request[member])) for member, kind in MEMBERS.items() if request.get(member)]
    return (found if operation in BOTH else found[:1]) or ["*"]


def _arn(prefix: str, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else f"{prefix}{kind}/{name.lower()}"


def _name_of(name_or_arn: str) -> str:
    return name_or_arn.rsplit("/", 1)[-1].lower()
