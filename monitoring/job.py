"""What a processing job runs: `python -m monitoring baseline` and `python -m monitoring profile`.

Paths default to where SageMaker mounts a job's inputs and outputs. Engines are imported where they are chosen: the
image of one need not hold the other.
"""

import argparse
import json
import math
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring import labelled, labels
from monitoring.stream import Quarantine, Quarantined, Within
from slipway import codec
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference

if TYPE_CHECKING:
    from monitoring.baseline import Baseline, Plan

MOUNTED = Path("/opt/ml/processing")
HOUR = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/[^/]*$")


def main(arguments: Sequence[str]) -> int:
    """0, or 2 with a message where the input is not as promised."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description="Baselines, and profiles of traffic.")
    commands = parser.add_subparsers(required=True)
    _add_baseline(commands.add_parser("baseline", help="reference and healthy windows, from the training table"))
    _add_profile(commands.add_parser("profile", help="a window of captured traffic, counted by a reference"))
    return parser


def _add_baseline(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--input", type=Path, default=MOUNTED / "input", help="a .csv or .parquet file, or a folder of them")
    add("--output", type=Path, default=MOUNTED / "output")
    add("--package", required=True, help="the model package's ARN or name and version: what the baseline is bound to")
    add("--model", type=Path, help="a model.tar.gz, or its folder: scores the table, and writes rows to replay")
    add("--manifest", type=Path, help="the model's manifest.json: its features, in order, and its threshold")
    add("--features", default="", help="or the features, in the order of a request, separated by commas")
    add("--threshold", type=float, help="a score from there on is a positive decision; default: the manifest's, or 0.5")
    add("--score", default="", help="the column of the model's scores")
    add("--label", default="", help="the column of labels, 0 or 1")
    add("--time", default="", help="the column to order rows by: timestamps or unix seconds; default: as they come")
    add("--categories", default="", help="features of numbers that are categories in truth, separated by commas")
    add("--importances", type=Path, help="a JSON object: feature to gain")
    add("--windows", type=int, default=24, help="how many healthy windows to cut; 20 or more calibrate the detectors")
    parser.set_defaults(run=_baseline)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--input", default=str(MOUNTED / "input"), help="captured .jsonl objects or .parquet tables; Spark: any URI")
    add("--output", type=Path, default=MOUNTED / "output", help="for profile.json and quarantine.jsonl")
    add("--reference", type=Path, default=MOUNTED / "baseline/reference.json")
    add("--engine", choices=("embedded", "spark"), default="embedded")
    add("--labels", type=Path, help="ground truth, below yyyy/mm/dd/hh/: joins it (embedded only)")
    add("--since", type=_time, help="start of the window, ISO 8601: records an hour outside it are refused")
    add("--until", type=_time, help="its end")
    add("--labels-until", type=_time, default=math.inf, help="labels count if they were collected before; default: all")
    parser.set_defaults(run=_profile)


def _baseline(options: argparse.Namespace) -> None:
    from monitoring import baseline

    files = _files(options.input, ".csv", ".parquet")
    if options.model:
        made = _of_model(options, files)
    else:
        manifest = json.loads(options.manifest.read_text()) if options.manifest else {}
        made = baseline.build(files, _plan(options, manifest))
    baseline.write(made, options.output)
    rows = sum(window.rows for window in made.windows)
    sys.stdout.write(f"reference {made.reference.id}: {rows} rows in {len(made.windows)} windows\n")


def _of_model(options: argparse.Namespace, files: Sequence[Path]) -> "Baseline":
    """The table's scores and the features' gain are the model's; `golden.jsonl` lies beside the rest."""
    from monitoring import baseline, model

    known = model.load(options.model)
    rows = model.scored(known, files)
    plan = replace(_plan(options, known.manifest), score=model.SCORE, importances=known.importances)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "scored.parquet"
        rows.to_parquet(table, index=False)
        made = baseline.build([table], plan)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "golden.jsonl").write_text("\n".join(model.golden(known, rows)) + "\n")
    return made


def _plan(options: argparse.Namespace, manifest: Mapping[str, Any]) -> "Plan":
    from monitoring import baseline

    return baseline.Plan(
        package=options.package,
        features=_names(options.features) or tuple(feature["name"] for feature in manifest.get("features", ())),
        score=options.score,
        label=options.label,
        time=options.time,
        categories=frozenset(_names(options.categories)),
        importances=json.loads(options.importances.read_text()) if options.importances else {},
        threshold=manifest.get("threshold", 0.5) if options.threshold is None else options.threshold,
        windows=options.windows,
    )


def _profile(options: argparse.Namespace) -> None:
    reference = codec.loads(Reference, options.reference.read_text())
    if (options.since is None) != (options.until is None):
        raise ValueError("--since and --until belong together")
    within = None if options.since is None else (options.since, options.until)
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "quarantine.jsonl").open("w") as quarantine:

        def refuse(line: Quarantined) -> None:
            quarantine.write(json.dumps(line._asdict()) + "\n")

        counted = _count(options, reference, within, refuse)
    (options.output / "profile.json").write_text(codec.dumps(counted) + "\n")
    sys.stdout.write(f"{counted.records} records, {counted.accepted} accepted, {counted.labelled.n} rows labelled\n")


def _count(options: argparse.Namespace, reference: Reference, within: Within, refuse: Quarantine) -> Profile:
    if options.engine == "spark":
        return _spark(options, reference, within, refuse)
    files = _files(Path(options.input), ".jsonl", ".parquet", least=0)
    if not options.labels:
        from monitoring import embedded

        return embedded.profile(files, reference, within, refuse)
    histories = labels.read(_label_objects(options.labels), options.labels_until, refuse)
    lines = (line for file in files if file.suffix == ".jsonl" for line in _lines(file))
    return labelled.profile(lines, histories, reference, within, refuse)


def _spark(options: argparse.Namespace, reference: Reference, within: Within, refuse: Quarantine) -> Profile:
    from pyspark.sql import SparkSession

    from monitoring import spark

    if options.labels:
        raise ValueError("--labels: only the embedded engine joins them")
    local = "://" not in options.input
    paths = map(str, _files(Path(options.input), ".jsonl", ".parquet", least=0)) if local else [options.input]
    session = SparkSession.builder.appName("slipway-monitoring").getOrCreate()
    return spark.profile(session, paths, reference, within, refuse)


def _files(path: Path, *suffixes: str, least: int = 1) -> list[Path]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in suffixes)
    if len(files) < least:
        raise ValueError(f"no {' or '.join(suffixes)} file in {path}")
    return files


def _label_objects(directory: Path) -> Iterator[tuple[float, Iterator[bytes]]]:
    for file in _files(directory, ".jsonl", least=0):
        hour = HOUR.search(file.as_posix())
        if not hour:
            raise ValueError(f"{file}: expected .../yyyy/mm/dd/hh/name.jsonl, the hour its labels were collected in")
        year, month, day, of_day = map(int, hour.groups())
        yield datetime(year, month, day, of_day, tzinfo=UTC).timestamp(), _lines(file)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from lines


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _time(text: str) -> float:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
