"""RedriveExecution, which moto lacks: an execution that ended badly goes on at the state where it did.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html. Of a Parallel or a Map all branches run
anew; Step Functions repeats the failed ones only.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.api import ExecutionRedrivenEventDetails, ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from sandbox.aws.patching import replace
from sandbox.clock import Clock

REDRIVABLE = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)


def install() -> None:
    """`$$.Execution.RedriveCount` exists from the first run on."""
    make = replace(ExecutionWorker, "_get_evaluation_environment", None)

    def with_count(self: ExecutionWorker) -> Environment:
        env: Environment = make(self)
        env.states.context_object.context_object_data["Execution"]["RedriveCount"] = count(
            self._execution_communication.execution
        )
        return env

    ExecutionWorker._get_evaluation_environment = with_count


def count(execution: Execution) -> int:
    return int(getattr(execution, "redrive_count", 0))


def redrive(execution: Execution, clock: Clock) -> datetime:
    """Starts the execution again at its last state; its history goes on. Raises JsonRESTError."""
    if execution.exec_status not in REDRIVABLE:
        raise JsonRESTError(
            "ExecutionNotRedrivable", f"Execution is {execution.exec_status.value} and cannot be redriven"
        )
    at = datetime.fromtimestamp(clock.now(), UTC)
    state, given = _last_state(execution)
    execution.redrive_count, execution.redrive_date = count(execution) + 1, at
    execution.stop_date = execution.error = execution.cause = None
    worker = _Again(execution, state, given)
    execution.exec_worker = worker
    execution.exec_status = ExecutionStatus.RUNNING
    worker.start()
    return at


def described(execution: Execution) -> dict[str, Any]:
    """What DescribeExecution says about redriving."""
    able = execution.exec_status in REDRIVABLE
    told: dict[str, Any] = {
        "redriveCount": count(execution),
        "redriveStatus": "REDRIVABLE" if able else "NOT_REDRIVABLE",
    }
    if not able:
        told["redriveStatusReason"] = f"Execution is {execution.exec_status.value} and cannot be redriven"
    if date := getattr(execution, "redrive_date", None):
        told["redriveDate"] = date
    return told


def _last_state(execution: Execution) -> tuple[str, Any]:
    """The state of the definition's top level that was entered last, and its input."""
    definition = json.loads(execution.state_machine.definition)
    for event in reversed(execution.to_history_output()["events"]):
        entered = event.get("stateEnteredEventDetails")
        if entered and entered["name"] in definition["States"]:
            return entered["name"], json.loads(entered["input"])
    return definition["StartAt"], execution.input_data


class _Again(ExecutionWorker):
    """Runs the program from a given state, with the history and the variables of the run before."""

    def __init__(self, execution: Execution, state: str, given: Any) -> None:
        first = execution.exec_worker
        super().__init__(
            evaluation_details=first._evaluation_details,
            exec_comm=first._execution_communication,
            cloud_watch_logging_session=first._cloud_watch_logging_session,
            activity_store=first._activity_store,
        )
        self._before, self._state, self._given = first.env, state, given

    def _execution_logic(self) -> None:
        program: Program = self._get_evaluation_entrypoint()
        program.start_at.start_at_name = self._state
        env = self._get_evaluation_environment()
        env.event_manager, env.variable_store = self._before.event_manager, self._before.variable_store
        env.states.reset(input_value=self._given)
        self.env = env
        redrives = count(self._execution_communication.execution)
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.ExecutionRedriven,
            event_details=EventDetails(
                executionRedrivenEventDetails=ExecutionRedrivenEventDetails(redriveCount=redrives)
            ),
            update_source_event_id=False,
        )
        program.eval(env)
        self._execution_communication.terminated()
