"""`python -m monitoring baseline`: a package's baseline, from the table its model was trained on."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring.mounted import MOUNTED, files

if TYPE_CHECKING:
    from monitoring.baseline import Baseline, Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    add("--windows", type=int, help="how many healthy windows to cut, 20 or more; default: one an hour, 24 to 168")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from monitoring import baseline

    tables = files(options.input, ".csv", ".parquet")
    if options.model:
        made = _of_model(options, tables)
    else:
        manifest = _json(options.manifest)
        made = baseline.build(tables, _plan(options, manifest))
    baseline.write(made, options.output)
    rows = sum(window.rows for window in made.windows)
    sys.stdout.write(f"reference {made.reference.id}: {rows} rows in {len(made.windows)} windows\n")
    if made.reference.recalibrated:
        sys.stdout.write(f"scores are no probabilities: they stand for labels with {made.reference.line}\n")


def _of_model(options: argparse.Namespace, tables: Sequence[Path]) -> "Baseline":
    """The table's scores and the features' gain are the model's; `golden.jsonl` lies beside the rest."""
    from monitoring import baseline, model

    known = model.load(options.model)
    rows = model.scored(known, tables)
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
        features=_names(options.features) or _named(manifest),
        score=options.score,
        label=options.label,
        time=options.time,
        categories=frozenset(_names(options.categories)),
        importances=_json(options.importances),
        threshold=manifest.get("threshold", 0.5) if options.threshold is None else options.threshold,
        windows=options.windows,
    )


def _json(path: Path | None) -> dict[str, Any]:
    """An object, {} without a path. Raises ValueError."""
    try:
        found = json.loads(path.read_text()) if path else {}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected a JSON object")
    return found


def _named(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return tuple(str(feature["name"]) for feature in manifest.get("features", ()))
    except (KeyError, TypeError):
        raise ValueError('the manifest\'s features: expected [{"name": ...}, ...]') from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)
