"""Virtual time for moto's interpreter: timestamps, waits, retry intervals and time-outs."""

import importlib
import pkgutil
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions import models as base_models
from moto.stepfunctions.parser.asl import component
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback import callback

from sandbox.aws.patching import replace
from sandbox.aws.virtual_time import event_class, threading_module, virtualise
from sandbox.clock import Clock

LOOK_FOR_STOP = 0.1  # real seconds between two looks at whether a waiting execution was stopped
LEAST_TASK = 30.0  # real seconds; a shorter time-out of a task is real too
JOB_POLL = 0.2  # real seconds between two looks at a job that a `.sync` task waits for


def install(clock: Clock) -> None:
    for info in pkgutil.walk_packages(component.__path__, component.__name__ + "."):
        importlib.import_module(info.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser"):
            virtualise(module, clock, sleeps=True)
    replace(base_models, "utcnow", lambda: datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None))
    replace(callback, "Event", event_class(clock))
    # What a task calls computes in real time, however fast the clock: a cold function takes seconds to start.
    replace(execute_state, "threading", threading_module(clock, least=LEAST_TASK))
    replace(program, "threading", threading_module(clock))
    replace(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", JOB_POLL * clock.speed)

    def pause(env: Any, seconds: float) -> None:
        """Wait virtual seconds, or until the execution stops."""
        end = time.monotonic() + clock.real(max(0.0, seconds))
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(min(left, LOOK_FOR_STOP))

    replace(WaitFunction, "_wait_interval", lambda self, env, wait_seconds: pause(env, wait_seconds))
    _interruptible_retries(pause)


def _interruptible_retries(pause: Callable[[Any, float], None]) -> None:
    """A retry's interval must end with the execution too; moto sleeps it through."""
    current = threading.local()
    evaluate = replace(retrier_decl.RetrierDecl, "_eval_body", None)

    def evaluate_in(self: Any, env: Any) -> None:
        current.env = env
        evaluate(self, env)

    retrier_decl.RetrierDecl._eval_body = evaluate_in
    replace(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: pause(current.env, seconds)))
