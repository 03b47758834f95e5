"""Libraries that a job's image lacks, from wheels: unpacked, since compiled code can't be imported from a zip file.

The layout and the tags of a wheel: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import importlib
import importlib.util
import platform
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unpacked(folder: Path) -> Iterator[None]:
    """The wheels of a folder can be imported. A library that the image has itself is taken from there.

    Ends the program with a message where this Python can't import a wheel that is needed.
    """
    with tempfile.TemporaryDirectory(prefix="libraries-") as target:
        for wheel in sorted(folder.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                name, tags = _described(archive)
                if importlib.util.find_spec(name):
                    continue
                if not any(map(_fits, tags)):
                    sys.exit(_misfit(name, tags))
                archive.extractall(target)
        sys.path.append(target)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(target)


def _described(archive: zipfile.ZipFile) -> tuple[str, list[str]]:
    """The library, by the name it is imported by, too; and its tags, such as `cp312-abi3-manylinux_2_28_x86_64`."""
    (path,) = (path for path in archive.namelist() if path.endswith(".dist-info/WHEEL"))
    lines = archive.read(path).decode().splitlines()
    return path.partition("-")[0], [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]


def _fits(tag: str) -> bool:
    """Compiled for this Python; `abi3`: for this one or an older one."""
    python, abi, machine = tag.split("-")
    made_for, here = (int(python[2]), int(python[3:])), sys.version_info[:2]
    same = here >= made_for if abi == "abi3" else here == made_for
    return same and "linux" in machine and sys.platform == "linux" and machine.endswith(f"_{platform.machine()}")


def _misfit(name: str, tags: list[str]) -> str:
    here = f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.machine()}"
    brought = f"{name} is not in the image, and what the deployment brings ({tags[0]}) does not fit {here}"
    return f"{brought}: name an image that has {name} as `retraining.image`"
