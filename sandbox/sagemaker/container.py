"""A job's container: a process of this machine that can be stopped as SageMaker stops one."""

import atexit
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# SageMaker gives a stopped container this long after SIGTERM.
GRACE_SECONDS = 120.0
TAIL_LINES = 20
_POLL_SECONDS = 0.1
_running: set["subprocess.Popen[str]"] = set()


@dataclass(frozen=True)
class Outcome:
    """How a container ended: its exit code, its last lines of output, and whether it was told to stop and why."""

    exit_code: int
    tail: str
    stopped: bool
    timed_out: bool


def run(
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    *,
    on_line: Callable[[str], None],
    stop: threading.Event,
    max_seconds: float,
) -> Outcome:
    """Run to the end, calling `on_line` for each line of output; SIGTERM when `stop` is set or after `max_seconds`.

    `max_seconds` are real ones: a clock can be sped up, a computation can't. Raises OSError if nothing starts.
    """
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    _running.add(process)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    reader = threading.Thread(target=_read, args=(process, tail, on_line), daemon=True)
    reader.start()
    try:
        timed_out = _wait(process, stop, max_seconds)
    finally:
        # What the script left running dies with its container, and so lets go of the pipe.
        _signal(process, signal.SIGKILL)
        _running.discard(process)
    reader.join()
    return Outcome(process.returncode, "\n".join(tail), stop.is_set() or timed_out, timed_out)


def _read(process: "subprocess.Popen[str]", tail: deque[str], on_line: Callable[[str], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        tail.append(line.rstrip("\n"))
        on_line(line.rstrip("\n"))


def _wait(process: "subprocess.Popen[str]", stop: threading.Event, max_seconds: float) -> bool:
    """Wait for the process to end, asking it to when it must; returns whether it took too long."""
    deadline = time.monotonic() + max_seconds
    while process.poll() is None:
        timed_out = time.monotonic() > deadline
        if stop.wait(_POLL_SECONDS) or timed_out:
            _signal(process, signal.SIGTERM)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            return timed_out
    return False


def _signal(process: "subprocess.Popen[str]", number: int) -> None:
    """To the whole process group: a script's own children end with it."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


@atexit.register
def _end_all() -> None:
    """No job outlives the server."""
    for process in list(_running):
        _signal(process, signal.SIGKILL)
