"""How the interpreter's tasks call other services: through the gateway, as the state machine's role, IAM enforced."""

import contextlib
import hashlib
import json
import logging
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from ministack.services import sts
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
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
from moto.stepfunctions.parser.asl.utils import boto_client

from sandbox.aws.patching import replace, replace_imported
from sandbox.aws.states_time import JOB_POLL

logger = logging.getLogger(__name__)

READ_TIMEOUT = 900  # real seconds; as long as a Lambda function may run

# What a `.sync` task waits for, and stops when it is stopped itself: create operation -> kind of job.
JOBS = {
    "create_training_job": "Training",
    "create_processing_job": "Processing",
    "create_transform_job": "Transform",
    "create_hyper_parameter_tuning_job": "HyperParameterTuning",
}

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


def install() -> None:
    replace_imported(boto_client, "boto_client_for", client_for)
    aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_NAMES)
    known = factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return SageMakerTask() if service_name == "sagemaker" else known(service_name)

    replace_imported(factory, "state_task_service_for", service_for)
    _log_what_no_workflow_expects()


def _log_what_no_workflow_expects() -> None:
    """A fault of the interpreter itself becomes a state's error; moto's log keeps neither its name nor its place."""
    from_error = replace(ExecutionState, "_from_error", None)

    def log_and_go_on(self: ExecutionState, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, FailureEventException):
            logger.error("a task broke down: %r", ex, exc_info=ex)
        return from_error(self, env, ex)

    ExecutionState._from_error = log_and_go_on


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
        except (HTTPClientError, NoConnectionError) as error:
            raise ClientError(_unanswered(error), operation) from error

    client._make_api_call = make_api_call
    return client


def _unanswered(error: Exception) -> dict[str, Any]:
    """How Step Functions tells of a call whose answer it never got, which a workflow may retry:
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html.
    """
    return {
        "Error": {"Code": "SdkClientException", "Message": f"Unable to execute HTTP request: {error}"},
        "ResponseMetadata": {"HTTPStatusCode": 500, "RequestId": str(uuid.uuid4())},
    }


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


class SageMakerTask(aws_sdk.StateTaskServiceAwsSdk):
    """The optimised SageMaker integration: `createTrainingJob.sync` and its siblings wait for the job's end."""

    def __init__(self) -> None:
        callback.StateTaskServiceCallback.__init__(self, supported_integration_patterns={ResourceCondition.Sync})

    def _get_sfn_resource_type(self) -> str:
        return "sagemaker"

    def _eval_integration_pattern(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict, state_credentials: Any
    ) -> None:
        """Looks at the job until it has ended; a task that times out or is stopped stops its job if its role may."""
        env.stack.pop()  # the answer to the creation
        kind = JOBS[self._get_boto_service_action()]
        name = {f"{kind}JobName": normalised_parameters[f"{kind}JobName"]}
        client = client_for(resource_runtime_part.region, "sagemaker", state_credentials)
        while env.is_running():
            job = getattr(client, f"describe_{xform_name(kind)}_job")(**name)
            job.pop("ResponseMetadata", None)
            if job[f"{kind}JobStatus"] == "Failed":
                raise FailureEventException(self._get_task_failure_event(env, "States.TaskFailed", json.dumps(job)))
            if job[f"{kind}JobStatus"] in ("Completed", "Stopped"):
                env.stack.append(job)
                return
            time.sleep(JOB_POLL)
        with contextlib.suppress(ClientError):
            getattr(client, f"stop_{xform_name(kind)}_job")(**name)
        env.stack.append(None)
