"""A model's monitoring baseline, made by the command people use and put where its package's baseline belongs."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

from sandbox.demo.toolchain import ROOT
from sandbox.demo.world import World
from slipway import names

GOLDEN, SEED = 100, 11
WINDOWS = 48  # of a day: half an hour each on average
DIGITS = 6  # that users send


class BaselineFailed(RuntimeError):
    """`python -m monitoring baseline` did not succeed; the message is what it said."""


def make(world: World, artifact: str, version: str, *, by_hour: bool = False) -> None:
    """Of a trained artifact (s3 URI), for the package version, `first` or a number: every other row of the stream's
    day with scores and labels, and golden rows with their scores. by_hour: its windows are in order of time, so
    that day and night are part of what is healthy; else each is like the whole day.

    The day before differs by itself in many features, and models should not be measured on what they were trained on.
    """
    folder = world.out / "baselines" / version
    folder.mkdir(parents=True, exist_ok=True)
    booster, manifest = _model(world, artifact, folder)
    features = [feature["name"] for feature in manifest["features"]]
    rows = pd.read_parquet(world.slice("stream")).iloc[::2]
    rows = rows if by_hour else rows.sample(frac=1, random_state=SEED)
    rows[features] = rows[features].round(DIGITS)
    scored = rows.assign(score=booster.predict(xgboost.DMatrix(rows[features])))
    scored.to_parquet(folder / "scored.parquet")
    (folder / "importances.json").write_text(json.dumps(booster.get_score(importance_type="total_gain")))
    _run(world, folder, version, by_hour=by_hour)
    world.say(f"baseline {version}: {len(rows):,} rows in {WINDOWS} windows, {GOLDEN} golden rows")
    golden = scored.sample(GOLDEN, random_state=SEED)
    pairs = zip(golden[features].to_numpy().tolist(), golden["score"].astype(float), strict=True)
    files = {name: (folder / name).read_text() for name in ("reference.json", "windows.jsonl")}
    files["golden.jsonl"] = "\n".join(json.dumps({"row": row, "score": score}) for row, score in pairs)
    put(world, version, files)


def put(world: World, version: str, files: dict[str, str]) -> None:
    bucket = world.outputs()["BucketName"]
    for file, text in files.items():
        key = names.monitored(world.name, names.BASELINES, version, file)
        world.sandbox.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


def evaluated_on(world: World, artifact: str, version: str, rows: pd.DataFrame) -> None:
    """Says beside a package's baseline that its artifact (s3 URI) was evaluated on these rows, which have an
    `event_time`, so that monitoring compares them with what users send."""
    bucket, _, model = artifact.removeprefix("s3://").partition("/")
    folder = names.monitored(world.name, names.BASELINES, version, "holdout")
    body = io.BytesIO()
    rows.to_parquet(body)
    world.sandbox.client("s3").put_object(Bucket=bucket, Key=f"{folder}/rows.parquet", Body=body.getvalue())
    put(world, version, {"evaluated.json": json.dumps({"holdout": folder, "model": model})})


def _model(world: World, artifact: str, folder: Path) -> tuple[xgboost.Booster, dict[str, Any]]:
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    world.sandbox.client("s3").download_file(bucket, key, str(folder / "model.tar.gz"))
    with tarfile.open(folder / "model.tar.gz") as archive:
        for member in ("model.ubj", "manifest.json"):
            archive.extract(member, folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    return xgboost.Booster({"nthread": 1}, model_file=folder / "model.ubj"), manifest


def _run(world: World, folder: Path, version: str, *, by_hour: bool) -> None:
    command = [sys.executable, "-m", "monitoring", "baseline", "--input", f"{folder}/scored.parquet"]
    command += [
        "--output",
        str(folder),
        "--package",
        f"{world.name}/{version}",
        "--manifest",
        f"{folder}/manifest.json",
    ]
    command += ["--importances", f"{folder}/importances.json", "--windows", str(WINDOWS)]
    command += ["--score", "score", "--label", "Class", *(("--time", "Time") if by_hour else ())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BaselineFailed(done.stderr[-2000:] or done.stdout[-2000:])
