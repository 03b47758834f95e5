"""A container whose XGBoost takes another intercept than the model's."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xgboost

from sandbox.dataplane import wire
from sandbox.dataplane.container import Server

ROWS = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)


@pytest.fixture
def model() -> Any:
    data = xgboost.DMatrix(ROWS, ROWS[:, 0] > 1.8)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, 3)
    return SimpleNamespace(booster=booster)


def switched(server: Server, base_score: float) -> None:
    faults = {"error_rate": 0.0, "extra_latency_ms": 0.0, "base_score": base_score}
    server.answer(wire.Frame(wire.FAULTS, b"", b"", json.dumps(faults).encode()))


def test_another_intercept_moves_every_score_and_the_models_own_comes_back(model: Any) -> None:
    server = Server(SimpleNamespace(), model)
    before = model.booster.inplace_predict(ROWS)
    switched(server, 0.5)
    assert (model.booster.inplace_predict(ROWS) > before + 0.1).all()
    switched(server, 0.4)
    switched(server, 0.0)
    assert model.booster.inplace_predict(ROWS) == pytest.approx(before, abs=1e-7)


def test_a_model_without_a_booster_has_no_intercept_to_misread() -> None:
    switched(Server(SimpleNamespace(), "a name"), 0.5)
