"""Where SageMaker mounts a job's inputs and outputs, and the files in them."""

from pathlib import Path

MOUNTED = Path("/opt/ml/processing")


def files(path: Path, *suffixes: str, least: int = 1) -> list[Path]:
    """A file, or those of a folder with these suffixes. Raises ValueError if there is none, or fewer than `least`."""
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in suffixes)
    if len(found) < least:
        raise ValueError(f"no {' or '.join(suffixes)} file in {path}")
    return found
