"""Anchors labelled again, as the detector of label drift reads them."""

import json
from pathlib import Path

import pytest

from monitoring import job
from slipway import codec
from slipway.drift.findings import Anchors


def truth(folder: Path, name: str, labels: dict[str, int]) -> Path:
    lines = [
        json.dumps({"groundTruthData": {"data": str(label), "encoding": "CSV"}, "eventMetadata": {"eventId": id}})
        for id, label in labels.items()
    ]
    (folder / name).write_text("\n".join(lines))
    return folder / name


def run(folder: Path, *more: str) -> int:
    files = ["--known", str(folder / "known"), "--again", str(folder / "again")]
    return job.main(["anchors", *files, "--output", str(folder / "anchors.json"), *more])


def test_rows_labelled_again_are_counted_with_those_that_changed(tmp_path: Path) -> None:
    truth(tmp_path, "known", {f"r{i}": i % 2 for i in range(120)})
    truth(tmp_path, "again", {**{f"r{i}": i % 2 for i in range(100)}, "r0": 1, "r2": 1, "other": 1})
    assert run(tmp_path, "--usual", "0.05") == 0
    assert codec.loads(Anchors, (tmp_path / "anchors.json").read_text()) == Anchors(100, 2, 0.05)


def test_other_rows_and_lines_that_are_no_labels_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth(tmp_path, "known", {"a": 1})
    truth(tmp_path, "again", {"b": 1})
    assert run(tmp_path) == 2 and "none of the known rows" in capsys.readouterr().err
    (tmp_path / "again").write_text("a,1")
    assert run(tmp_path) == 2 and "no line of ground truth: a,1" in capsys.readouterr().err
