"""A small table with a real signal, and a model trained on it by the script itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training import train

FEATURES = ["a", "b", "c", "amount"]


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=FEATURES)
    logit = 2 * frame["a"] - frame["b"] - 2
    frame["label"] = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    return frame.assign(time=np.arange(rows, dtype=float))


def arguments(folder: Path, model: Path, *more: str) -> list[str]:
    channels = ["--train", str(folder / "train"), "--validation", str(folder / "validation"), "--model-dir", str(model)]
    return [*channels, "--target", "label", "--time-column", "time", "--num-round", "20", *more]


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    for number, (name, rows) in enumerate({"train": 3000, "validation": 1000, "holdout": 1000}.items()):
        (folder / name).mkdir()
        table(rows, number).to_parquet(folder / name / "rows.parquet")
    return folder


@pytest.fixture(scope="session")
def model_dir(channels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("model")
    train.main(arguments(channels, model))
    return model
