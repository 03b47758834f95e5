"""CPU and memory of the model containers, as the instance metrics of SageMaker endpoints."""

from collections.abc import Iterable
from datetime import UTC, datetime

import psutil

from sandbox.dataplane.metrics import Datum, datums
from sandbox.dataplane.routing import Target


class UsageMeter:
    """Remembers processes between samples: CPU is measured from one sample to the next."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}

    def sample(self, targets: Iterable[Target], at: float) -> list[Datum]:
        """CPUUtilization (percent of one core) and MemoryUtilization (percent of the machine's memory) of each running
        container; `at` in virtual Unix seconds. A container's first sample only starts its measurement."""
        moment = datetime.fromtimestamp(at // 60 * 60, UTC)
        running = {t.container.pid: t for t in targets if t.container.pid}
        self._processes = {pid: process for pid, process in self._processes.items() if pid in running}
        data: list[Datum] = []
        for pid, target in running.items():
            try:
                known = pid in self._processes
                process = self._processes.setdefault(pid, psutil.Process(pid))
                cpu, memory = process.cpu_percent(), process.memory_percent()
            except psutil.NoSuchProcess:
                continue
            if known:
                for name, value in (("CPUUtilization", cpu), ("MemoryUtilization", memory)):
                    data += datums(name, target.meter.dimensions, moment, "Percent", {value: 1})
        return data
