"""What jobs run: of retraining `training/`, as a zip for Processing jobs and as the archive that script mode unpacks;
`monitoring/` as a zip that Python imports from; of both the file that Spark is given to start them; and the wheel of a
library that the managed image lacks.
"""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.checks import ConfigError
from infra.function import ROOT

SOURCE = ROOT / "training"
WHEELS = ROOT / "build" / "wheels"
# What `python3 -m monitoring` imports.
MONITORING = ["/monitoring/", "/monitoring/**", "/slipway/", "/slipway/*.py", "/slipway/drift/", "/slipway/drift/**"]
MONITORING += ["/slipway/stats/", "/slipway/stats/**"]


class JobCode(Construct):
    """Six assets of the deployment; a change of the code changes their addresses, so a running job keeps its own."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._program = assets.Asset(self, "Program", path=str(SOURCE), exclude=["__pycache__", "*.pyc"])
        self._program_app = assets.Asset(self, "ProgramApp", path=str(SOURCE / "__main__.py"))
        exclude = ["*", *(f"!{path}" for path in MONITORING), "__pycache__"]
        self._monitoring = assets.Asset(
            self, "Monitoring", path=str(ROOT), ignore_mode=cdk.IgnoreMode.GIT, exclude=exclude
        )
        self._app = assets.Asset(self, "App", path=str(ROOT / "monitoring" / "__main__.py"))
        self._wheel = assets.Asset(self, "Wheel", path=str(_wheel()))
        with tempfile.TemporaryDirectory() as folder:
            self._sources = assets.Asset(self, "Sources", path=str(_sourcedir(Path(folder) / "sourcedir.tar.gz")))

    @property
    def program(self) -> str:
        """S3 address of the zip; `python3 {program_file} compare ...` runs `training/compare.py`."""
        return self._program.s3_object_url

    @property
    def program_file(self) -> str:
        return self._program.s3_object_key

    @property
    def program_app(self) -> str:
        """S3 address of `training/__main__.py`, for `spark-submit`, which runs files."""
        return self._program_app.s3_object_url

    @property
    def program_app_file(self) -> str:
        return self._program_app.s3_object_key

    @property
    def monitoring(self) -> str:
        """S3 address of the zip; with its file as PYTHONPATH, `python3 -m monitoring` runs."""
        return self._monitoring.s3_object_url

    @property
    def monitoring_file(self) -> str:
        return self._monitoring.s3_object_key

    @property
    def app(self) -> str:
        """S3 address of `monitoring/__main__.py`, for `spark-submit`, which runs files."""
        return self._app.s3_object_url

    @property
    def app_file(self) -> str:
        return self._app.s3_object_key

    @property
    def sources(self) -> str:
        """S3 address of the `sourcedir.tar.gz`."""
        return self._sources.s3_object_url

    @property
    def wheel(self) -> str:
        """S3 address of DuckDB, as its package index has it: for `training/libraries.py`."""
        return self._wheel.s3_object_url

    @property
    def bucket_arn(self) -> str:
        return f"arn:{cdk.Aws.PARTITION}:s3:::{self._program.s3_bucket_name}"

    @property
    def keys(self) -> list[str]:
        given = (self._program, self._program_app, self._monitoring, self._sources, self._wheel)
        return [asset.s3_object_key for asset in given]


def _wheel() -> Path:
    """Raises ConfigError where `make setup` has not been here."""
    found = [*WHEELS.glob("*.whl")]
    if len(found) != 1:
        raise ConfigError("the library that jobs bring along is not there: run `make setup`")
    return found[0]


def _sourcedir(target: Path) -> Path:
    """The sources in an archive with nothing in it but their content: the same files give the same bytes."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in sorted(SOURCE.glob("*.py")):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(entry, file)
    target.write_bytes(gzip.compress(content.getvalue(), mtime=0))
    return target
