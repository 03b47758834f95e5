"""Step Functions: moto's interpreter of the Amazon States Language, mounted as MiniStack's `states`.

MiniStack's own interpreter is wrong on missing paths, time-outs and Parallel failures. This module mounts moto's API,
mends the operations that moto leaves short, and connects CloudFormation, EventBridge and Scheduler to it. How tasks
call other services is in `states_tasks`, waiting for them in `states_callback`, data in `states_data`, time in
`states_time`, going on after a failure in `states_redrive`.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.moto_server.werkzeug_app import create_backend_app
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import Execution
from werkzeug.test import Client

from sandbox import clock as clocks
from sandbox.aws import (
    cloudformation,
    states_callback,
    states_data,
    states_events,
    states_redrive,
    states_tasks,
    states_time,
)
from sandbox.aws.patching import mount, replace

CONTENT_TYPE = "application/x-amz-json-1.0"
_CLOCK = clocks.from_env()

default_user_config["stepfunctions"]["execute_state_machine"] = True
_moto = Client(create_backend_app("stepfunctions"))


def install(app: Any) -> None:
    mount(app, "states", sys.modules[__name__])
    states_time.install(_CLOCK)
    states_tasks.install()
    states_data.install(_CLOCK)
    states_callback.install(_CLOCK)
    states_redrive.install()
    states_events.install(app)
    start = replace(models.StepFunctionsParserBackend, "start_execution", None)

    def start_named(self: Any, arn: str, name: str | None = None, *args: Any, **kwargs: Any) -> Execution:
        return start(self, arn, name or str(uuid.uuid4()), *args, **kwargs)

    models.StepFunctionsParserBackend.start_execution = start_named
    replace(stepfunctions, "_resolve_state_machine_arn", _existing)
    replace(stepfunctions, "_start_execution", _start_for_service)
    cloudformation.register("AWS::StepFunctions::StateMachine", create, update, delete)


async def handle_request(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    """One API call. Names that are not in `OPERATIONS` are answered by moto."""
    name = headers.get("x-amz-target", "").rpartition(".")[2]
    operation = OPERATIONS.get(name)
    if operation:
        try:
            return json_response(
                await asyncio.to_thread(operation, json.loads(body or b"{}")), content_type=CONTENT_TYPE
            )
        except JsonRESTError as error:
            return error_response_json(error.error_type, error.message, error.code, content_type=CONTENT_TYPE)
    forwarded = {k: v for k, v in headers.items() if k.lower() not in ("host", "content-length")}
    forwarded["host"] = "states.us-east-1.amazonaws.com"
    answer = await asyncio.to_thread(lambda: _moto.open("/", method=method, data=body, headers=forwarded))
    return answer.status_code, {"Content-Type": answer.headers.get("Content-Type", CONTENT_TYPE)}, answer.data


def reset() -> None:
    models.stepfunctions_parser_backends.reset()


def get_state() -> dict[str, Any]:
    """Executions are threads; they don't outlive the server."""
    return {}


def load_persisted_state(data: dict[str, Any]) -> None:
    """Nothing is persisted: see `get_state`."""


def backend() -> models.StepFunctionsParserBackend:
    """moto's store for the account and region of the request at hand."""
    return models.stepfunctions_parser_backends[get_account_id()][get_region()]


def _begun(environment: Any) -> bool:
    """Whether it has entered a state: moto tells nobody of a stop that comes before."""
    if environment is None or environment.program_state() is None:
        return False
    return not environment.is_running() or len(environment.event_manager.get_event_history()) > 1


def _stop_execution(request: dict[str, Any]) -> dict[str, Any]:
    """Stop at once, as AWS does: the status doesn't wait for a task in flight, and error and cause are kept."""
    execution = backend().describe_execution(request["executionArn"])
    if execution.exec_status != ExecutionStatus.RUNNING:
        return {"stopDate": execution.stop_date.timestamp()}
    deadline = time.monotonic() + 2
    while not _begun(execution.exec_worker.env) and time.monotonic() < deadline:
        time.sleep(0.01)
    execution.stop_date = datetime.fromtimestamp(_CLOCK.now(), UTC)
    execution.error, execution.cause = request.get("error"), request.get("cause")
    execution.stop(stop_date=execution.stop_date, error=execution.error, cause=execution.cause)
    execution.exec_status = ExecutionStatus.ABORTED
    return {"stopDate": execution.stop_date.timestamp()}


def _describe_execution(request: dict[str, Any]) -> dict[str, Any]:
    execution = backend().describe_execution(request["executionArn"])
    return _json({**execution.to_describe_output(), **states_redrive.described(execution)})


def _redrive_execution(request: dict[str, Any]) -> dict[str, Any]:
    execution = backend().describe_execution(request["executionArn"])
    at = states_redrive.redrive(execution, _CLOCK)
    execution.announce()
    return {"redriveDate": at.timestamp()}


def _get_execution_history(request: dict[str, Any]) -> dict[str, Any]:
    """The history with order and pages, which moto ignores."""
    execution = backend().describe_execution(request["executionArn"])
    events = execution.to_history_output()["events"]
    ordered = list(reversed(events)) if request.get("reverseOrder") else list(events)
    first = int(request.get("nextToken") or 0)
    last = first + (request.get("maxResults") or 100)
    more = {"nextToken": str(last)} if last < len(ordered) else {}
    return {"events": _json(ordered[first:last]), **more}


def _send_task_success(request: dict[str, Any]) -> dict[str, Any]:
    states_callback.check_open(request["taskToken"])
    backend().send_task_success(request["taskToken"], request["output"])
    return {}


def _send_task_failure(request: dict[str, Any]) -> dict[str, Any]:
    states_callback.check_open(request["taskToken"])
    backend().send_task_failure(request["taskToken"], request.get("error"), request.get("cause"))
    return {}


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "StopExecution": _stop_execution,
    "DescribeExecution": _describe_execution,
    "RedriveExecution": _redrive_execution,
    "SendTaskSuccess": _send_task_success,
    "SendTaskFailure": _send_task_failure,
    "GetExecutionHistory": _get_execution_history,
}


def _json(value: Any) -> Any:
    """moto's typed output as the wire's JSON: dates as epoch seconds, nothing for None."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value


def _existing(arn: str) -> str | None:
    return next((machine.arn for machine in backend().state_machines if machine.arn == arn), None)


def _start_for_service(request: dict[str, Any]) -> tuple:
    """StartExecution for EventBridge and Scheduler, in MiniStack's shape."""
    arguments = (request["stateMachineArn"], request.get("name"), request.get("input") or "{}")
    execution = backend().start_execution(*arguments)
    return json_response({"executionArn": execution.execution_arn})


def _settings(properties: dict[str, Any]) -> dict[str, Any]:
    """The optional parts of a template's properties, with the API's spelling of their members."""
    typed = cloudformation.coerce("stepfunctions", "CreateStateMachine", _lower(properties))
    return {
        "loggingConfiguration": typed.get("loggingConfiguration"),
        "tracingConfiguration": typed.get("tracingConfiguration"),
        "encryptionConfiguration": typed.get("encryptionConfiguration"),
    }


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    machine = backend().create_state_machine(
        properties.get("StateMachineName") or provisioners._physical_name(stack, logical_id, max_len=80),
        provisioners._sfn_definition(properties),
        properties["RoleArn"],
        tags=provisioners._sfn_tags(properties),
        sm_type=properties.get("StateMachineType", "STANDARD"),
        **_settings(properties),
    )
    return machine.arn, {"Arn": machine.arn, "Name": machine.name}


def update(arn: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    """Change the machine in place; running executions keep the definition they started with."""
    settings = {
        {"loggingConfiguration": "logging_configuration", "tracingConfiguration": "tracing_configuration"}.get(
            key, "encryption_configuration"
        ): value
        for key, value in _settings(new).items()
    }
    machine = backend().update_state_machine(arn, provisioners._sfn_definition(new), new["RoleArn"], **settings)
    dropped = {tag["key"] for tag in provisioners._sfn_tags(old)} - {tag["key"] for tag in provisioners._sfn_tags(new)}
    backend().untag_resource(arn, sorted(dropped))
    backend().tag_resource(arn, {tag["key"]: tag["value"] for tag in provisioners._sfn_tags(new)})
    return arn, {"Arn": arn, "Name": machine.name}


def delete(arn: str, _properties: dict[str, Any]) -> None:
    """Delete the machine and stop its executions."""
    machine = next((machine for machine in backend().state_machines if machine.arn == arn), None)
    if machine is None:
        return
    for execution in machine.executions:
        _stop_execution({"executionArn": execution.execution_arn, "cause": "The state machine was deleted."})
    backend().delete_state_machine(arn)
