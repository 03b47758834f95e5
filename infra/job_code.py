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
    """Assets of the deployment; a change of the code changes their addresses, so a running job keeps its own.

    program: a zip; `python3 KEY compare ...` runs `training/compare.py`. monitoring: one, too; with it as PYTHONPATH
    `python3 -m monitoring` runs. program_app, app: their `__main__.py`, for `spark-submit`, which runs files. sources:
    the `sourcedir.tar.gz`. wheel: DuckDB's, as its package index has it, for `training/libraries.py`.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.program = assets.Asset(self, "Program", path=str(SOURCE), exclude=["__pycache__", "*.pyc"])
        self.program_app = assets.Asset(self, "ProgramApp", path=str(SOURCE / "__main__.py"))
        exclude = ["*", *(f"!{path}" for path in MONITORING), "__pycache__"]
        self.monitoring = assets.Asset(
            self, "Monitoring", path=str(ROOT), ignore_mode=cdk.IgnoreMode.GIT, exclude=exclude
        )
        self.app = assets.Asset(self, "App", path=str(ROOT / "monitoring" / "__main__.py"))
        self.wheel = assets.Asset(self, "Wheel", path=str(_wheel()))
        with tempfile.TemporaryDirectory() as folder:
            self.sources = assets.Asset(self, "Sources", path=str(_sourcedir(Path(folder) / "sourcedir.tar.gz")))


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
