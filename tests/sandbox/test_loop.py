"""The loop's questions to a world, asked of a bucket with verdicts in it."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import mlflow
from sandbox.demo.loop import Loop
from sandbox.demo.tellings import TELLINGS
from slipway import names

PROMOTED = 1000.0


class Verdicts:
    """S3 with one verdict a window, by the window's name."""

    def __init__(self, verdicts: dict[str, dict[str, Any]]) -> None:
        prefix = names.monitored("fraud", names.RESULTS, names.BASELINE)
        self._objects = {f"{prefix}/{when}/drift.json": json.dumps(v).encode() for when, v in verdicts.items()}

    def get_paginator(self, _: str) -> Any:
        page = {"Contents": [{"Key": key} for key in self._objects]}
        return SimpleNamespace(paginate=lambda **_: [page])

    def get_object(self, **given: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._objects[given["Key"]])}


@pytest.mark.parametrize(
    ("newest", "judged"),
    [
        ({"since": 1200.0, "until": 3000.0}, True),
        ({"since": 600.0, "until": 1500.0}, False),
        ({"since": 1200.0, "until": 1200.0}, False),
    ],
    ids=["a window since then", "a window that began before", "a look before there is a window"],
)
def test_the_loop_ends_with_a_verdict_on_a_window_that_the_new_model_alone_answered(newest, judged) -> None:
    s3 = Verdicts({"2026/11/23/06/30": {"since": 0.0, "until": 600.0}, "2026/11/23/07/05": newest})
    sandbox = SimpleNamespace(client=lambda _: s3)
    world = SimpleNamespace(sandbox=sandbox, name="fraud", outputs=lambda: {"BucketName": "bucket"})
    loop = Loop(world, SimpleNamespace(), TELLINGS["drift-fraud"])  # type: ignore[arg-type]
    assert bool(loop._judged(PROMOTED)) is judged


@pytest.mark.parametrize(
    ("tags", "champion"),
    [([{"key": names.PACKAGE_TAG, "value": "fraud/7"}], "3"), ([{"key": names.PACKAGE_TAG, "value": "fraud/6"}], None)],
    ids=["the package that serves", "another package"],
)
def test_the_loop_waits_until_mlflows_champion_is_the_package(tags, champion, monkeypatch) -> None:
    monkeypatch.setattr(mlflow, "aliased", lambda *_: {"version": "3", "tags": tags})
    world = SimpleNamespace(sandbox=SimpleNamespace(mlflow_url="http://127.0.0.1:1"), name="fraud")
    loop = Loop(world, SimpleNamespace(), TELLINGS["drift-fraud"])  # type: ignore[arg-type]
    assert loop._champion("fraud/7") == champion
