"""`python -m monitoring profile`: a window of captured traffic, counted by a reference, with its labels."""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitoring import labelled, labels
from monitoring.mounted import MOUNTED, files
from monitoring.stream import Quarantine, Quarantined, Within
from slipway import codec
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference

LINES = (".jsonl",)
TRAFFIC = (".jsonl", ".parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--input", default=str(MOUNTED / "input"), help="captured .jsonl objects or .parquet tables; Spark: any URI")
    add("--output", type=Path, default=MOUNTED / "output", help="for the profile and what is refused")
    add("--profile", default="profile.json", help="its file in the output")
    add("--quarantine", type=Path, help="the file of refused lines; default: quarantine.jsonl in the output")
    add("--reference", type=Path, default=MOUNTED / "baseline/reference.json")
    add("--engine", choices=("embedded", "spark"), default="embedded")
    add("--labels", type=Path, help="ground truth, below yyyy/mm/dd/hh/: is joined")
    add("--since", type=_time, help="start of the window, ISO 8601: records an hour outside it are refused")
    add("--until", type=_time, help="its end")
    add("--labels-until", type=_time, default=math.inf, help="labels count if they were collected before; default: all")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    reference = _reference(options.reference)
    if (options.since is None) != (options.until is None):
        raise ValueError("--since and --until belong together")
    within = None if options.since is None else (options.since, options.until)
    if within and within[0] >= within[1]:
        raise ValueError("--until must be later than --since")
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.quarantine or options.output / "quarantine.jsonl").open("w") as quarantine:

        def refuse(line: Quarantined) -> None:
            quarantine.write(json.dumps(line._asdict()) + "\n")

        counted = (_spark if options.engine == "spark" else _here)(options, reference, within, refuse)
    (options.output / options.profile).write_text(codec.dumps(counted) + "\n")
    sys.stdout.write(f"{counted.records} records, {counted.accepted} accepted, {counted.labelled.n} rows labelled\n")


def _reference(path: Path) -> Reference:
    text = path.read_text()
    try:
        return codec.loads(Reference, text)
    except ValueError as error:
        raise ValueError(f"--reference {path}: {error}") from None


def _here(options: argparse.Namespace, reference: Reference, within: Within, refuse: Quarantine) -> Profile:
    paths = files(Path(options.input), *TRAFFIC, least=0)
    tables = [path for path in paths if path.suffix == ".parquet"]
    if options.labels and tables:
        raise ValueError(f"--labels joins by inference id, which {tables[0]} has none of: count tables without it")
    if not options.labels:
        from monitoring import embedded

        return embedded.profile(paths, reference, within, refuse)
    given = ((labels.collected(path.as_posix()), _lines(path)) for path in files(options.labels, *LINES, least=0))
    histories = labels.read(given, options.labels_until, refuse)
    lines = (line for path in paths for line in _lines(path))
    return labelled.profile(lines, histories, reference, within, refuse)


def _spark(options: argparse.Namespace, reference: Reference, within: Within, refuse: Quarantine) -> Profile:
    from pyspark.sql import SparkSession

    from monitoring import spark, spark_labels

    paths = [options.input] if "://" in options.input else _uris(Path(options.input), *TRAFFIC)
    session = SparkSession.builder.appName("slipway-monitoring").getOrCreate()
    if not options.labels:
        return spark.profile(session, paths, reference, within, refuse)
    truths = _uris(options.labels, *LINES)
    return spark_labels.profile(session, paths, truths, reference, options.labels_until, within, refuse)


def _uris(path: Path, *suffixes: str) -> list[str]:
    """Of files that lie at the same place on every machine of the cluster, as a job's inputs do."""
    return [f"file://{found.resolve()}" for found in files(path, *suffixes, least=0)]


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from lines


def _time(text: str) -> float:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
