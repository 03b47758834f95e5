"""The baseline of a model: what it scores the table, what it weighs, and what it will be asked again."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost

from monitoring import job, model
from slipway import codec
from slipway.drift.profile import Profile
from slipway.drift.reference import Reference

ROWS = 1200


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a model that uses `a` only, and their baseline."""
    folder = tmp_path_factory.mktemp("model")
    rng = np.random.default_rng(7)
    rows = pd.DataFrame({"b": rng.normal(size=ROWS), "a": rng.normal(size=ROWS), "event_time": np.arange(ROWS) * 60.0})
    rows.loc[::10, "b"] = np.nan
    rows["bad"] = (rng.random(ROWS) < 1 / (1 + np.exp(-2 * rows["a"]))).astype(int)
    rows.to_parquet(folder / "rows.parquet")
    data = xgboost.DMatrix(rows[["a", "b"]].assign(b=0.0), rows["bad"])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, 10)
    booster.save_model(folder / "model.ubj")
    features = [{"name": name} for name in ("a", "b")]
    (folder / "manifest.json").write_text(json.dumps({"features": features, "threshold": 0.3}))
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for name in ("model.ubj", "manifest.json"):
            archive.add(folder / name, name)
    assert run(folder) == 0
    return folder


def run(folder: Path, table: str = "rows.parquet") -> int:
    given = {"package": "run-1", "model": folder, "label": "bad", "time": "event_time", "output": folder / "baseline"}
    words = [f"--{name}={value}" for name, value in given.items()]
    return job.main(["baseline", f"--input={folder / table}", *words])


def test_features_threshold_and_importances_are_the_models(made: Path) -> None:
    reference = codec.loads(Reference, (made / "baseline/reference.json").read_text())
    assert (reference.package, reference.threshold) == ("run-1", 0.3)
    assert [(feature.name, feature.importance) for feature in reference.features] == [("a", 1.0), ("b", 0.0)]


def test_the_windows_hold_the_models_scores_and_how_they_fit_the_labels(made: Path) -> None:
    lines = (made / "baseline/windows.jsonl").read_text().splitlines()
    windows = [codec.loads(Profile, line) for line in lines]
    rows = pd.read_parquet(made / "rows.parquet")
    assert sum(window.labelled.n for window in windows) == sum(window.rows for window in windows) == ROWS
    assert sum(window.labelled.positives for window in windows) == rows["bad"].sum()
    assert sum(window.scores.nulls for window in windows) == 0


def test_golden_rows_are_spread_over_the_table_and_hold_what_the_model_answered(made: Path) -> None:
    golden = [json.loads(line) for line in (made / "baseline/golden.jsonl").read_text().splitlines()]
    assert len(golden) == model.GOLDEN
    rows = pd.read_parquet(made / "rows.parquet")[:: ROWS // model.GOLDEN]
    asked = [",".join("" if value is None else str(value) for value in one["row"]) for one in golden]
    sent = np.array([[float(cell) if cell else np.nan for cell in line.split(",")] for line in asked])
    np.testing.assert_array_equal(sent, rows[["a", "b"]].to_numpy())
    booster = model.load(made).booster
    answered = booster.predict(xgboost.DMatrix(sent, feature_names=["a", "b"]))
    assert answered.tolist() == [one["score"] for one in golden]


def test_what_can_not_be_used_is_named(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_parquet(made / "rows.parquet").drop(columns="a").to_parquet(made / "without.parquet")
    assert run(made, "without.parquet") == 2
    assert "the table lacks a" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"no model\.tar\.gz"):
        model.load(tmp_path)
