"""The program a Lambda function's worker process runs: one line of JSON in, one line out.

It runs with `python -I -S`: only the standard library and what the caller put on `path` (the function's zip, its
layers, the SDK that AWS's runtime brings) can be imported. It imports nothing of the sandbox itself.
"""

import importlib
import importlib.util
import json
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

CLOCK_MODULE = "lambdas.aws.clock"


def main() -> None:
    """Load the handler as the first line says, answer `ready`, then answer events until stdin ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # a handler's prints are its log
    first = json.loads(sys.stdin.readline())
    sys.path[:0] = first["path"]
    try:
        _set_clock(os.environ.get("SANDBOX_CLOCK", ""))
        handler = getattr(importlib.import_module(first["module"]), first["handler"])
    except BaseException as error:
        _answer(answers, {"status": "failed", **_description(error)})
        return
    _answer(answers, {"status": "ready"})
    for line in sys.stdin:
        _answer(answers, _invoke(handler, json.loads(line)))


def _invoke(handler: Any, envelope: dict[str, Any]) -> dict[str, Any]:
    """Call the handler. An exception is an answer too: the worker stays warm, as on AWS."""
    context = _context(envelope["ctx"])
    if envelope["ctx"].get("trace_id"):
        os.environ["_X_AMZN_TRACE_ID"] = envelope["ctx"]["trace_id"]
    try:
        result = json.loads(json.dumps(handler(envelope["event"], context)))
    except Exception as error:
        traceback.print_exc()
        return {"status": "ok", "raised": _description(error)}
    finally:
        sys.stderr.flush()
    return {"status": "ok", "result": result}


def _description(error: BaseException) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _context(call: dict[str, Any]) -> Any:
    deadline = time.time() + call["timeout_ms"] / 1000
    return SimpleNamespace(
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        invoked_function_arn=call["invoked_function_arn"],
        aws_request_id=call["request_id"],
        log_group_name=os.environ["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        identity=None,
        client_context=None,
        get_remaining_time_in_millis=lambda: max(0, int((deadline - time.time()) * 1000)),
    )


def _set_clock(text: str) -> None:
    """Put the package's one clock, if it has one, on virtual time; its `now` keeps its type."""
    if not text or not _exists(CLOCK_MODULE):
        return
    speed, real0, virtual0 = (float(part) for part in text.split(","))
    module = importlib.import_module(CLOCK_MODULE)
    as_datetime = isinstance(module.now(), datetime)

    def now() -> Any:
        seconds = virtual0 + (time.time() - real0) * speed
        return datetime.fromtimestamp(seconds, UTC) if as_datetime else seconds

    module.now = now


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _answer(stream: Any, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
