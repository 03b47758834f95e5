"""How the interpreter's tasks call other services: through the gateway, as the state machine's role, IAM enforced."""

import hashlib
import json
import os
import re
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import boto3
import jsonata
import jsonpath_ng.ext
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import Shape
from ministack.services import sts
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service as base,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_factory as factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils import boto_client, json_path

from sandbox.aws.cloudformation import service_model
from sandbox.aws.patching import replace
from sandbox.clock import Clock

READ_TIMEOUT = 900  # real seconds; as long as a Lambda function may run

# What a `.sync` task polls: create operation -> (describe operation, name of the job, its status).
JOBS = {
    "create_training_job": ("describe_training_job", "TrainingJobName", "TrainingJobStatus"),
    "create_processing_job": ("describe_processing_job", "ProcessingJobName", "ProcessingJobStatus"),
    "create_transform_job": ("describe_transform_job", "TransformJobName", "TransformJobStatus"),
}

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_parse_path = lru_cache(maxsize=512)(jsonpath_ng.ext.parse)
_INDEFINITE = re.compile(r"\*|\.\.|\?|\[[^\]]*[:,]")

# How Step Functions spells a service in the names of errors.
ERROR_NAMES = {
    "sagemaker": "SageMaker",
    "cloudwatch": "CloudWatch",
    "eventbridge": "EventBridge",
    "lambda": "Lambda",
    "s3": "S3",
    "sns": "Sns",
    "ssm": "Ssm",
}


def install(clock: Clock) -> None:
    _replace_everywhere("boto_client_for", boto_client.boto_client_for, client_for)
    replace(base.StateTaskService, "_normalise_parameters", _normalise_parameters)
    replace(base.StateTaskService, "_normalise_response", _normalise_response)
    aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_NAMES)
    replace(moto_jsonata, "_eval_jsonata", evaluate_jsonata)
    known = factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return SageMakerTask() if service_name == "sagemaker" else known(service_name)

    _replace_everywhere("state_task_service_for", known, service_for)
    _replace_everywhere("extract_json", json_path.extract_json, _definite_paths_give_values(json_path.extract_json))


def _replace_everywhere(name: str, old: Any, new: Any) -> None:
    """moto imports these functions by name into many modules."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("moto.stepfunctions") and getattr(module, name, None) is old:
            replace(module, name, new)


# Clients ------------------------------------------------------------------------------------------------------

_clients: dict[tuple[str, str, str], BaseClient] = {}
_making = threading.Lock()


def client_for(region: str, service: str, state_credentials: Any = None) -> BaseClient:
    """A client of the gateway with a session of the state machine's role; one a service and role."""
    key = region, service, state_credentials.role_arn
    with _making:
        if key not in _clients:
            _clients[key] = _make_client(*key)
        return _clients[key]


def _make_client(region: str, service: str, role_arn: str) -> BaseClient:
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        read_timeout=READ_TIMEOUT,
        max_pool_connections=50,
    )
    endpoint = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    if service == "sagemaker-runtime":
        endpoint = os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", endpoint)
    client = boto3.session.Session().client(
        service, region_name=region, endpoint_url=endpoint, config=config, **_role_session(role_arn)
    )
    call = client._make_api_call

    def make_api_call(operation: str, parameters: dict[str, Any]) -> Any:
        try:
            return _plain(call(operation, parameters))
        except ClientError as error:
            error.response.setdefault("ResponseMetadata", {}).setdefault("RequestId", str(uuid.uuid4()))
            raise

    client._make_api_call = make_api_call
    return client


def _role_session(role_arn: str) -> dict[str, str]:
    """Session credentials of a role, known to the gateway. The same role always gets the same ones."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    digest = hashlib.sha256(f"states:{role_arn}".encode()).hexdigest()
    access_key, secret, session_token = "ASIA" + digest[:16].upper(), digest, digest[::-1]
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/StepFunctions",
        "UserId": f"{name}:StepFunctions",
        "SecretAccessKey": secret,
        "SessionToken": session_token,
    }
    sts.register_session(access_key, session)
    return {
        "aws_access_key_id": access_key,
        "aws_secret_access_key": secret,
        "aws_session_token": session_token,
    }


def _plain(value: Any) -> Any:
    """A response as JSON: dates as ISO 8601 text, as Step Functions hands them to the next state."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


# Parameters and responses --------------------------------------------------------------------------------------


def _normalise_parameters(
    self: Any, parameters: dict, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    """Step Functions writes every member in PascalCase; the SDK wants the service's own case."""
    shape = _shapes(self, boto_service_name, service_action_name)[0]
    renamed = _rename(dict(parameters), shape, lambda name, members: members.get(name.lower(), name))
    parameters.clear()
    parameters.update(renamed)


def _normalise_response(
    self: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    if isinstance(response, dict):
        shape = _shapes(self, boto_service_name, service_action_name)[1]
        renamed = _rename(dict(response), shape, lambda name, _: name[0].upper() + name[1:])
        response.clear()
        response.update(renamed)


def _shapes(task: Any, service: str | None, action: str | None) -> tuple[Shape | None, Shape | None]:
    name = service or task._get_boto_service_name()
    return _operation_shapes(name, action or task._get_boto_service_action())


@lru_cache(maxsize=256)
def _operation_shapes(service: str, action: str) -> tuple[Shape | None, Shape | None]:
    model = service_model(service)
    operation = next((name for name in model.operation_names if xform_name(name) == action), None)
    if operation is None:
        return None, None
    return model.operation_model(operation).input_shape, model.operation_model(operation).output_shape


def _rename(value: Any, shape: Shape | None, spell: Callable[[str, dict[str, str]], str]) -> Any:
    if shape is not None and shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        known = {key: shape.members.get(members.get(key.lower(), key)) for key in value}
        return {spell(key, members): _rename(item, known[key], spell) for key, item in value.items()}
    if shape is not None and shape.type_name == "list" and isinstance(value, list):
        return [_rename(item, shape.member, spell) for item in value]
    return value


# JSONata -------------------------------------------------------------------------------------------------------


def evaluate_jsonata(expression: str) -> Any:
    """Evaluate JSONata with the functions that Step Functions adds. Raises moto's JSONataException."""
    try:
        program = jsonata.Jsonata(expression)
        program.register_lambda("uuid", lambda: str(uuid.uuid4()))
        program.register_lambda("parse", json.loads)
        program.register_lambda("hash", _hash)
        return json.loads(json.dumps(program.evaluate(None), default=_jsonable))
    except Exception as error:
        raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error


def _hash(text: Any, algorithm: str = "SHA-256") -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), str(text).encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    if hasattr(value, "__iter__"):
        return list(value)
    return int(value) if float(value).is_integer() else float(value)


# JSONPath ------------------------------------------------------------------------------------------------------


def _definite_paths_give_values(extract: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """`$.a[0].b` names one value; moto hands it over in a list."""

    def extract_json(path: str, data: Any) -> Any:
        if _INDEFINITE.search(_QUOTED.sub("", path)):
            return extract(path, data)
        matches = _parse_path(path).find(data)
        if not matches:
            raise json_path.NoSuchJsonPathError(json_path=path, data=data)
        return matches[0].value

    return extract_json


# SageMaker jobs ------------------------------------------------------------------------------------------------


class SageMakerTask(aws_sdk.StateTaskServiceAwsSdk):
    """The optimised SageMaker integration: `createTrainingJob.sync` and its siblings wait for the job's end."""

    def __init__(self) -> None:
        callback.StateTaskServiceCallback.__init__(self, supported_integration_patterns={ResourceCondition.Sync})

    def _get_sfn_resource_type(self) -> str:
        return "sagemaker"

    def _build_sync_resolver(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict, state_credentials: Any
    ) -> Callable[[], Any]:
        describe, name, status = JOBS[self._get_boto_service_action()]
        client = client_for(resource_runtime_part.region, "sagemaker", state_credentials)

        def resolve() -> dict[str, Any] | None:
            job = getattr(client, describe)(**{name: normalised_parameters[name]})
            job.pop("ResponseMetadata", None)
            if job[status] == "Failed":
                failure = self._get_task_failure_event(env, "States.TaskFailed", json.dumps(job))
                raise FailureEventException(failure)
            return job if job[status] in ("Completed", "Stopped") else None

        return resolve
