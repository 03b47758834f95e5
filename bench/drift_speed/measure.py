"""CPU seconds, wall seconds and peak memory of one piece of work in a process of its own. Standard library alone: the
peers' environment runs it too."""

import json
import resource
import sys
import time
from collections.abc import Callable


def report(work: Callable[[], object]) -> None:
    """Do it and print one line of JSON. Imports made before count towards memory, not towards time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    measured = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before / 1024,
        "result": result,
    }
    sys.stdout.write("\n" + json.dumps(measured) + "\n")
