"""The directories a function's worker imports from: its zip, its layers, and the SDK of AWS's Python runtime."""

import atexit
import hashlib
import importlib.util
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from ministack.services.lambda_svc import _resolve_layer_zip

# What Lambda's Python runtimes bring. Anything else a function imports must be in its zip or in a layer.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil", "six")

_root = Path(tempfile.gettempdir())


def open_directory() -> None:
    """Make the directory that everything is unpacked into, with the runtime's packages in it; it ends with us."""
    global _root
    _root = Path(tempfile.mkdtemp(prefix="sandbox-lambda-"))
    atexit.register(close)
    _link_runtime(_root / "runtime")


def close() -> None:
    """Remove everything that was unpacked."""
    shutil.rmtree(_root, ignore_errors=True)


def import_path(config: dict[str, Any], code: bytes) -> list[str]:
    """The worker's additional `sys.path`, first match first: function, layers (last one first), runtime."""
    layers = [_unpack(layer) for layer in map(_resolve_layer_zip, config.get("Layers") or []) if layer]
    site = [path for layer in reversed(layers) for path in _layer_paths(layer)]
    return [str(_unpack(code)), *site, str(_root / "runtime")]


def _layer_paths(layer: Path) -> list[str]:
    return [str(layer / "python"), *map(str, (layer / "python" / "lib").glob("python*/site-packages"))]


def _unpack(archive: bytes) -> Path:
    """Unpack a zip once; the same bytes give the same directory."""
    target = _root / hashlib.sha256(archive).hexdigest()[:32]
    if not target.exists():
        partial = Path(tempfile.mkdtemp(dir=_root))
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            zipped.extractall(partial)
        if not target.exists():
            partial.rename(target)
    return target


def _link_runtime(target: Path) -> None:
    """Fill a directory with the runtime's own packages and nothing else of this environment."""
    target.mkdir()
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the sandbox's environment lacks {name}, which AWS's Lambda runtime has")
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        (target / source.name).symlink_to(source)
