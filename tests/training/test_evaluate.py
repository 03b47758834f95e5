import json

import pandas as pd
import pytest

from training import evaluate, package


def test_the_script_writes_the_challengers_metrics_on_the_holdout(channels, model_dir, tmp_path):
    package.artifact(model_dir, tmp_path / "model" / "model.tar.gz")
    holdout = str(channels / "holdout")
    evaluate.main(["--model", str(tmp_path / "model"), "--data", holdout, "--output", str(tmp_path / "out")])
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert result["binary_classification_metrics"]["auc"]["value"] > 0.8
    assert result["holdout"]["rows"] == 1000


def test_columns_of_the_holdout_are_taken_by_name_not_by_place(channels, model_dir, tmp_path):
    rows = pd.read_parquet(channels / "holdout" / "rows.parquet")
    rows[rows.columns[::-1]].to_parquet(tmp_path / "rows.parquet")
    artifact = evaluate.open_artifact(model_dir)
    assert (evaluate.measure(artifact, tmp_path)[1] == evaluate.measure(artifact, channels / "holdout")[1]).all()


def test_a_holdout_that_lacks_a_feature_is_refused_by_its_name(channels, model_dir, tmp_path):
    pd.read_parquet(channels / "holdout" / "rows.parquet").drop(columns="b").to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="lacks b"):
        evaluate.evaluate(evaluate.open_artifact(model_dir), tmp_path)
