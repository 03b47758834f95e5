"""One model container: `python -m sandbox.dataplane.container MODEL_DIR SOCKET`, the XGBoost script-mode contract.

Imports SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY, calls its `model_fn` once, prints `ready` and then serves
`input_fn`, `predict_fn`, `output_fn`. Each connection to the socket is one worker: a thread that answers in order.
The container ends when its standard input closes, so it can't outlive the router.
"""

import gc
import importlib.util
import json
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from sandbox.dataplane import wire

log = logging.getLogger(__name__)

ML_MODEL = "/opt/ml/model"  # where the real container finds the artifact
_REPOSITORY = str(Path(__file__).parents[2])


def load_program(model_dir: Path) -> ModuleType:
    """Import the model's serving code. Raises FileNotFoundError if the artifact doesn't hold it."""
    submit = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", f"{ML_MODEL}/code")
    code_dir = Path(submit.replace(ML_MODEL, str(model_dir), 1))
    program = code_dir / os.environ.get("SAGEMAKER_PROGRAM", "serve.py")
    if not program.is_file():
        raise FileNotFoundError(f"the artifact holds no {program.relative_to(model_dir)}")
    # As in the real container, the model's code sees its own files and what is installed, nothing of ours.
    sys.path[:] = [str(code_dir), *(path for path in sys.path if path not in ("", _REPOSITORY))]
    spec = importlib.util.spec_from_file_location(program.stem, program)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[program.stem] = module
    spec.loader.exec_module(module)
    return module


class Server:
    """Answers frames with a loaded model. Shared by the workers; only `faults` changes."""

    def __init__(self, program: ModuleType, model: Any) -> None:
        self._program = program
        self._model = model
        self._rng = random.Random()
        self._error_rate = 0.0
        self._extra_latency_s = 0.0
        self._own_intercept = ""  # the booster's, while another one is in force

    def answer(self, frame: wire.Frame) -> bytes:
        if frame.code == wire.INVOKE:
            return self._invoke(frame)
        if frame.code == wire.FAULTS:
            faults = json.loads(frame.body)
            self._error_rate, self._extra_latency_s = faults["error_rate"], faults["extra_latency_ms"] / 1e3
            self._set_intercept(faults["base_score"])
        return wire.encode(200)

    def _set_intercept(self, base_score: float) -> None:
        booster = getattr(self._model, "booster", None)
        if booster is None or not (base_score or self._own_intercept):
            return
        if not self._own_intercept:
            kept = json.loads(booster.save_config())["learner"]["learner_model_param"]
            self._own_intercept = kept["base_score"]
        booster.set_param({"base_score": base_score or self._own_intercept})

    def _invoke(self, frame: wire.Frame) -> bytes:
        if self._extra_latency_s:
            time.sleep(self._extra_latency_s)
        try:
            if self._error_rate and self._rng.random() < self._error_rate:
                raise RuntimeError("fault injected by the sandbox")
            body, content_type = self._infer(
                frame.body, frame.content_type.decode("latin-1"), frame.accept.decode("latin-1")
            )
        except Exception as error:
            return _failure(error)
        return wire.encode(200, content_type, b"", body)

    def _infer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, bytes]:
        program = self._program
        data = program.input_fn(body, content_type)
        result = program.output_fn(program.predict_fn(data, self._model), accept)
        # The toolkit lets output_fn return a bare body or (body, content type).
        body_out, type_out = result if isinstance(result, tuple) else (result, accept)
        return (body_out.encode() if isinstance(body_out, str) else bytes(body_out)), type_out.encode("latin-1")


def _failure(error: Exception) -> bytes:
    """4xx with the message when the serving code says it is the client's fault, else 500 and a traceback in the log."""
    status = getattr(error, "status", None)
    if isinstance(status, int) and 400 <= status <= 499:
        return wire.encode(status, b"text/plain", b"", str(error).encode())
    log.error("%s", "".join(traceback.format_exception(error)))
    return wire.encode(500, b"text/plain", b"", f"{type(error).__name__}: {error}".encode())


def _work(connection: socket.socket, server: Server) -> None:
    decoder = wire.Decoder()
    with connection:
        while data := connection.recv(1 << 18):
            for frame in decoder.feed(data):
                connection.sendall(server.answer(frame))


def _accept(listener: socket.socket, server: Server) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_work, args=(connection, server), daemon=True).start()


def _private_stdout() -> Any:
    """Keep standard output for the router; whatever the model prints goes to the log."""
    mine = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return mine


def main(model_dir: Path, socket_path: str) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the router ends us after draining
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    to_router = _private_stdout()
    try:
        program = load_program(model_dir)
        server = Server(program, program.model_fn(str(model_dir)))
    except Exception as error:
        log.error("%s", traceback.format_exc())
        to_router.write(f"{type(error).__name__}: {error}".replace("\n", " ") + "\n")
        return 1
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(socket_path)
    listener.listen(64)
    threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
    to_router.write("ready\n")
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
