"""Lambda functions as AWS runs them: own process, own role, only the packages AWS would give; warm after an error.

Time-outs are in real seconds: a handler's work takes the time it takes, however fast the virtual clock runs.
The delays between the attempts of an asynchronous invocation are virtual.
"""

import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, sns

from sandbox import clock as clocks
from sandbox.aws import lambda_logs, lambda_package, lambda_worker
from sandbox.aws.patching import replace
from sandbox.aws.virtual_time import virtualise

RETRY_AFTER = (60.0, 120.0)  # virtual seconds before the second and the third attempt
_PASSED_ON = ("PATH", "LANG", "TZ", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", clocks.VARIABLE)

logger = logging.getLogger(__name__)


def install(app: Any) -> None:
    clock = clocks.from_env()
    replace(lambda_runtime, "_worker_class_for", _worker_class)
    replace(lambda_svc, "_execute_function_warm", execute)
    replace(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", clock.real(RETRY_AFTER[0]))
    replace(lambda_svc, "_LAMBDA_ASYNC_RETRY_MAX_SECONDS", clock.real(RETRY_AFTER[1]))
    replace(eventbridge, "_dispatch_to_lambda", _deliver_event)
    replace(sns, "_deliver_to_lambda", _deliver_message)
    virtualise(lambda_svc, clock)
    lambda_logs.install(clock)
    lambda_package.open_directory()


def stop() -> None:
    """End all workers and remove what they ran from."""
    lambda_runtime.reset()
    lambda_package.close()


class PythonWorker(lambda_runtime.Worker):
    """One execution environment of a Python function. Its process is started by the first invocation."""

    def _spawn(self) -> None:
        module, _, handler = self.config["Handler"].rpartition(".")
        path = lambda_package.import_path(self.config, self.code_zip)
        self._proc = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(lambda_worker.__file__))],
            cwd=path[0],
            env=environment(self.config, path[0]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._stderr_queue = queue.Queue()
        threading.Thread(target=self._read_stderr, daemon=True, name=f"log-{self.func_name}").start()
        first = {"path": path, "module": module.replace("/", "."), "handler": handler}
        self._proc.stdin.write(json.dumps(first) + "\n")
        self._proc.stdin.flush()
        ready = json.loads(self._proc.stdout.readline() or '{"errorMessage": "the worker exited at start"}')
        if ready.get("status") != "ready":
            self._proc.wait()
            raise InitError(ready, self._drain_stderr())
        self._start_time = time.time()


class InitError(RuntimeError):
    """The handler's module could not be loaded; `description` is Lambda's error payload."""

    def __init__(self, failed: dict[str, Any], log: str) -> None:
        super().__init__(failed.get("errorMessage"))
        kind = failed.get("errorType", "ExitError")
        kind = "Runtime.ImportModuleError" if kind in ("ModuleNotFoundError", "ImportError") else f"Runtime.{kind}"
        self.description = {"errorMessage": failed.get("errorMessage"), "errorType": kind}
        self.log = log


def _worker_class(config: dict[str, Any]) -> type:
    if not str(config.get("Runtime", "")).startswith("python"):
        raise ValueError(f"the sandbox runs Python functions only, not {config.get('Runtime')!r}")
    return PythonWorker


def environment(config: dict[str, Any], code: str) -> dict[str, str]:
    """The process environment of a function: its own variables, the runtime's, its role's credentials."""
    name, region = config["FunctionName"], get_region()
    logging_config = config.get("LoggingConfig") or {}
    return {
        **{key: os.environ[key] for key in _PASSED_ON if key in os.environ},
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        **{key: str(value) for key, value in (config.get("Environment") or {}).get("Variables", {}).items()},
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime')}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_LOG_GROUP_NAME": logging_config.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "sandbox",
        "LAMBDA_TASK_ROOT": code,
        **lambda_runtime.execution_credentials(config),
    }


def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """Run one invocation in a free environment of the function (MiniStack's signature and result)."""
    config = function.get("config") or function
    name, version = config["FunctionName"], config.get("Version", "$LATEST")
    worker, _ = lambda_runtime.acquire_worker(name, config, function["code_zip"], qualifier=version)
    try:
        arn = config["FunctionArn"]
        answer = worker.invoke(event, request_id, invoked_function_arn=arn)
    except InitError as error:
        return {"body": error.description | {"requestId": request_id}, "error": True, "log": error.log}
    finally:
        lambda_runtime.release_worker(worker)
    log = answer.get("log", "")
    if answer.get("status") != "ok":
        return {"body": _died(answer["error"]), "error": True, "log": f"{log}\n{answer['error']}".strip()}
    if "raised" in answer:
        return {"body": answer["raised"] | {"requestId": request_id}, "error": True, "log": log}
    return {"body": answer.get("result"), "log": log}


def _died(message: str) -> dict[str, str]:
    kind = "Sandbox.Timedout" if "timed out" in message else "Runtime.ExitError"
    return {"errorMessage": message, "errorType": kind}


def _deliver_event(function_arn: str, payload: str) -> None:
    """EventBridge invokes asynchronously: two retries, then the function's dead-letter queue or destination."""
    _invoke_later(function_arn, json.loads(payload))


def _deliver_message(
    endpoint: str, envelope: str, topic_arn: str, subscription: str, msg_id: str, message: str, attributes: dict
) -> None:
    """SNS invokes asynchronously too (the signature is MiniStack's)."""
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    _invoke_later(endpoint, {"Records": [record]})


def _invoke_later(function_arn: str, event: Any) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(function_arn)
    if not function:
        logger.warning("%s %s: no function %s to deliver an event to", get_account_id(), get_region(), name)
        return
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), event)
