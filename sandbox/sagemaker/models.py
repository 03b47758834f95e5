"""Models: an image, an artifact and an environment, given directly or by an approved model package."""

from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from sandbox.sagemaker import registry, role
from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import CLOCK, Table, listing

MODELS: Table[dict[str, Any]] = Table("model", "model")


@operation
def create_model(params: Params) -> Answer:
    name = params["ModelName"]
    containers = [resolve(container) for container in _containers(params)]
    if not containers:
        raise invalid("Either PrimaryContainer or Containers must be specified.")
    if params.get("ExecutionRoleArn"):
        _check_artifacts(containers, params["ExecutionRoleArn"])
    record = {key: value for key, value in params.items() if key != "Tags"}
    record.update({"ModelArn": MODELS.arn(name), "CreationTime": CLOCK.now()})
    record.setdefault("EnableNetworkIsolation", False)
    if "PrimaryContainer" in params:
        record["PrimaryContainer"] = containers[0]
    else:
        record["Containers"] = containers
    MODELS.add(name, record, params.get("Tags", ()))
    return {"ModelArn": record["ModelArn"]}


@operation
def describe_model(params: Params) -> Answer:
    return MODELS.get(params["ModelName"])


@operation
def delete_model(params: Params) -> Answer:
    MODELS.remove(params["ModelName"])
    return {}


@operation
def list_models(params: Params) -> Answer:
    rows = [{key: model[key] for key in ("ModelName", "ModelArn", "CreationTime")} for model in MODELS.all()]
    return listing("Models", rows, "ModelName", params)


def served(name: str) -> dict[str, Any]:
    """What the data plane needs of a model: name, artifact, image, environment."""
    containers = _containers(MODELS.get(name))
    if len(containers) > 1:
        raise invalid(f'The sandbox does not serve multi-container models: "{MODELS.arn(name)}".')
    return {
        "name": name,
        "artifact": containers[0].get("ModelDataUrl"),
        "image": containers[0].get("Image"),
        "environment": containers[0].get("Environment", {}),
    }


def resolve(container: dict[str, Any]) -> dict[str, Any]:
    """A container definition with what its model package says filled in; its own environment wins."""
    package_name = container.get("ModelPackageName")
    if package_name is None:
        if "Image" not in container:
            raise invalid("Either Image or ModelPackageName must be specified for a container.")
        return container
    if "Image" in container or "ModelDataUrl" in container:
        raise invalid("Image and ModelDataUrl cannot be specified with ModelPackageName.")
    package = registry.deployable(package_name)
    packaged = package["InferenceSpecification"]["Containers"][0]
    environment = {**packaged.get("Environment", {}), **container.get("Environment", {})}
    given = {key: packaged[key] for key in ("Image", "ModelDataUrl") if key in packaged}
    return {**container, **given, "Environment": environment}


def _containers(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])


def _check_artifacts(containers: list[dict[str, Any]], role_arn: str) -> None:
    """SageMaker looks at the artifact, as the model's role, before it accepts the model."""
    s3 = role.client("s3", role.assume(role_arn))
    for url in (container["ModelDataUrl"] for container in containers if "ModelDataUrl" in container):
        address = urlsplit(url)
        try:
            s3.head_object(Bucket=address.netloc, Key=address.path.lstrip("/"))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                raise invalid(f"Could not find model data at {url}.") from error
            raise invalid(
                f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that '
                f'its trust relationship policy allows the action "sts:AssumeRole" for the service principal '
                f'"{role.SERVICE}". Also ensure that the role has "s3:GetObject" permissions and that the object '
                f"is located in {s3.meta.region_name}."
            ) from error
