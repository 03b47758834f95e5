"""A small table with a real signal, and a model trained on it by the script itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.captures import BEGIN, HOUR, World
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


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture(scope="module")
def champion(channels, tmp_path_factory):
    """Trained on the same distribution; what it has seen ends long before BEGIN."""
    folder = tmp_path_factory.mktemp("champion")
    for name in ("train", "validation"):
        (folder / name).mkdir()
        rows = pd.read_parquet(channels / name / "rows.parquet").rename(columns={"time": "event_time"})
        rows.to_parquet(folder / name / "rows.parquet")
    given = [word if word != "time" else "event_time" for word in arguments(folder, folder / "model")]
    train.main(given)
    return folder / "model"


def traffic(world: World, rows: int = 1000, hours: float = 99, seed: int = 4, change=lambda rows: rows) -> World:
    drawn = change(table(rows, seed))
    for number, row in enumerate(drawn.itertuples()):
        time = BEGIN + number * hours * HOUR / rows
        world.ask(f"r{number}", time, ",".join("" if np.isnan(v) else f"{v:.6f}" for v in row[1:5]))
        world.tell(f"r{number}", time + HOUR, row.label)
    return world.write()


def shifted(**change):
    return lambda rows: rows.assign(**{name: value(rows) for name, value in change.items()})
