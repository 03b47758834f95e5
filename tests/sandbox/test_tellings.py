"""What the loop is told of: settings that the stacks accept, and traffic that changes where it says."""

import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xgboost

from infra import config
from sandbox.demo import tellings


@pytest.mark.parametrize("telling", tellings.TELLINGS.values(), ids=tellings.TELLINGS)
def test_its_settings_are_valid_and_approve_by_themselves(telling) -> None:
    endpoint = {"name": telling.dataset.endpoint, "plan": dict(telling.plan), "first_model": None, **telling.settings}
    (parsed,) = config.parse({"endpoints": [endpoint]}).endpoints
    assert parsed.retraining.approval == "automatic"


@pytest.fixture
def champion(tmp_path) -> Path:
    """A model that looks at V2 only."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"V1": rng.normal(size=500), "V2": rng.normal(size=500)})
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, rows["V2"] > 0), 3)
    booster.save_model(tmp_path / "model.ubj")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "model.ubj", "model.ubj")
    return tmp_path / "model.tar.gz"


def test_the_payments_shift_in_the_champions_most_important_feature_from_one_row_on(champion, tmp_path) -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"Time": np.arange(900.0), "V1": rng.normal(size=900), "V2": rng.normal(size=900)})
    rows.assign(Class=np.arange(900) % 100 == 0).astype({"Class": int}).to_parquet(tmp_path / "rows.parquet")
    world = SimpleNamespace(slice=lambda name: tmp_path / "rows.parquet")
    healthy, sent = tellings.payments(world, champion)
    at = tellings.TELLINGS["drift-fraud"].drifts_at
    before, after = sent[:at], sent[at:]
    moved = (after.mean() - before.mean()) / healthy.std()
    assert moved["V2"] == pytest.approx(tellings.SHIFT, abs=0.1)
    assert moved.drop(["V2", "Time"]).abs().max() < 0.1
    assert healthy["Class"].mean() == pytest.approx(tellings.FRAUDS, abs=0.02)
