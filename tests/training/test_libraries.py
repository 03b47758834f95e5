"""The library that jobs bring along, in a Python that has none, and in one that it doesn't fit."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from infra.job_code import WHEELS
from training import libraries

LOOK = "import duckdb; print(duckdb.__file__, duckdb.__version__, *duckdb.execute('select 6 * 7').fetchone())"


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The zip that Processing jobs run, with one script more."""
    target = tmp_path_factory.mktemp("program") / "code.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in Path(libraries.__file__).parent.glob("*.py"):
            archive.write(path, path.name)
        archive.writestr("look.py", LOOK)
    return target


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """A Python with nothing but its standard library."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def fitting(tmp_path_factory) -> Path:
    """A folder with this Python's own DuckDB, as the wheel that it was."""
    installed = importlib.metadata.distribution("duckdb")
    folder = tmp_path_factory.mktemp("fitting")
    with zipfile.ZipFile(folder / "0123abcd.whl", "w") as archive:
        for path in installed.files:
            if "__pycache__" not in path.parts and ".." not in path.parts:
                archive.write(path.locate(), path.as_posix())
    return folder


def tagged(folder: Path, tag: str) -> Path:
    """A folder with a wheel of that tag, which holds nothing."""
    with zipfile.ZipFile(folder / "0123abcd.whl", "w") as archive:
        archive.writestr("duckdb-2.0.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
    return folder


def run(python: str | Path, program: Path, folder: Path) -> subprocess.CompletedProcess:
    given = {**os.environ, "LIBRARIES": str(folder)}
    return subprocess.run([python, program, "look"], env=given, capture_output=True, text=True, check=False)


def test_an_image_without_the_library_unpacks_it_for_the_time_of_the_program(program, bare, fitting):
    done = run(bare, program, fitting)
    assert done.returncode == 0, done.stderr
    path, version, answer = done.stdout.split()
    assert "libraries-" in path and not Path(path).exists()
    assert (version, answer) == (importlib.metadata.version("duckdb"), "42")


def test_an_image_that_has_the_library_keeps_its_own(tmp_path, program):
    path, *_ = run(sys.executable, program, tagged(tmp_path, "cp27-cp27-win32")).stdout.split()
    assert "site-packages" in path


@pytest.mark.parametrize("tag", ["cp399-abi3-linux_{}", "cp310-cp310-linux_{}", "cp311-abi3-linux_sparc"])
def test_an_image_that_the_library_does_not_fit_is_told_what_to_do(tmp_path, program, bare, tag):
    tag = tag.format(platform.machine())
    done = run(bare, program, tagged(tmp_path, tag))
    assert done.returncode == 1
    assert done.stderr.startswith(f"duckdb is not in the image, and what the deployment brings ({tag}) does not fit")
    assert "retraining.image" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("cp312-abi3-manylinux_2_28_x86_64", True),
        ("cp311-abi3-manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux_2_28_x86_64", True),
        ("cp311-cp311-manylinux_2_28_x86_64", False),
        ("cp313-abi3-manylinux_2_28_x86_64", False),
        ("cp312-abi3-manylinux_2_28_aarch64", False),
        ("cp312-abi3-win_amd64", False),
    ],
)
def test_what_fits_the_managed_images_python_is_told_by_the_wheels_tag(monkeypatch, tag, fits):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert libraries._fits(tag) is fits


def test_what_the_deployment_brings_is_duckdb_for_the_managed_image():
    (wheel,) = WHEELS.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name, tags = libraries._described(archive)
    assert name == "duckdb" and wheel.name.split("-")[1] == importlib.metadata.version("duckdb")
    assert tags and all(tag.startswith("cp312-") and tag.endswith("_x86_64") for tag in tags)
