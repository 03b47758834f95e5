"""A processing job's script: captured requests and their labels in, a dataset to retrain on out.

    python assemble.py --champion DIR|model.tar.gz --since T --until T --cut T [--capture DIR] [--labels DIR] ...
    python assemble.py --champion DIR|model.tar.gz --since T --until T --cut T --joined DIR ...

Point-in-time correct: features are what was sent at the time of the request, labels those known at the cut. Rows are
split by time into train, validation and holdout; the holdout is the newest part and later than all the champion saw.
`dataset.json` says what was left out and which checks failed; only one that `passed` may be trained on. The same
requests and labels give the same digests, whatever files they come in.
"""

import argparse
import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

if __package__:
    from training import engines, join, joined, screening
else:  # in the container the files lie flat
    import engines
    import join
    import joined
    import screening

import numpy as np
import pandas as pd

PARTS = ("train", "validation", "holdout")
TIME = "event_time"


def assemble(
    rows: pd.DataFrame, counts: dict[str, int], champion: dict[str, Any], options: screening.Options
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """The dataset's description and its parts. rows: as `joined.join` gives them; champion: its manifest."""
    features = champion["features"]
    usable, incomplete = _complete(rows, features)
    typed = _typed(usable.rename(columns={"label": champion["target"]}), features, champion["target"])
    parts = split(typed, options.validation, held_out(typed, options))
    counted = counts | {"rows": len(typed), "incomplete": incomplete}
    checks = screening.checks(parts, counted, champion, options)
    described = {name: _describe(part, champion["target"]) for name, part in parts.items()}
    whole = hashlib.sha256("".join(described[name]["sha256"] for name in PARTS).encode()).hexdigest()
    return {
        "schema_version": 1,
        "target": champion["target"],
        "columns": list(typed.columns),
        "counts": counted,
        "parts": described,
        "checks": checks,
        "passed": all(check["passed"] for check in checks),
        "sha256": whole,
    }, parts


def held_out(rows: pd.DataFrame, options: screening.Options) -> float:
    """The share of the rows to judge on."""
    if not options.drifted or not len(rows):
        return options.holdout
    return min(options.holdout, float((rows[TIME] >= options.drifted).mean()) / 2)


def split(rows: pd.DataFrame, validation: float, holdout: float) -> dict[str, pd.DataFrame]:
    """By time, oldest first, in shares of the rows; rows of the same instant stay together, in the later part."""
    times = rows[TIME].to_numpy()
    begins = [_begin(times, 1 - validation - holdout), _begin(times, 1 - holdout)]
    bounds = [0, *begins, len(rows)]
    pairs = zip(PARTS, bounds, bounds[1:], strict=False)
    return {name: rows.iloc[low:high].reset_index(drop=True) for name, low, high in pairs}


def _begin(times: np.ndarray, share: float) -> int:
    if not len(times):
        return 0
    return int(np.searchsorted(times, times[min(int(len(times) * share), len(times) - 1)], side="left"))


def _complete(rows: pd.DataFrame, features: list[dict[str, Any]]) -> tuple[pd.DataFrame, int]:
    """Without the rows that serving refuses: they lack a feature that may not be missing."""
    required = [feature["name"] for feature in features if not feature["missing_allowed"]]
    whole = rows[required].notna().all(axis=1)
    return rows[whole].reset_index(drop=True), int((~whole).sum())


def _typed(rows: pd.DataFrame, features: list[dict[str, Any]], target: str) -> pd.DataFrame:
    """Whole numbers where the champion's feature has them and these rows do."""
    whole = {target: "int64"}
    for feature in features:
        values = rows[feature["name"]]
        if feature["type"] == "integer" and (values == np.floor(values)).all():
            whole[feature["name"]] = "int64"
    return rows.astype(whole)


def _describe(part: pd.DataFrame, target: str) -> dict[str, Any]:
    span = {"since": float(part[TIME].iloc[0]), "until": float(part[TIME].iloc[-1])} if len(part) else {}
    return {"rows": len(part), "positives": int(part[target].sum()), **span, "sha256": digest(part)}


def digest(rows: pd.DataFrame) -> str:
    """SHA-256 of names and values, in order; not of a file, whose bytes change with the library that writes it."""
    found = hashlib.sha256()
    for name in rows.columns:
        values = rows[name].to_numpy(dtype="<f8", na_value=np.nan) + 0.0  # -0 is 0
        values[np.isnan(values)] = np.nan  # one NaN
        found.update(name.encode() + b"\0" + values.tobytes())
    return found.hexdigest()


def manifest_of(path: Path) -> dict[str, Any]:
    """A model's manifest, from its directory or from a `model.tar.gz` (in a directory, too). Raises ValueError."""
    if path.is_dir():
        path = next(iter([*path.glob("*.tar.gz"), path / "manifest.json"]))
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text())
        with tarfile.open(path) as tar:
            return json.loads(tar.extractfile("manifest.json").read())
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise ValueError(f"--champion {path}: no model with a manifest.json ({error})") from None


def write(output: Path, description: dict[str, Any], parts: dict[str, pd.DataFrame]) -> None:
    for name, part in parts.items():
        (output / name).mkdir(parents=True, exist_ok=True)
        part.to_parquet(output / name / "rows.parquet", index=False)
    (output / "dataset.json").write_text(json.dumps(description, indent=1, allow_nan=False) + "\n")


def main(arguments: list[str]) -> dict[str, Any]:
    """Returns the description. Raises ValueError on arguments or inputs that can't be used at all."""
    base = Path("/opt/ml/processing")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("capture", "labels", "champion"):
        parser.add_argument(f"--{name}", type=Path, default=base / name)
    parser.add_argument("--output", type=Path, default=base / "dataset")
    parser.add_argument("--joined", type=Path, help="what join.py has made of them, instead of capture and labels")
    joined.add_arguments(parser)
    screening.add_arguments(parser)
    options = parser.parse_args(arguments)
    champion = manifest_of(options.champion)
    names = [feature["name"] for feature in champion["features"]]
    window = joined.window(options)
    if options.joined:
        rows, counts = join.read(options.joined, names)
    else:
        rows, counts = joined.join(engines.Embedded(), options.capture, options.labels, names, window)
    description, parts = assemble(rows, counts, champion, screening.options(options))
    description = {"window": vars(window), **description}
    write(options.output, description, parts)
    return description


if __name__ == "__main__":
    for check in main(sys.argv[1:])["checks"]:
        sys.stdout.write(f"{'ok  ' if check['passed'] else 'FAIL'} {check['name']}: {check['says']}\n")
