import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest
import xgboost

from tests.training.conftest import FEATURES, arguments, table
from training import checkpoints, manifest, package, train


def test_the_job_runs_from_its_source_archive_with_the_containers_variables(channels, model_dir, tmp_path):
    code = tmp_path / "code"
    with tarfile.open(package.sourcedir(tmp_path / "sourcedir.tar.gz")) as tar:
        tar.extractall(code, filter="data")
    environment = {
        "PATH": os.environ["PATH"],
        "SM_CHANNEL_TRAIN": str(channels / "train"),
        "SM_CHANNEL_VALIDATION": str(channels / "validation"),
        "SM_MODEL_DIR": str(tmp_path / "model"),
    }
    command = [sys.executable, "train.py", "--target", "label", "--time-column", "time", "--num-round", "20"]
    done = subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True, check=True)
    printed = dict(re.findall(r"validation:(\w+)=([0-9.]+)", done.stdout))
    assert printed.keys() == {"auc", "pr_auc", "log_loss", "brier"}
    assert float(printed["auc"]) > 0.8
    made = {path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*.*")}
    assert made == {"model.ubj", "manifest.json", "code/serve.py"}
    assert (tmp_path / "model" / "model.ubj").read_bytes() == (model_dir / "model.ubj").read_bytes()
    assert json.loads((tmp_path / "model" / "manifest.json").read_text())["code_sha256"] == manifest.code_sha256(code)


@pytest.mark.parametrize("script", ["assemble", "compare", "evaluate", "join"])
def test_the_other_jobs_scripts_start_from_the_same_archive(script, tmp_path):
    with tarfile.open(package.sourcedir(tmp_path / "sourcedir.tar.gz")) as tar:
        tar.extractall(tmp_path, filter="data")
    done = subprocess.run([sys.executable, f"{script}.py", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_same_data_and_hyperparameters_give_the_same_bytes(channels, model_dir, tmp_path):
    train.main(arguments(channels, tmp_path))
    for name in ("model.ubj", "manifest.json", "code/serve.py"):
        assert (tmp_path / name).read_bytes() == (model_dir / name).read_bytes()
    train.main(arguments(channels, tmp_path, "--seed", "8"))
    assert (tmp_path / "model.ubj").read_bytes() != (model_dir / "model.ubj").read_bytes()


def test_the_manifest_says_what_the_model_expects_and_was_made_from(channels, model_dir):
    description = json.loads((model_dir / "manifest.json").read_text())
    rows = pd.read_parquet(channels / "train" / "rows.parquet")
    assert [feature["name"] for feature in description["features"]] == FEATURES
    assert description["features"][0] == {
        "name": "a",
        "type": "float",
        "min": rows["a"].min(),
        "max": rows["a"].max(),
        "missing_allowed": False,
    }
    assert description["data"]["rows"] == 3000
    assert description["data"]["positives"] == rows["label"].sum()
    assert description["data"]["window"] == [0.0, 2999.0]
    assert description["data"]["seen"] == [0.0, 2999.0]
    assert description["xgboost_version"] == xgboost.__version__
    assert description["hyperparameters"]["num_round"] == 20
    assert 0 < description["threshold"] < 1
    assert description["metrics"]["validation"]["auc"] > 0.8


def test_csv_and_parquet_channels_train_alike_and_files_join_in_name_order(channels, tmp_path):
    rows = pd.read_parquet(channels / "train" / "rows.parquet").round(6)
    for name in ("csv", "parquet"):
        (tmp_path / name).mkdir()
    rows.iloc[:1000].to_csv(tmp_path / "csv" / "part-1.csv", index=False)
    rows.iloc[1000:].to_csv(tmp_path / "csv" / "part-2.csv", index=False)
    rows.to_parquet(tmp_path / "parquet" / "all.parquet")
    for name in ("csv", "parquet"):
        given = ["--train", str(tmp_path / name), "--model-dir", str(tmp_path / f"{name}-model"), "--target", "label"]
        train.main([*given, "--drop", "time", "--num-round", "5"])
    made = [(tmp_path / f"{name}-model" / "model.ubj").read_bytes() for name in ("csv", "parquet")]
    assert made[0] == made[1]


def test_early_stopping_keeps_only_the_rounds_that_helped(channels, tmp_path):
    train.main(arguments(channels, tmp_path, "--num-round", "400", "--early-stopping-rounds", "5"))
    assert xgboost.Booster(model_file=tmp_path / "model.ubj").num_boosted_rounds() < 200


def test_a_feature_missing_in_training_may_be_missing_when_serving(tmp_path):
    (tmp_path / "train").mkdir()
    rows = table(500, 3)
    rows.loc[::10, "b"] = float("nan")
    rows.to_parquet(tmp_path / "train" / "rows.parquet")
    given = ["--train", str(tmp_path / "train"), "--model-dir", str(tmp_path / "model"), "--target", "label"]
    description = train.main([*given, "--drop", "time", "--num-round", "2"])
    assert {feature["name"] for feature in description["features"] if feature["missing_allowed"]} == {"b"}
    assert description["threshold"] == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.rename(columns={"label": "y"}), "no column 'label'"),
        (lambda rows: rows.assign(label=0), "one class only"),
        (lambda rows: rows.assign(label=rows["label"] * 2), "must be 0 or 1"),
        (lambda rows: rows.assign(a="x"), "encode or --drop a"),
        (lambda rows: rows.assign(a=float("inf")), "infinite values, or too large for 32 bits, in a"),
        (lambda rows: rows.assign(extra=1.0), "validation channel has other columns"),
    ],
)
def test_data_that_is_not_as_promised_fails_with_its_reason(channels, tmp_path, change, message):
    (tmp_path / "train").mkdir()
    (tmp_path / "validation").symlink_to(channels / "validation")
    change(table(200, 1)).to_parquet(tmp_path / "train" / "rows.parquet")
    with pytest.raises(ValueError, match=message):
        train.main(arguments(tmp_path, tmp_path / "model"))


def test_an_empty_channel_fails_with_its_reason(tmp_path):
    with pytest.raises(ValueError, match=r"no \.csv or \.parquet file"):
        train.main(["--train", str(tmp_path), "--model-dir", str(tmp_path / "model"), "--target", "label"])


def test_an_unknown_hyperparameter_is_refused(channels, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(arguments(channels, tmp_path, "--max-dept", "3", "--unknown", "1"))
    assert "--unknown" in capsys.readouterr().err


def test_a_job_of_a_tuning_job_leaves_the_bytes_of_one_that_is_told_its_values(channels, tmp_path):
    values = ["--eta", "0.0712345678901234", "--max-depth", "5"]
    train.main(arguments(channels, tmp_path / "tried", *values, "--_tuning_objective_metric", "validation:log_loss"))
    train.main(arguments(channels, tmp_path / "chosen", *values))
    for name in ("model.ubj", "manifest.json"):
        assert (tmp_path / "tried" / name).read_bytes() == (tmp_path / "chosen" / name).read_bytes()


def test_the_source_archive_is_the_same_whenever_it_is_built(tmp_path):
    first, second = (package.sourcedir(tmp_path / name).read_bytes() for name in ("a.tar.gz", "b.tar.gz"))
    assert first == second


def test_what_runs_in_a_job_imports_nothing_of_ours_but_its_flat_neighbours():
    flat = {Path(name).stem for name in manifest.SOURCES}
    for name in manifest.SOURCES:
        text = (train.HERE / name).read_text()
        for line in re.findall(r"^\s+from training import (.+)$", text, flags=re.MULTILINE):
            assert {part.strip() for part in line.split(",")} <= flat
        assert not re.search(r"(from|import) (slipway|lambdas|sandbox|infra|boto3)", text)


class Reclaimed(Exception):
    """The spot instance is gone."""


@pytest.fixture
def reclaimed_at_the_second_checkpoint(monkeypatch):
    saved = []

    def save(self, booster, history, save=checkpoints.Checkpoints.save):
        save(self, booster, history)
        saved.append(len(history))
        if len(saved) == 2:
            raise Reclaimed

    monkeypatch.setattr(checkpoints.Checkpoints, "save", save)
    return saved


@pytest.mark.parametrize("more", [[], ["--early-stopping-rounds", "15"]])
def test_a_job_that_was_interrupted_goes_on_to_the_same_bytes(
    channels, tmp_path, reclaimed_at_the_second_checkpoint, more
):
    given = ["--num-round", "90", *more]
    resumable = [*given, "--checkpoint-dir", str(tmp_path / "checkpoints")]
    with pytest.raises(Reclaimed):
        train.main(arguments(channels, tmp_path / "resumed", *resumable))
    train.main(arguments(channels, tmp_path / "resumed", *resumable))
    assert reclaimed_at_the_second_checkpoint[2] == 40, "it went on, and did not start again"
    train.main(arguments(channels, tmp_path / "whole", *given))
    for name in ("model.ubj", "manifest.json"):
        assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_checkpoint_of_other_parameters_is_not_taken_up(channels, tmp_path, reclaimed_at_the_second_checkpoint):
    kept = ["--checkpoint-dir", str(tmp_path / "checkpoints"), "--num-round", "50"]
    with pytest.raises(Reclaimed):
        train.main(arguments(channels, tmp_path / "first", *kept))
    train.main(arguments(channels, tmp_path / "other", *kept, "--eta", "0.3"))
    train.main(arguments(channels, tmp_path / "clean", "--num-round", "50", "--eta", "0.3"))
    assert (tmp_path / "other" / "model.ubj").read_bytes() == (tmp_path / "clean" / "model.ubj").read_bytes()


def test_a_feature_that_happened_to_be_complete_may_still_be_declared_as_missing_at_times(channels, tmp_path):
    description = train.main(arguments(channels, tmp_path, "--num-round", "1", "--missing-allowed", "c"))
    assert [feature["name"] for feature in description["features"] if feature["missing_allowed"]] == ["c"]
    with pytest.raises(ValueError, match="no feature d"):
        train.main(arguments(channels, tmp_path, "--num-round", "1", "--missing-allowed", "d"))
