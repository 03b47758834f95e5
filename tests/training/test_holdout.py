"""A holdout against recent requests, as drift detection reads it."""

from pathlib import Path

import pandas as pd
import pytest

from slipway import codec
from slipway.drift.eval import evaluation
from slipway.drift.findings import Holdout, Settings, TwoSample
from tests.training.captures import World
from tests.training.conftest import FEATURES, table
from training import holdout, joined

BEGIN, DAY = 1_772_323_200.0, 86400.0  # 2026-03-01


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def send(world: World, rows: pd.DataFrame, begin: float = BEGIN) -> None:
    for number, row in enumerate(rows[FEATURES].round(6).to_numpy().tolist()):
        world.ask(f"r{begin}-{number}", begin + 10 * number, ",".join(map(str, row)))


def compare(world: World, model: Path, old: pd.DataFrame, *more: str) -> Holdout:
    world.write()
    folder = world.output / "holdout"
    folder.mkdir(parents=True)
    old.assign(time=BEGIN - DAY + old["time"]).to_parquet(folder / "rows.parquet")
    paths = ["--holdout", str(folder), "--recent", str(world.capture / "baseline"), "--model", str(model)]
    holdout.main([*paths, "--time", "time", "--output", str(world.output), *more])
    return codec.loads(Holdout, (world.output / "holdout.json").read_text())


def alarming(found: Holdout) -> set[str]:
    return {finding.subject for finding in evaluation(found, Settings(), 1e-3) if finding.alarming}


def test_requests_like_the_holdout_leave_it_as_it_is(world: World, model_dir: Path) -> None:
    send(world, table(600, 21))
    found = compare(world, model_dir, table(600, 22))
    assert found.test is not None and (found.test.older, found.test.recent, found.rows) == (600, 600, 600)
    assert found.age == pytest.approx(DAY + 5990 - 599)
    assert alarming(found) == set() and found.new_levels == ()
    assert not (world.output / "joint.json").exists()


def test_a_lost_correlation_makes_it_stale_and_is_told_to_the_joint_test(world: World, model_dir: Path) -> None:
    send(world, table(600, 21))
    old = table(600, 22)
    found = compare(world, model_dir, old.assign(b=old["a"] + 0.3 * old["b"]), "--joint")
    assert "holdout" in alarming(found)
    assert codec.loads(TwoSample, (world.output / "joint.json").read_text()) == found.test
    assert found.effective is not None and found.effective < 0.8 * found.rows


def test_a_level_that_the_holdout_lacks_is_named_with_its_share(world: World, model_dir: Path) -> None:
    rows, old = (table(600, seed).assign(c=lambda frame: (frame["c"] > 0).astype(float)) for seed in (21, 22))
    rows.loc[:59, "c"] = 7.0
    send(world, rows)
    found = compare(world, model_dir, old)
    assert found.new_levels == (("c", 0.1),) and "c" in alarming(found)


def test_requests_of_the_whole_time_count_once_and_replayed_rows_not_at_all(world: World) -> None:
    send(world, table(holdout.MOST, 21))
    send(world, table(60, 21))  # retries of the first ones
    send(world, table(holdout.MOST, 23), BEGIN + DAY)
    world.ask(f"{joined.PROBES}-baseline-1", BEGIN + 3 * DAY, "9,9,9,9")
    world.write()
    rows = holdout.sample(world.capture, FEATURES)
    assert len(rows) == holdout.MOST and rows["a"].max() < 9 and not rows.duplicated().any()
    assert (rows["asked_at"] < BEGIN + DAY).mean() == pytest.approx(0.5, abs=0.05)
    assert holdout.sample(world.capture, FEATURES).equals(rows)


def test_requests_with_a_label_are_compared_with_a_holdout_of_such(world: World, model_dir: Path) -> None:
    rows = table(1200, 21)
    send(world, rows)
    acted_on = rows["a"] > 0  # nobody else's outcome is known
    for number in rows.index[acted_on]:
        world.tell(f"r{BEGIN}-{number}", BEGIN + DAY, 1)
    old = table(1200, 22).query("a > 0")
    labels = ["--labels", str(world.labels)]
    assert alarming(compare(world, model_dir, old, *labels)) == set()


def test_too_few_requests_are_refused(world: World, model_dir: Path) -> None:
    send(world, table(10, 21))
    with pytest.raises(SystemExit, match="need at least 50 rows each, got 600 and 10"):
        compare(world, model_dir, table(600, 22))
