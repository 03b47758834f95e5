"""The jobs of a retraining one after another, on the bank's real stream: dataset, training, comparison, gate."""

import json

import pandas as pd
import pytest

from bench.gate import bank
from slipway import codec, gate
from slipway.comparison import Comparison
from tests.training.captures import World
from training import assemble, compare, evaluate, train

WEEK = 7 * 86400.0


def captured(stream: pd.DataFrame, features: list[str], world: World) -> World:
    """Each contact as a captured request; its outcome is known a week later."""
    for number, row in enumerate(stream[["event_time", "y", *features]].to_dict("records")):
        world.ask(f"c{number}", row["event_time"], ",".join(str(row[name]) for name in features))
        world.tell(f"c{number}", row["event_time"] + WEEK, row["y"])
    return world.write()


@pytest.mark.sandbox
def test_from_captured_requests_and_late_labels_to_a_challenger_that_passes(tmp_path):
    stream = bank.stream()
    champion = bank.model(bank.between(stream, "2008-05", "2008-09"), tmp_path / "champion")
    window = bank.between(stream, "2009-06", "2010-01")
    world = captured(window, champion.features, World(tmp_path))
    since, until = bank.month("2009-06"), bank.month("2010-01")
    times = [f"--since={since}", f"--until={until}", f"--cut={until + WEEK}", f"--mature={WEEK}"]
    places = {"capture": world.capture, "labels": world.labels, "output": world.output}
    places["champion"] = tmp_path / "champion" / "model"
    dataset = assemble.main([*times, *(f"--{name}={path}" for name, path in places.items())])
    assert dataset["passed"], [check for check in dataset["checks"] if not check["passed"]]
    assert dataset["counts"]["rows"] == len(window)

    channels = {name: str(world.output / name) for name in ("train", "validation")}
    given = {**channels, "model-dir": str(tmp_path / "challenger")}
    options = (f"--{key}={value}" for key, value in given.items())
    manifest = train.main([*bank.GIVEN, *bank.STOPPED, *options])
    artifacts = ["--challenger", str(tmp_path / "challenger"), "--champion", str(places["champion"])]
    compare.main([*artifacts, "--data", str(world.output / "holdout"), "--output", str(tmp_path / "out")])
    seen = codec.decode(Comparison, json.loads((tmp_path / "out" / "comparison.json").read_text()))
    assert gate.decide(seen, drift_since=since).passed
    assert seen.challenger.window == tuple(manifest["data"]["seen"])
    assert seen.champion.sha256 != seen.challenger.sha256
    assert seen.holdout.rows == dataset["parts"]["holdout"]["rows"]
    assert evaluate.open_artifact(tmp_path / "challenger").features == champion.features
