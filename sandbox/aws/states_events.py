"""What Step Functions reports about executions: EventBridge events and CloudWatch metrics.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from sandbox.aws import states_redrive
from sandbox.aws.patching import replace

DETAIL_TYPE = "Step Functions Execution Status Change"
_METRICS = {
    ExecutionStatus.RUNNING: "ExecutionsStarted",
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
}


def install(app: Any) -> None:
    start = replace(Execution, "start", None)
    reflect = replace(BaseExecutionWorkerCommunication, "_reflect_execution_status", None)

    def announce(execution: Execution) -> None:
        """Events go out on the server's loop: an execution runs in a thread of its own."""
        app._MAIN_LOOP.call_soon_threadsafe(report, execution, execution.exec_status)

    def start_and_announce(self: Execution) -> None:
        start(self)
        announce(self)

    def reflect_and_announce(self: BaseExecutionWorkerCommunication) -> None:
        """A stopped execution already has its end: StopExecution set it when it was asked."""
        stopped = self.execution.stop_date
        reflect(self)
        self.execution.stop_date = stopped or self.execution.stop_date
        announce(self.execution)

    Execution.start = start_and_announce
    Execution.announce = announce
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_and_announce


def report(execution: Execution, status: ExecutionStatus) -> None:
    """Put the change of status on the default event bus and count it."""
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": status.value,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(execution.stop_date.timestamp() * 1000) if execution.stop_date else None,
        "input": execution.execution_input,
        "output": json.dumps(execution.output) if status == ExecutionStatus.SUCCEEDED else None,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": states_redrive.count(execution),
    }
    entry = {
        "Source": "aws.states",
        "DetailType": DETAIL_TYPE,
        "Resources": [execution.exec_arn],
        "Detail": json.dumps(detail),
    }
    with request_scope(execution.account_id, execution.region_name):
        machine = {"StateMachineArn": execution.state_machine.arn}
        cloudwatch.record_metric("AWS/States", _METRICS[status], 1.0, "Count", machine)
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
