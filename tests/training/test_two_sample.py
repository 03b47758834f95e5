"""Old rows and recent ones: told apart when something changed, and only then."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from training import two_sample as script
from training.two_sample import two_sample


def _pairs(seed: int, correlation: float, n: int = 600, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    x[:, 1] = correlation * x[:, 0] + np.sqrt(1 - correlation**2) * x[:, 1]
    x[:, 0] += shift
    return x


def test_rows_of_one_population_are_not_told_apart() -> None:
    found = [two_sample(_pairs(seed, 0.8), _pairs(seed + 100, 0.8), seed=seed) for seed in range(4)]
    assert min(each["p_value"] for each in found) > 0.005


def test_a_lost_correlation_is_seen_though_no_column_moved() -> None:
    found = two_sample(_pairs(1, 0.8), _pairs(2, 0.0), seed=0)
    assert found["auc"] > 0.6 and found["p_value"] < 1e-6


def test_the_further_the_rows_moved_the_less_the_old_ones_are_worth() -> None:
    worth = [two_sample(_pairs(1, 0.0), _pairs(2, 0.0, shift=by), seed=0)["effective"] for by in (0.0, 0.7, 2.0)]
    assert 600 >= worth[0] > worth[1] > worth[2]


def test_the_same_seed_gives_the_same_answer() -> None:
    older, recent = _pairs(1, 0.5), _pairs(2, 0.5)
    assert two_sample(older, recent, seed=3) == two_sample(older, recent, seed=3)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="older, recent: need at least 50 rows each, got 10 and 600"):
        two_sample(_pairs(1, 0.0, n=10), _pairs(2, 0.0), seed=0)


def test_the_script_reads_parquet_and_writes_json(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seed in (("older", 1), ("recent", 2)):
        pd.DataFrame(_pairs(seed, 0.0), columns=list("abcd")).to_parquet(tmp_path / f"{name}.parquet")
    files = [f"--{name}={tmp_path / name}.parquet" for name in ("older", "recent")]
    monkeypatch.setattr(sys, "argv", ["two_sample.py", *files, f"--output={tmp_path / 'out.json'}"])
    script.main()
    assert json.loads((tmp_path / "out.json").read_text())["recent"] == 600
