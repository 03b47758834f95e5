"""The demo's stories of drift without AWS: the same rows, model, baseline and windows, the detectors alone, many times.

`python -m bench.drift_stories [--runs 5]` prints a line a run, a letter a verdict: before, during and after the change.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost

from monitoring import baseline as making
from monitoring.labelled import Losses
from monitoring.stream import Tally
from sandbox import changes, data
from sandbox.demo.baseline import DIGITS, SEED, WINDOWS
from sandbox.demo.drifts import DRIFTS, DriftStory
from sandbox.demo.watched import traffic
from sandbox.demo.world import CHAMPION
from slipway.drift.calibration import Baseline, learn
from slipway.drift.detect import detect
from slipway.drift.findings import Drift, Settings, Window
from slipway.drift.profile import Profile
from training import train

ROWS, SHARE, MINUTES = 1500, 0.6, 10  # of a window; labelled ones; its length
DELAY = 6  # windows until labels are due
BEFORE, DURING, AFTER, APART = 6, 11, 40, 9_000  # windows; rows between two runs' beginnings
KEPT = 32
LETTERS = {"RETRAIN": "T", "RELABEL": "L", "REPAIR_DATA": "D", "ROLL_BACK": "B", "REFRESH_HOLDOUT": "H", "NOTHING": "n"}
Pair = tuple[Profile, Profile]  # a window without and with its labels


@dataclass(frozen=True)
class Served:
    """What serves, and users' healthy rows in an order without hours."""

    booster: xgboost.Booster
    features: list[str]
    baseline: Baseline
    healthy: pd.DataFrame


def serve(folder: Path) -> Served:
    """As the demo sets it up."""
    source = data.fraud()
    names = ("champion-train", "champion-validation", "stream")
    slices = {name: data.cut(source, name, folder / name / "rows.parquet") for name in names}
    options = [part for name, value in CHAMPION.items() for part in (f"--{name}", str(value))]
    channels = ["--train", str(folder / names[0]), "--validation", str(folder / names[1])]
    train.main(["--target", "Class", "--time-column", "Time", *options, *channels, "--model-dir", str(folder)])
    features = [feature["name"] for feature in json.loads((folder / "manifest.json").read_text())["features"]]
    booster = xgboost.Booster({"nthread": 1}, model_file=folder / "model.ubj")
    rows = pd.read_parquet(slices["stream"]).iloc[::2].sample(frac=1, random_state=SEED)
    rows[features] = rows[features].round(DIGITS)
    rows.assign(score=booster.predict(xgboost.DMatrix(rows[features]))).to_parquet(folder / "scored.parquet")
    gains = booster.get_score(importance_type="total_gain")
    plan = making.Plan("fraud/first", tuple(features), "score", "Class", importances=gains, windows=WINDOWS)
    made = making.build([folder / "scored.parquet"], plan)
    own = [Window(float(i), i + 1.0, profile) for i, profile in enumerate(made.windows)]
    healthy = changes.staffed(traffic(slices["stream"])).sample(frac=1, random_state=changes.SEED, ignore_index=True)
    return Served(booster, features, learn(made.reference, own), healthy)


def windows(served: Served, rows: pd.DataFrame, begin: int, count: int, rng: np.random.Generator) -> Iterator[Pair]:
    """So many windows of users who send these rows, from row `begin` on and from the start again."""
    for _ in range(count):
        size = int(rng.poisson(ROWS))
        part = rows.iloc[np.arange(begin, begin + size) % len(rows)]
        begin += size
        values = part[served.features].round(DIGITS)
        scores = served.booster.predict(xgboost.DMatrix(values)).astype(float)
        tally = Tally(served.baseline.reference)
        losses = Losses(tally)
        table = values.to_numpy().tolist()
        tally.add(table, list(scores), size, [])
        given = zip(table, scores, part["Class"], part["annotator"], part["policyVersion"], strict=True)
        for row, score, label, annotator, policy in given:
            if rng.random() < SHARE:
                losses.add(row, score, float(label), (f"annotator:{annotator}", f"policy:{policy}"))
        profile = tally.profile()
        yield profile, replace(profile, labelled=losses.labelled())


def verdicts(served: Served, story: DriftStory, pairs: Sequence[Pair]) -> Iterator[Drift]:
    """One after each window."""
    length = 60.0 * MINUTES
    settings = Settings(labels_due=DELAY * length if story.labelled else None)
    for newest in range(len(pairs)):
        ripe = newest - DELAY if story.labelled else -1
        seen = [
            Window(i * length, (i + 1) * length, pairs[i][i <= ripe])
            for i in range(newest + 1)
            if i > newest - KEPT or ripe - KEPT < i <= ripe
        ]
        yield detect(served.baseline, seen, now=(newest + 1) * length, settings=settings)


def letters(found: Sequence[Drift]) -> str:
    """`.` is silence, `n` an alarm that calls for nothing."""
    alarming = (any(finding.alarming for finding in drift.findings) for drift in found)
    return "".join(LETTERS[drift.remedy] if loud else "." for drift, loud in zip(found, alarming, strict=True))


def tell(served: Served, story: DriftStory, run: int) -> str:
    assert story.change
    rng, begin = np.random.default_rng(run), run * APART
    parts = ((served.healthy, BEFORE), (story.change(served.healthy), DURING), (served.healthy, AFTER))
    pairs: list[Pair] = []
    for rows, count in parts:
        pairs += windows(served, rows, begin + len(pairs) * ROWS, count, rng)
    return letters(list(verdicts(served, story, pairs)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drift_stories", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        served = serve(Path(folder))
        for story in (story for story in DRIFTS.values() if story.change):
            late = DELAY if story.labelled else 0
            wanted, first, rung = LETTERS[story.remedy], [], 0
            print(f"{story.name}: {story.says}")
            for run in range(runs):
                told = tell(served, story, run)
                before, during, after = told[:BEFORE], told[BEFORE : BEFORE + DURING], told[BEFORE + DURING :]
                print(f"  {before} {during} {after}", flush=True)
                found = (during + after).lstrip(".")
                first.append((len(during + after) - len(found) + 1, found[:1]))
                rung += sum(letter != "." for letter in after[late:])
            right = sum(letter == wanted for _, letter in first)
            seen = sorted(at for at, _ in first)[runs // 2]
            print(f"  {right} of {runs} first verdicts say {story.remedy}; seen in window {seen} of it (median),")
            print(f"  {rung} of {runs * (AFTER - late)} verdicts alarm after its last rows were due\n")


if __name__ == "__main__":
    main()
