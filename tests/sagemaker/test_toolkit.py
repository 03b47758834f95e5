"""The script-mode contract, against the training toolkit's documented behaviour."""

import json
from pathlib import Path

import pytest

from sandbox.sagemaker import toolkit

HYPERPARAMETERS = toolkit.decoded(
    {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": "s3://b/sourcedir.tar.gz",
        "max-depth": "4",
        "k": "2",
        "flag": "true",
        "columns": '["a", "b"]',
        "name": "plain text",
        "empty": '""',
    }
)


def test_hyperparameters_become_sorted_arguments_without_the_platforms_own():
    assert toolkit.command("train.py", HYPERPARAMETERS)[1:] == [
        "train.py",
        *("--columns", '["a", "b"]'),
        *("--empty", ""),
        *("--flag", "True"),
        *("-k", "2"),
        *("--max-depth", "4"),
        *("--name", "plain text"),
    ]


def test_every_documented_variable_is_set(tmp_path):
    channels = [{"ChannelName": "train", "DataSource": {"S3DataSource": {}}, "InputMode": "File"}]
    seen = toolkit.environment(toolkit.Layout(tmp_path), HYPERPARAMETERS, channels)
    assert seen["SM_MODEL_DIR"] == str(tmp_path / "model")
    assert seen["SM_CHANNEL_TRAIN"] == str(tmp_path / "input/data/train")
    assert seen["SM_INPUT_CONFIG_DIR"] == str(tmp_path / "input/config")
    assert seen["SM_OUTPUT_DATA_DIR"] == str(tmp_path / "output/data")
    assert (seen["SM_HP_MAX-DEPTH"], seen["SM_HP_FLAG"]) == ("4", "True")
    assert json.loads(seen["SM_HPS"]) == {k: v for k, v in HYPERPARAMETERS.items() if not k.startswith("sagemaker_")}
    assert json.loads(seen["SM_USER_ARGS"]) == toolkit.command("train.py", HYPERPARAMETERS)[2:]
    assert (seen["SM_MODULE_NAME"], seen["SM_USER_ENTRY_POINT"]) == ("train", "train.py")
    assert json.loads(seen["SM_INPUT_DATA_CONFIG"])["train"]["TrainingInputMode"] == "File"
    documented = (
        "CHANNELS HOSTS CURRENT_HOST NUM_CPUS NUM_GPUS OUTPUT_DIR INPUT_DIR RESOURCE_CONFIG TRAINING_ENV LOG_LEVEL"
    )
    assert {f"SM_{name}" for name in documented.split()} <= seen.keys()
    assert all(isinstance(value, str) for value in seen.values())


@pytest.mark.parametrize(
    ("key", "prefix", "expected"),
    [
        ("data/train/a/b.csv", "data/train", "a/b.csv"),
        ("data/train/a.csv", "data/train/", "a.csv"),
        ("data/train.csv", "data/train.csv", "train.csv"),
        ("data/train-2.csv", "data/train", "train-2.csv"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_a_key_keeps_its_path_below_the_channels_prefix(key, prefix, expected):
    from sandbox.sagemaker.storage import _relative

    assert Path(_relative(key, prefix)) == Path(expected)
