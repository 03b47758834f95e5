"""What the containers print, in CloudWatch Logs: /aws/sagemaker/Endpoints/{endpoint}, stream {variant}/{model}."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.dataplane.sinks import Sink

_MOST_BYTES = 1 << 16  # of one file at a time; a model that fails at every request prints more than anybody reads


@dataclass
class _Tail:
    group: str
    stream: str
    offset: int = 0  # bytes shipped or skipped


class ContainerLogs:
    """The log files of all containers that ever started here."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tails: dict[Path, _Tail] = {}

    def path(self, endpoint: str, variant: str, model: str) -> Path:
        """Where a container's output goes; from now on it is shipped."""
        path = self._directory / f"{endpoint}-{variant}-{model}.log"
        self._tails.setdefault(path, _Tail(f"/aws/sagemaker/Endpoints/{endpoint}", f"{variant}/{model}"))
        return path

    def ship(self, sink: Sink, at: float) -> None:
        """Hand the lines printed since the last time to `sink`, dated `at` (virtual Unix seconds). What is too much is
        skipped, oldest first. Raises what the sink raises; then the lines stay for the next time."""
        for path, tail in list(self._tails.items()):
            if not path.exists() or path.stat().st_size == tail.offset:
                continue
            with path.open("rb") as file:
                file.seek(max(tail.offset, path.stat().st_size - _MOST_BYTES))
                text = file.read()
                end = file.tell()
            lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                sink.put_log_lines(tail.group, tail.stream, lines, at)
            tail.offset = end
