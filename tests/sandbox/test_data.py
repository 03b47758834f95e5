import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sandbox import data

MEMBER = "tiny/rows.csv"
CONTENT = b"x,y\n1,2\n3,4\n"


def parse(content: bytes) -> pd.DataFrame:
    table = pd.read_csv(data.io.BytesIO(content))
    if list(table.columns) != ["x", "y"]:
        raise ValueError("expected the columns x, y")
    return table


TINY = data.Source("tiny", "slipway-tiny==1.0", MEMBER, hashlib.sha256(CONTENT).hexdigest(), 2, parse)


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A directory pip may use instead of the network, with one wheel in it whose code would leave a trace."""
    folder = tmp_path / "index"
    folder.mkdir()
    files = {
        MEMBER: CONTENT,
        "tiny/__init__.py": f"open({str(tmp_path / 'trace')!r}, 'w')",
        "slipway_tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: slipway-tiny\nVersion: 1.0\n",
        "slipway_tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "slipway_tiny-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(folder / "slipway_tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def fetch(cache: Path, source: data.Source = TINY, csv: Path | None = None) -> tuple[Path, list[str]]:
    told: list[str] = []
    return data.obtain(source, cache, csv, told.append), told


@pytest.mark.sandbox
def test_a_download_is_verified_cached_and_not_repeated(index, tmp_path):
    path, told = fetch(tmp_path / "cache")
    assert pd.read_parquet(path).to_dict("list") == {"x": [1, 3], "y": [2, 4]}
    assert "slipway-tiny==1.0" in told[0]
    assert fetch(tmp_path / "cache") == (path, [])
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [path.name]


@pytest.mark.sandbox
def test_no_code_of_the_wheel_runs(index, tmp_path):
    fetch(tmp_path / "cache")
    assert not (tmp_path / "trace").exists()


@pytest.mark.sandbox
def test_a_damaged_cache_is_fetched_again(index, tmp_path):
    path, _ = fetch(tmp_path / "cache")
    path.write_bytes(path.read_bytes()[:100])
    assert fetch(tmp_path / "cache")[1]
    assert len(pd.read_parquet(path)) == 2


@pytest.mark.sandbox
def test_content_with_another_digest_is_refused(index, tmp_path):
    with pytest.raises(data.DataUnavailable, match="has changed"):
        fetch(tmp_path / "cache", replace(TINY, sha256="0" * 64))
    assert not (tmp_path / "cache").exists()


@pytest.mark.sandbox
def test_a_failed_download_says_what_to_do(index, tmp_path):
    with pytest.raises(data.DataUnavailable, match="--data") as caught:
        fetch(tmp_path / "cache", replace(TINY, requirement="slipway-absent==1.0"))
    assert "slipway-absent" in str(caught.value)


def test_a_file_of_ones_own_is_used_instead_of_a_download(tmp_path):
    (tmp_path / "mine.csv").write_bytes(b"x,y\n5,6\n7,8\n")
    path, told = fetch(tmp_path / "cache", csv=tmp_path / "mine.csv")
    assert list(pd.read_parquet(path)["x"]) == [5, 7]
    assert not any("download" in line for line in told)
    assert path.name != f"tiny-{TINY.sha256[:12]}.parquet"


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_a_file_of_ones_own_that_is_something_else_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(data.DataUnavailable, match=r"mine\.csv"):
        fetch(tmp_path / "cache", csv=tmp_path / "mine.csv")


@pytest.mark.sandbox
def test_several_processes_may_fetch_at_once(index, tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.sandbox.test_data import fetch; "
        "print(fetch(Path(sys.argv[1]))[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "cache")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    paths = {process.communicate()[0].strip() for process in started}
    assert {process.returncode for process in started} == {0}
    assert len(pd.read_parquet(paths.pop())) == 2
    assert not paths


def test_the_fraud_table_is_checked_column_by_column_and_row_by_row():
    with pytest.raises(ValueError, match="expected the columns Time"):
        data.FRAUD.parse(b"a,b\n1,2\n")
    header = ",".join(data.FRAUD_COLUMNS)
    with pytest.raises(ValueError, match="got 1 with 1"):
        data.FRAUD.parse(f"{header}\n{','.join(['1'] * 31)}\n".encode())


def test_the_cache_follows_the_users_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("SLIPWAY_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data.cache_directory() == tmp_path / "slipway"
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "elsewhere"))
    assert data.cache_directory() == tmp_path / "elsewhere"


@pytest.mark.sandbox
def test_without_pip_a_throw_away_one_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(data.importlib.util, "find_spec", lambda name: None)
    command = data._pip(tmp_path)
    assert command[0].startswith(str(tmp_path))
    shown = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert shown.stdout.startswith("pip ")


@pytest.mark.sandbox
def test_the_real_fraud_data_is_cut_in_order_of_time_and_nothing_is_measured_on_what_trained_it(tmp_path):
    path = data.fraud()
    parts = {name: pd.read_parquet(data.cut(path, name, tmp_path / name)) for name in data.SLICES}
    assert {name: len(part) for name, part in parts.items()} == {
        "champion-train": 56_961,
        "champion-validation": 14_240,
        "candidate-train": 113_922,
        "candidate-validation": 28_481,
        "stream": 142_404,
    }
    assert list(parts["stream"].columns) == data.FRAUD_COLUMNS
    assert parts["stream"]["Class"].sum() == 223
    for earlier, later in [
        ("champion-train", "champion-validation"),
        ("candidate-train", "candidate-validation"),
        ("champion-validation", "stream"),
        ("candidate-validation", "stream"),
    ]:
        assert parts[earlier]["Time"].max() <= parts[later]["Time"].min()


@pytest.mark.sandbox
def test_the_real_bank_data_has_the_years_that_its_file_leaves_out():
    table = pd.read_parquet(data.bank())
    assert table["year"].value_counts().to_dict() == {2008: 27_729, 2009: 14_862, 2010: 2_620}
    assert set(table["y"]) == {0, 1}
    assert "duration" not in table
