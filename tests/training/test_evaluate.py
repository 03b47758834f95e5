import json

import pandas as pd
import pytest

from tests.training.conftest import arguments
from training import evaluate, package, train


def test_the_script_writes_the_challengers_metrics_on_the_holdout(channels, model_dir, tmp_path):
    package.artifact(model_dir, tmp_path / "model" / "model.tar.gz")
    holdout = str(channels / "holdout")
    evaluate.main(["--model", str(tmp_path / "model"), "--data", holdout, "--output", str(tmp_path / "out")])
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert result["binary_classification_metrics"]["auc"]["value"] > 0.8
    assert result["holdout"]["rows"] == 1000
    assert "champion_metrics" not in result


def test_a_better_challenger_has_a_negative_difference_in_log_loss(channels, model_dir, tmp_path):
    train.main(arguments(channels, tmp_path, "--num-round", "1"))
    poor, good = evaluate.open_artifact(tmp_path), evaluate.open_artifact(model_dir)
    result = evaluate.evaluate(good, channels / "holdout", poor)
    difference = result["log_loss_difference"]
    assert difference["mean"] < -2 * difference["standard_error"] < 0
    measured = result["binary_classification_metrics"]["log_loss"]["value"] - result["champion_metrics"]["log_loss"]
    assert difference["mean"] == pytest.approx(measured)


def test_columns_of_the_holdout_are_taken_by_name_not_by_place(channels, model_dir, tmp_path):
    rows = pd.read_parquet(channels / "holdout" / "rows.parquet")
    rows[rows.columns[::-1]].to_parquet(tmp_path / "rows.parquet")
    artifact = evaluate.open_artifact(model_dir)
    assert (evaluate.measure(artifact, tmp_path)[1] == evaluate.measure(artifact, channels / "holdout")[1]).all()


def test_a_holdout_that_lacks_a_feature_is_refused_by_its_name(channels, model_dir, tmp_path):
    pd.read_parquet(channels / "holdout" / "rows.parquet").drop(columns="b").to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="lacks b"):
        evaluate.evaluate(evaluate.open_artifact(model_dir), tmp_path)
