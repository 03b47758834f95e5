"""The sandbox as a context manager: its processes, one clock, and what a client needs to talk to them."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from sandbox import clock as clocks
from sandbox.server import ADMINISTRATOR, REGION

START_TIMEOUT = 60.0  # real seconds
STOP_TIMEOUT = 10.0
ROOT = Path(__file__).resolve().parent.parent


class StartError(RuntimeError):
    """A process of the sandbox did not come up; the message ends with the last lines of its log."""


class Sandbox:
    """An embedded AWS with a SageMaker data plane on 127.0.0.1, `speed` times faster than real time.

    `with Sandbox(speed=30) as sandbox: sandbox.client("s3")...` starts the processes and ends them, whatever happens
    in between. Logs go to `logs` (a temporary directory unless given): gateway.log, dataplane.log, notifications.jsonl.
    `mlflow`: with an MLflow server beside AWS, which costs a few seconds and 250 MB.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        logs: Path | None = None,
        port: int = 0,
        dataplane: bool = True,
        mlflow: bool = False,
    ) -> None:
        self.clock = clocks.start(speed)
        self.logs = (logs or Path(tempfile.mkdtemp(prefix="sandbox-"))).resolve()  # its processes run elsewhere
        self.token = secrets.token_hex(16)
        self._with_dataplane, self._with_mlflow = dataplane, mlflow
        self._ports = port or _free_port(), _free_port(), _free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[str, Any] = {}

    @classmethod
    def attached(cls, ports: tuple[int, int, int], token: str, clock: clocks.Clock, logs: Path) -> Self:
        """A view of a sandbox that another process runs: everything but `start` and `stop`.

        ports: the gateway's, the data plane's and MLflow's.
        """
        other = cls(logs=logs, mlflow=True)
        other.clock, other.token, other._ports = clock, token, ports
        return other

    @property
    def url(self) -> str:
        """The gateway: AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def dataplane_url(self) -> str:
        """The data plane: AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME."""
        return f"http://127.0.0.1:{self._ports[1]}"

    @property
    def mlflow_url(self) -> str | None:
        """The MLflow server, if there is one: MLFLOW_TRACKING_URI."""
        return f"http://127.0.0.1:{self._ports[2]}" if self._with_mlflow else None

    def environment(self) -> dict[str, str]:
        """The variables that make any AWS client speak to the sandbox as its administrator."""
        runtime = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.dataplane_url} if self._with_dataplane else {}
        return {
            **ADMINISTRATOR,
            **runtime,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "SANDBOX_CLOCK": self.clock.to_env(),
            "SANDBOX_TOKEN": self.token,
        }

    def client(self, service: str) -> Any:
        """A boto3 client as the administrator; the same one for the same service."""
        if service not in self._clients:
            runtime = service == "sagemaker-runtime" and self._with_dataplane
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name=REGION,
                endpoint_url=self.dataplane_url if runtime else self.url,
                aws_access_key_id=ADMINISTRATOR["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 2}, max_pool_connections=20),
            )
        return self._clients[service]

    def processes(self) -> dict[str, int]:
        """Name -> process id of what runs."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self) -> Self:
        """Start the processes and wait until they answer. Raises StartError."""
        try:
            self._launch("gateway", ["sandbox.server", "--port", str(self._ports[0]), "--with-parent"])
            if self._with_dataplane:
                self._launch("dataplane", ["sandbox.dataplane", "--port", str(self._ports[1]), "--with-parent"])
            if self._with_mlflow:
                folder = str(self.logs / "mlflow")
                self._launch("mlflow", ["sandbox.mlflow", "--port", str(self._ports[2]), "--folder", folder])
            for name in self._processes:
                self._wait_until_ready(name)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the processes and all they started; safe to call twice."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT)
            _signal(process, signal.SIGKILL)
            process.wait()
            if process.stdin:
                process.stdin.close()
        self._processes.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, name: str, arguments: list[str]) -> None:
        """Start a process in a group of its own: Ctrl-C is ours to handle, and the group ends with us."""
        self.logs.mkdir(parents=True, exist_ok=True)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            **self.environment(),
            "SANDBOX_DATAPLANE_URL": self.dataplane_url if self._with_dataplane else "",
            "SANDBOX_NOTIFICATIONS": str(self.logs / "notifications.jsonl"),
            "PYTHONPATH": str(ROOT),
        }
        with (self.logs / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self, name: str) -> None:
        """Wait for the READY line. (An answer from the port proves nothing: someone else may hold it.)"""
        log = self.logs / f"{name}.log"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._processes[name].poll() is None:
            if any(line.startswith("READY ") for line in log.read_text(errors="replace").splitlines()):
                return
            time.sleep(0.05)
        tail = log.read_text(errors="replace")[-2000:]
        raise StartError(f"the sandbox's {name} did not start; {log} ends:\n{tail}")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a process's whole group; a group that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
