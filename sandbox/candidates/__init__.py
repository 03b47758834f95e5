"""Model artifacts for the stories: a good candidate and bad ones, each wrong for a reason that happens in practice.

Nothing here tells anyone what an artifact is: it must show in production, or not.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
TRAIN = HERE.parents[1] / "training" / "train.py"
FALSE_FRAUDS = 0.01  # share of the training rows
SEED = 7

Change = Callable[[pd.DataFrame, str], pd.DataFrame]  # (rows, target) -> rows


@dataclass(frozen=True)
class Source:
    """What candidates are made from: the trained `model.tar.gz` and the two Parquet files it was trained on."""

    trained: Path
    train: Path
    validation: Path


@dataclass(frozen=True)
class Kind:
    """A candidate: what happened, in a sentence, and the function that makes the artifact's files by their names."""

    story: str
    make: Callable[[Source], dict[str, bytes]]


def build(kind: str, source: Source, target: Path) -> Path:
    """Write the artifact of one of KINDS as `target`, a model.tar.gz; returns it. Raises KeyError on another kind."""
    files = KINDS[kind].make(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    target.write_bytes(gzip.compress(content.getvalue(), mtime=0))
    return target


def _trained(source: Source) -> dict[str, bytes]:
    with tarfile.open(source.trained) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def _mistaken(name: str) -> Callable[[Source], dict[str, bytes]]:
    def make(source: Source) -> dict[str, bytes]:
        files = _trained(source)
        files["code/trained_serve.py"] = files["code/serve.py"]
        files["code/serve.py"] = (HERE / "mistakes" / f"{name}.py").read_bytes()
        return files

    return make


def _retrained(change: Change, *channels: str) -> Callable[[Source], dict[str, bytes]]:
    """Trains again, with the same hyperparameters, on data that `change` was applied to in the named channels."""

    def make(source: Source) -> dict[str, bytes]:
        manifest = json.loads(_trained(source)["manifest.json"])
        with tempfile.TemporaryDirectory(prefix="slipway-candidate-") as name:
            folder = Path(name)
            for channel in ("train", "validation"):
                (folder / channel).mkdir()
                table = pd.read_parquet(getattr(source, channel))
                changed = change(table, manifest["target"]) if channel in channels else table
                changed.to_parquet(folder / channel / "rows.parquet", index=False)
            _train(folder, manifest["hyperparameters"])
            made = folder / "model"
            return {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}

    return make


def _train(folder: Path, hyperparameters: dict[str, Any]) -> None:
    """Run the training script as a job would. Raises CalledProcessError with its output."""
    given = {name: value for name, value in hyperparameters.items() if value not in (None, "")}
    arguments = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    channels = {
        "SM_CHANNEL_TRAIN": str(folder / "train"),
        "SM_CHANNEL_VALIDATION": str(folder / "validation"),
        "SM_MODEL_DIR": str(folder / "model"),
    }
    command = [sys.executable, str(TRAIN), *arguments]
    subprocess.run(command, env={**os.environ, **channels}, check=True, capture_output=True, text=True)


def _alphabetical(table: pd.DataFrame, target: str) -> pd.DataFrame:
    return table[sorted(table.columns)]


def _false_frauds(table: pd.DataFrame, target: str) -> pd.DataFrame:
    wrong = np.random.default_rng(SEED).random(len(table)) < FALSE_FRAUDS
    return table.assign(**{target: table[target].mask(wrong, 1)})


KINDS = {
    "good": Kind("more data and stronger regularisation than the champion", _trained),
    "nan": Kind("a typing slip in the serving code: small amounts give NaN", _mistaken("nan")),
    "errors": Kind("the serving code raises for amounts beyond its table", _mistaken("errors")),
    "slow": Kind("the serving code waits 30 ms for something it does not use", _mistaken("slow")),
    "leak": Kind("the serving code fails for good once its connections are used up", _mistaken("leak")),
    "swapped": Kind(
        "trained on columns in alphabetical order; callers send them in the old one",
        _retrained(_alphabetical, "train", "validation"),
    ),
    "worse": Kind(
        "trained on labels in which a faulty join calls 1 % of all payments frauds", _retrained(_false_frauds, "train")
    ),
}
