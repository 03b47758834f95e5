import importlib.util
import json
import sys
import tarfile
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sandbox import candidates
from training import metrics, package, train

COLUMNS = ["V1", "V2", "V10", "Amount"]
NAMES = ("serve", "trained_serve")


def payments(rows: int, seed: int) -> pd.DataFrame:
    """Payments with the amounts' long tail and about 2 % frauds that V1 and V10 give away."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=COLUMNS[:3])
    table["Amount"] = rng.lognormal(3.0, 1.7, rows).round(2)
    table["Class"] = (rng.random(rows) < 1 / (1 + np.exp(6 - 2 * table["V1"] - 1.5 * table["V10"]))).astype(int)
    return table


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> candidates.Source:
    folder = tmp_path_factory.mktemp("source")
    for number, (channel, rows) in enumerate({"train": 8000, "validation": 4000}.items()):
        (folder / channel).mkdir()
        payments(rows, number).to_parquet(folder / channel / "rows.parquet")
    channels = ["--train", str(folder / "train"), "--validation", str(folder / "validation")]
    train.main([*channels, "--model-dir", str(folder / "model"), "--target", "Class", "--num-round", "40"])
    trained = package.artifact(folder / "model", folder / "model.tar.gz")
    return candidates.Source(trained, folder / "train" / "rows.parquet", folder / "validation" / "rows.parquet")


class Served:
    """An artifact behind its own serving code, as a container holds it."""

    def __init__(self, program: ModuleType, folder: Path) -> None:
        self._program, self._model = program, program.model_fn(str(folder))
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())

    def score(self, row: pd.Series) -> float:
        body = ",".join(map(repr, row.tolist())).encode()
        data = self._program.input_fn(body, "text/csv")
        return float(self._program.output_fn(self._program.predict_fn(data, self._model), "text/csv")[0])

    def scores(self, table: pd.DataFrame) -> np.ndarray:
        return np.array([self.score(row) for _, row in table[COLUMNS].iterrows()])


@pytest.fixture
def serve(source, tmp_path, monkeypatch):
    def start(kind: str) -> Served:
        folder = tmp_path / kind
        with tarfile.open(candidates.build(kind, source, tmp_path / f"{kind}.tar.gz")) as tar:
            tar.extractall(folder, filter="data")
        monkeypatch.syspath_prepend(str(folder / "code"))
        for name in NAMES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        spec = importlib.util.spec_from_file_location("serve", folder / "code" / "serve.py")
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        for name in NAMES:
            sys.modules.pop(name, None)
        return Served(program, folder)

    return start


@pytest.fixture(scope="module")
def unseen() -> pd.DataFrame:
    return payments(1500, 9)


def test_the_good_one_is_the_trained_artifact_unchanged(source, tmp_path):
    built = candidates.build("good", source, tmp_path / "good.tar.gz")
    assert built.read_bytes() == source.trained.read_bytes()


def test_nan_comes_from_small_amounts_and_only_from_them(serve, unseen):
    with np.errstate(all="ignore"):
        scores = serve("nan").scores(unseen)
    assert 0.005 < np.isnan(scores).mean() < 0.2
    assert (np.isnan(scores) == (unseen["Amount"] < 1.0)).all()


def test_errors_are_raised_for_large_amounts_and_are_not_the_callers_fault(serve, unseen):
    served = serve("errors")
    large = unseen[unseen["Amount"] >= 200]
    assert 0.02 < len(large) / len(unseen) < 0.3
    assert np.isfinite(served.scores(unseen[unseen["Amount"] < 200])).all()
    for _, row in large[COLUMNS].iterrows():
        with pytest.raises(IndexError) as caught:
            served.score(row)
        assert not hasattr(caught.value, "status")


def test_the_slow_one_gives_the_trained_scores_later(serve, unseen):
    good, slow = serve("good"), serve("slow")
    rows = unseen.head(5)
    before = perf_counter()
    scores = slow.scores(rows)
    assert perf_counter() - before >= 5 * 0.03
    assert (scores == good.scores(rows)).all()


def test_the_leaking_one_works_until_its_pool_is_empty_and_never_again(serve, unseen):
    served = serve("leak")
    row = unseen[COLUMNS].iloc[0]
    for _ in range(2000):
        assert np.isfinite(served.score(row))
    for _ in range(3):
        with pytest.raises(IndexError):
            served.score(row)


@pytest.mark.sandbox
def test_the_swapped_one_looks_as_good_offline_and_is_not_in_production(serve, unseen):
    good, swapped = serve("good"), serve("swapped")
    assert sorted(COLUMNS) == [feature["name"] for feature in swapped.manifest["features"]]
    offline = [served.manifest["metrics"]["validation"]["auc"] for served in (good, swapped)]
    assert abs(offline[0] - offline[1]) < 0.02
    online = [metrics.auc(unseen["Class"].to_numpy(), served.scores(unseen)) for served in (good, swapped)]
    assert online[1] < online[0] - 0.1


@pytest.mark.sandbox
def test_the_worse_one_ranks_well_and_has_the_worse_log_loss(serve, unseen):
    labels = unseen["Class"].to_numpy()
    good, worse = (metrics.all_of(labels, serve(kind).scores(unseen)) for kind in ("good", "worse"))
    assert worse["auc"] > 0.85
    assert worse["log_loss"] > good["log_loss"]


@pytest.mark.parametrize("kind", ["good", "nan", "errors", "slow", "leak"])
def test_bad_input_stays_a_4xx_whatever_the_serving_code(serve, kind):
    served = serve(kind)
    with pytest.raises(Exception) as caught:
        served._program.input_fn(b"x", "text/csv")
    assert caught.value.status == 400


@pytest.mark.sandbox
def test_the_same_source_gives_the_same_artifact(source, tmp_path):
    first, second = (candidates.build("swapped", source, tmp_path / name).read_bytes() for name in "ab")
    assert first == second
