"""Job processes: how they end, and that none outlives the server."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox.sagemaker import container

ROOT = Path(__file__).resolve().parents[2]


def run(script, tmp_path, *, stop=None, max_seconds=20.0):
    lines = []
    outcome = container.run(
        [sys.executable, "-c", script],
        tmp_path,
        {"PYTHONUNBUFFERED": "1", "GIVEN": "yes"},
        on_line=lines.append,
        stop=stop or threading.Event(),
        max_seconds=max_seconds,
    )
    return outcome, lines


def test_output_of_both_streams_comes_line_by_line_and_the_exit_code_is_kept(tmp_path):
    script = "import os, sys; print(os.environ['GIVEN'], 'HOME' in os.environ); sys.exit('bad luck')"
    outcome, lines = run(script, tmp_path)
    assert sorted(lines) == ["bad luck", "yes False"]
    assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (1, False, False)
    assert "bad luck" in outcome.tail


def test_a_stop_lets_the_process_end_in_its_own_way(tmp_path):
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    script = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); time.sleep(30)"
    outcome, _ = run(script, tmp_path, stop=stop)
    assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (7, True, False)


def test_a_process_that_takes_too_long_is_ended(tmp_path):
    outcome, _ = run("import time; time.sleep(30)", tmp_path, max_seconds=0.3)
    assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (-signal.SIGTERM, True, True)


def test_what_a_script_started_ends_with_it(tmp_path):
    script = "import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid)"
    _, lines = run(script, tmp_path)
    assert gone(int(lines[0]))


def test_a_running_job_ends_when_the_server_exits(tmp_path):
    server = f"""
import sys, threading, pathlib
sys.path.insert(0, {str(ROOT)!r})
from sandbox.sagemaker import container
started = threading.Event()
def on_line(line):
    print(line, flush=True)
    started.set()
job = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
threading.Thread(
    target=container.run,
    args=([sys.executable, "-c", job], pathlib.Path({str(tmp_path)!r}), {{}}),
    kwargs=dict(on_line=on_line, stop=threading.Event(), max_seconds=60),
    daemon=True,
).start()
started.wait(20)
"""
    output = subprocess.run([sys.executable, "-c", server], capture_output=True, text=True, timeout=30, check=True)
    assert gone(int(output.stdout))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_command_that_is_not_there_raises(tmp_path):
    with pytest.raises(OSError, match="no-such-command"):
        container.run(["no-such-command"], tmp_path, {}, on_line=print, stop=threading.Event(), max_seconds=1)
