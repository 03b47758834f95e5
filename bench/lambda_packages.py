"""What each Lambda function carries and how long it takes to import: `python -m bench.lambda_packages [--quick]`.

Synthesizes the stacks as they are deployed, zips each function's asset as the CDK command line does, and imports each
handler in fresh processes with the function's zip, its layer and boto3 on the path, bytecode of the first two absent as
in a new execution environment. Prints a table and writes out/bench/lambda_packages.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
OUT = ROOT / "out/bench/lambda_packages.json"
CONTEXT = {"endpoints": [{"name": "fraud", "first_model": "s3://bucket/models/first/model.tar.gz"}]}
LAYER = "(layer)"
# The clock starts after the interpreter has: what is measured is the import alone, no boto3 client is made yet.
IMPORT = """
import sys, time
sys.path[:0] = {path!r}
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Package:
    """Sizes in bytes; import_ms: median over fresh processes, milliseconds, None for the layer."""

    name: str
    zip_bytes: int
    files: int
    import_ms: float | None = None


def synthesize(target: Path) -> None:
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(CONTEXT), "CDK_OUTDIR": str(target)}
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True, capture_output=True)


def resources(assembly: Path, kind: str) -> Iterator[dict[str, Any]]:
    for template in sorted(assembly.glob("*.template.json")):
        for resource in json.loads(template.read_text())["Resources"].values():
            if resource["Type"] == kind:
                yield resource["Properties"]


def asset(assembly: Path, code: dict[str, str]) -> Path:
    """The directory behind a function's or a layer's `{hash}.zip`."""
    return assembly / f"asset.{code['S3Key'].removesuffix('.zip')}"


def zipped(directory: Path) -> tuple[int, int]:
    """Bytes of the zip, and the number of files in it."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    with tempfile.TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in files:
                archive.write(path, path.relative_to(directory))
        return target.tell(), len(files)


def import_ms(module: str, code: Path, layer: Path, runs: int) -> float:
    path = [str(code), str(layer / "python"), sysconfig.get_paths()["purelib"]]
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT.format(path=path, module=module)]
    # Powertools loads the X-Ray SDK, and has it patch botocore, only where these say that it is on AWS.
    environment = {"LAMBDA_TASK_ROOT": "/var/task", "AWS_REGION": "us-east-1", "POWERTOOLS_METRICS_NAMESPACE": "bench"}
    seconds = [
        float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
        for _ in range(runs)
    ]
    return round(statistics.median(seconds) * 1000, 1)


def measure(assembly: Path, runs: int) -> list[Package]:
    layer = asset(assembly, next(resources(assembly, "AWS::Lambda::LayerVersion"))["Content"])
    measured = [Package(LAYER, *zipped(layer))]
    for function in resources(assembly, "AWS::Lambda::Function"):
        code, module = asset(assembly, function["Code"]), function["Handler"].removesuffix(".handler")
        measured.append(Package(function["FunctionName"], *zipped(code), import_ms(module, code, layer, runs)))
    return measured


def show(packages: list[Package], runs: int) -> None:
    table = Table(title=f"Lambda packages (import: median of {runs} fresh processes)", header_style="bold")
    for column in ("function", "zip bytes", "files", "import ms"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for package in packages:
        milliseconds = "-" if package.import_ms is None else f"{package.import_ms:.0f}"
        table.add_row(package.name, f"{package.zip_bytes:,}", str(package.files), milliseconds)
    Console().print(table)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lambda_packages", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one process a function instead of seven")
    runs = 1 if parser.parse_args(arguments).quick else 7
    with tempfile.TemporaryDirectory(prefix="slipway-packages-") as name:
        synthesize(Path(name))
        packages = measure(Path(name), runs)
    show(packages, runs)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"runs": runs, "packages": [asdict(package) for package in packages]}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
