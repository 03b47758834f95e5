from pathlib import Path

import pytest

from sandbox.dataplane.container_logs import ContainerLogs
from sandbox.dataplane.sinks import DirectorySink


class Unreachable(DirectorySink):
    def put_log_lines(self, group: str, stream: str, lines: list[str], at: float) -> None:
        raise OSError("away")


def shipped(tmp_path: Path) -> list[str]:
    path = tmp_path / "sink/logs/aws/sagemaker/Endpoints/fraud/candidate/m.log"
    return [line.split(" ", 1)[1] for line in path.read_text().splitlines()] if path.exists() else []


def test_each_line_is_shipped_once_even_if_the_sink_was_away(tmp_path: Path) -> None:
    logs, sink = ContainerLogs(tmp_path), DirectorySink(tmp_path / "sink")
    path = logs.path("fraud", "candidate", "m")
    logs.ship(sink, 1.0)
    path.write_text("one\n\ntwo\n")
    with pytest.raises(OSError, match="away"):
        logs.ship(Unreachable(tmp_path / "sink"), 2.0)
    logs.ship(sink, 3.0)
    logs.ship(sink, 4.0)
    with path.open("a") as file:
        file.write("three\n")
    logs.ship(sink, 5.0)
    assert shipped(tmp_path) == ["one", "two", "three"]


def test_of_too_much_the_newest_is_shipped(tmp_path: Path) -> None:
    logs, sink = ContainerLogs(tmp_path), DirectorySink(tmp_path / "sink")
    logs.path("fraud", "candidate", "m").write_text("".join(f"line {n}\n" for n in range(20_000)))
    logs.ship(sink, 1.0)
    lines = shipped(tmp_path)
    assert lines[-1] == "line 19999"
    assert 1000 < len(lines) < 20_000
