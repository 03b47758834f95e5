"""Tasks that wait for others: an answer with a token, a job's end. moto lets go of neither when the execution stops."""

import time
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ContextObject

from sandbox.aws.patching import replace
from sandbox.clock import Clock

LOOK_FOR_STOP = 0.1  # real seconds between two looks at whether the waiting execution was stopped
_machines: dict[str, str] = {}  # token -> ARN of the machine that waits for its answer
_closed: set[str] = set()


def install(clock: Clock) -> None:
    _stopped_stays_stopped()
    _wait_with_an_eye_on_stops(clock)
    _know_tokens()
    _close_tokens()


def _stopped_stays_stopped() -> None:
    """A task that fails because its execution was stopped does not make that execution a failed one."""
    fail = replace(Environment, "set_error", None)

    def set_error(self: Environment, error: Any) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            fail(self, error=error)

    Environment.set_error = set_error


def _wait_with_an_eye_on_stops(clock: Clock) -> None:
    with_heartbeat = replace(StateTaskServiceCallback, "_eval_wait_for_task_token", None)

    def wait(
        self: Any, env: Any, timeout_seconds: int, callback_endpoint: CallbackEndpoint, heartbeat_endpoint: Any
    ) -> Any:
        if heartbeat_endpoint is not None:
            return with_heartbeat(self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint)
        end = time.monotonic() + clock.real(timeout_seconds)
        while env.is_running() and time.monotonic() < end:
            # The endpoint's event counts virtual seconds.
            if outcome := callback_endpoint.wait(timeout=LOOK_FOR_STOP * clock.speed):
                return outcome
        return CallbackOutcomeTimedOut(callback_id=callback_endpoint.callback_id)

    StateTaskServiceCallback._eval_wait_for_task_token = wait


def _know_tokens() -> None:
    make = replace(ContextObject, "update_task_token", None)

    def update_task_token(self: ContextObject) -> str:
        token = str(make(self))
        _machines[token] = self.context_object_data["StateMachine"]["Id"]
        return token

    ContextObject.update_task_token = update_task_token


def machine(token: str) -> str:
    """The ARN of the machine that gave a token away: who may answer is allowed to by it."""
    return _machines.get(token, "*")


def _close_tokens() -> None:
    evaluate = replace(StateTaskServiceCallback, "_eval_body", None)

    def eval_body(self: Any, env: Any) -> None:
        before = set(env.callback_pool_manager._pool)
        try:
            evaluate(self, env)
        finally:
            for token in set(env.callback_pool_manager._pool) - before:
                del env.callback_pool_manager._pool[token]
                _closed.add(token)

    StateTaskServiceCallback._eval_body = eval_body


def check_open(token: str) -> None:
    """Raises TaskTimedOut for the token of a task that has ended; moto would call it invalid, or take the answer."""
    if token in _closed:
        raise JsonRESTError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
