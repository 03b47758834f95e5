"""Archives with nothing in them but their content: the same files give the same bytes."""

import gzip
import io
import tarfile
from pathlib import Path

from training.manifest import SOURCES


def sourcedir(target: Path) -> Path:
    """Write the `sourcedir.tar.gz` that SageMaker unpacks before it runs `train.py`; returns the path."""
    here = Path(__file__).parent
    return _archive({name: here / name for name in SOURCES}, target)


def artifact(model_dir: Path, target: Path) -> Path:
    """Write a `model.tar.gz` of everything in a model directory; returns the path."""
    files = sorted(path for path in model_dir.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return _archive({path.relative_to(model_dir).as_posix(): path for path in files}, target)


def _archive(files: dict[str, Path], target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = files[name].stat().st_size, 0o644
            with files[name].open("rb") as file:
                tar.addfile(entry, file)
    target.write_bytes(gzip.compress(content.getvalue(), mtime=0))
    return target
