"""The processing job's commands, as SageMaker would start them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring import job, stream
from slipway import codec
from slipway.drift.profile import Profile
from tests.monitoring.traffic import REFERENCE, WINDOW, line

TRUTH = '{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "e1"}}'


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    hour = tmp_path / "input/fraud/baseline/2026/04/18/12"
    hour.mkdir(parents=True)
    (hour / "00-01-000-a.jsonl").write_text(line() + "\n" + line("x"))
    (hour / "01-01-000-b.jsonl").write_text("{\n" + line(time="2026-04-18T18:00:00Z"))
    (tmp_path / "reference.json").write_text(codec.dumps(REFERENCE))
    (tmp_path / "labels/2026/04/18/13").mkdir(parents=True)
    (tmp_path / "labels/2026/04/18/13/l.jsonl").write_text(TRUTH)
    return tmp_path


def run(folder: Path, *more: str) -> int:
    paths = ["--input", str(folder / "input"), "--output", str(folder / "output")]
    window = ["--since", "2026-04-18T12:00:00Z", "--until", "2026-04-18T12:05:00"]
    return job.main(["profile", *paths, "--reference", str(folder / "reference.json"), *window, *more])


def read(folder: Path) -> Profile:
    return codec.loads(Profile, (folder / "output/profile.json").read_text())


def test_a_window_is_counted_and_what_is_refused_is_quarantined(mounted: Path) -> None:
    assert run(mounted) == 0
    lines = [text for path in sorted(mounted.rglob("??-*.jsonl")) for text in path.read_text().splitlines()]
    expected, refused = stream.profile(lines, REFERENCE, WINDOW)
    assert (read(mounted).records, read(mounted).rejected) == (expected.records, expected.rejected)
    quarantined = [json.loads(text) for text in (mounted / "output/quarantine.jsonl").read_text().splitlines()]
    assert quarantined == [{"reason": one.reason, "line": one.line} for one in refused]
    assert {one["reason"] for one in quarantined} == {"unreadable", "clock_skew"}


def test_labels_are_joined_by_the_hour_they_were_collected_in(mounted: Path) -> None:
    assert run(mounted, "--labels", str(mounted / "labels")) == 0
    assert read(mounted).labelled.n == 2
    assert run(mounted, "--labels", str(mounted / "labels"), "--labels-until", "2026-04-18T13:00:00") == 0
    assert read(mounted).labelled.n == 0


def test_labels_are_known_from_the_minute_on_that_their_objects_name_tells(mounted: Path) -> None:
    hour = mounted / "labels/2026/04/18/13"
    (hour / "l.jsonl").rename(hour / "30-05-000-l.jsonl")
    assert run(mounted, "--labels", str(mounted / "labels"), "--labels-until", "2026-04-18T13:30:05Z") == 0
    assert read(mounted).labelled.n == 0
    assert run(mounted, "--labels", str(mounted / "labels"), "--labels-until", "2026-04-18T13:30:06Z") == 0
    assert read(mounted).labelled.n == 2


def test_the_files_have_the_names_that_are_asked_for(mounted: Path) -> None:
    assert run(mounted, "--profile", "00.json", "--quarantine", str(mounted / "aside.jsonl")) == 0
    assert [path.name for path in (mounted / "output").iterdir()] == ["00.json"]
    assert len((mounted / "aside.jsonl").read_text().splitlines()) == 2


def test_no_traffic_is_an_empty_profile(mounted: Path) -> None:
    for path in (mounted / "input").rglob("*.jsonl"):
        path.unlink()
    assert run(mounted) == 0
    assert read(mounted).records == 0


def test_labels_whose_hour_is_unknown_are_refused(mounted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mounted / "labels/l.jsonl").write_text(TRUTH)
    assert run(mounted, "--labels", str(mounted / "labels")) == 2
    assert "expected .../yyyy/mm/dd/hh/name.jsonl" in capsys.readouterr().err


def test_a_reference_of_another_shape_is_refused(mounted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mounted / "reference.json").write_text('{"id": "r"}')
    assert run(mounted) == 2
    assert "Reference.package: missing" in capsys.readouterr().err


def test_what_can_not_be_counted_is_refused_in_words(mounted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mounted / "table.parquet").write_text("no table")
    (mounted / "nothing.json").write_text("no JSON")
    labels = ["--labels", str(mounted / "labels")]
    for more, says in {
        ("--input", "/nowhere"): "/nowhere does not exist",
        ("--labels", "/nowhere"): "/nowhere does not exist",
        ("--input", str(mounted / "table.parquet"), *labels): "--labels joins by inference id",
        ("--input", str(mounted / "table.parquet")): "table.parquet can't be read",
        ("--reference", str(mounted / "nothing.json")): "--reference",
        ("--reference", "/nowhere.json"): "No such file or directory: '/nowhere.json'",
        ("--until", "2026-04-18T12:00:00Z"): "--until must be later than --since",
    }.items():
        assert run(mounted, *more) == 2
        assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--importances", '{"a": "x"}'), "importances: 'a' has 'x'"),
        (("--importances", "[]"), "expected a JSON object"),
        (("--manifest", '{"features": [{}]}'), 'expected [{"name": ...}, ...]'),
        (("--manifest", "no JSON"), "given.json: Expecting value"),
    ],
)
def test_a_baselines_files_are_checked(
    given: tuple[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text("a\n1\n2\n")
    (tmp_path / "given.json").write_text(given[1])
    features = () if given[0] == "--manifest" else ("--features", "a")
    paths = ["--input", str(tmp_path / "train.csv"), "--output", str(tmp_path), given[0], str(tmp_path / "given.json")]
    assert job.main(["baseline", *paths, "--package", "p", *features]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["baseline", "profile", "anchors"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        job.main([command, "--help"])
    assert stopped.value.code == 0
    assert "--output" in capsys.readouterr().out


def test_an_image_without_duckdb_and_numpy_joins_labels_and_runs_spark(mounted: Path) -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(('duckdb', 'numpy', 'pyarrow')); "
        "from monitoring import job, spark; sys.exit(job.main(sys.argv[1:]))"
    )
    given = ["profile", "--labels", str(mounted / "labels"), "--input", str(mounted / "input")]
    paths = ["--output", str(mounted / "output"), "--reference", str(mounted / "reference.json")]
    subprocess.run([sys.executable, "-c", code, *given, *paths], check=True)
    assert read(mounted).labelled.n == 3
