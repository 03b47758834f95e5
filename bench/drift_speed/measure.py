"""CPU seconds, wall seconds and peak memory of one piece of work in a process of its own. Standard library alone: the
peers' environment runs it too."""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path


def report(work: Callable[[], object]) -> None:
    """Do it and print one line of JSON. Imports made before count towards memory, not towards time."""
    before = peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    measured = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": peak_mb(),
        "before_mb": before,
        "result": result,
    }
    sys.stdout.write("\n" + json.dumps(measured) + "\n")


def peak_mb() -> float:
    """Of this program alone: `getrusage` would tell the peak of the process that started it, if that was higher."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")
