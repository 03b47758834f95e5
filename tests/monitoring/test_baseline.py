"""A baseline is cut from a table, the same bytes every time, and is bound to its package."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring import baseline, job
from monitoring.baseline import Baseline, Plan
from slipway import codec
from slipway.drift.profile import Profile
from slipway.drift.reference import Kind, Reference

ROWS = 2400
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/fraud/7"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    scores = [rng.betavariate(1, 9) for _ in range(ROWS)]
    columns = {
        "amount": [rng.gauss(0, 1) for _ in range(ROWS)],
        "age": [rng.choice([None, *range(18, 90)]) for _ in range(ROWS)],
        "flag": [rng.random() < 0.1 for _ in range(ROWS)],
        "job": [rng.choice(["clerk", "clerk", "nurse", "3.0", ""]) for _ in range(ROWS)],
        "code": [rng.choice([1, 2, 2]) for _ in range(ROWS)],
        "user": [f"user {n % 1000}" for n in range(ROWS)],
        "constant": [1.5] * ROWS,
        "empty": pa.nulls(ROWS, pa.float64()),
        "score": scores,
        "label": [int(rng.random() < score) for score in scores],
        "time": [float(ROWS - n) for n in range(ROWS)],
    }
    path = tmp_path_factory.mktemp("training") / "train.parquet"
    pq.write_table(pa.table(columns), path)
    return path


FEATURES = ("amount", "age", "flag", "job", "code", "user", "constant", "empty")
PLAN = Plan(
    PACKAGE, FEATURES, "score", "label", "time", frozenset({"code"}), {"amount": 3.0, "age": 1.0}, threshold=0.3
)


@pytest.fixture(scope="module")
def made(table: Path) -> Baseline:
    return baseline.build([table], PLAN)


def test_numbers_are_cut_at_quantiles_and_few_values_each_have_a_cell(made: Baseline) -> None:
    features = {feature.name: feature for feature in made.reference.features}
    assert features["amount"].cells == 100
    assert (features["age"].cells, features["age"].integral) == (72, True)
    assert (features["constant"].edges[0], features["constant"].cells, features["constant"].integral) == (1.5, 3, False)
    assert (features["empty"].cells, features["empty"].integral) == (1, False)
    whole = sum(made.windows[1:], made.windows[0])
    assert all(20 <= n <= 28 for n in whole.columns[0].cells)
    assert whole.columns[-1].nulls == ROWS


def test_categories_keep_their_levels_most_frequent_first_and_pool_the_rest(made: Baseline) -> None:
    features = {feature.name: feature for feature in made.reference.features}
    assert features["job"].levels[0] == "clerk"
    assert set(features["job"].levels) == {"clerk", "nurse", "3"}
    assert (features["flag"].kind, features["flag"].levels) == (Kind.CATEGORY, ("False", "True"))
    assert features["code"].levels == ("2", "1")
    assert len(features["user"].levels) == 200
    whole = sum(made.windows[1:], made.windows[0])
    assert whole.columns[5].unseen == ROWS - sum(whole.columns[5].cells) > 0


def test_windows_hold_as_many_rows_each_in_the_order_of_time(made: Baseline) -> None:
    assert [window.rows for window in made.windows] == [ROWS // 24] * 24
    assert (made.windows[0].first, made.windows[0].last, made.windows[-1].last) == (1.0, 100.0, float(ROWS))
    assert sum(window.labelled.n for window in made.windows) == ROWS
    assert {window.reference for window in made.windows} == {made.reference.id}


def test_the_reference_is_bound_to_the_package_and_knows_what_matters(made: Baseline, table: Path) -> None:
    assert (made.reference.package, made.reference.threshold) == (PACKAGE, 0.3)
    assert [feature.importance for feature in made.reference.features][:3] == [0.75, 0.25, 0.0]
    other = baseline.build([table], Plan("another", FEATURES, "score"))
    assert other.reference.id != made.reference.id


def arguments(table: Path, output: Path, *more: str) -> list[str]:
    named = ["--features", ",".join(FEATURES), "--score", "score", "--label", "label", "--time", "time"]
    return ["baseline", "--input", str(table), "--output", str(output), "--package", PACKAGE, *named, *more]


def test_the_same_table_gives_the_same_bytes(table: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert job.main(arguments(table, tmp_path / folder)) == 0
    names = ["constraints.json", "reference.json", "statistics.json", "windows.jsonl"]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    reference = codec.loads(Reference, (tmp_path / "one/reference.json").read_text())
    windows = [codec.loads(Profile, text) for text in (tmp_path / "one/windows.jsonl").read_text().splitlines()]
    assert {window.reference for window in windows} == {reference.id}


def test_csv_and_parquet_give_the_same_reference(tmp_path: Path) -> None:
    rows = [(n % 150 / 8, ["a", "b"][n % 3 == 0]) for n in range(900)]
    (tmp_path / "t.csv").write_text("x,c\n" + "\n".join(f"{x},{c}" for x, c in rows))
    pq.write_table(pa.table({"x": [x for x, _ in rows], "c": [c for _, c in rows]}), tmp_path / "t.parquet")
    plan = Plan(PACKAGE, ("x", "c"))
    one, other = (baseline.build([tmp_path / name], plan) for name in ("t.csv", "t.parquet"))
    assert one == other


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--score", "points"], "'points' is no column of the table"),
        (["--categories", "city"], "features: 'city' is not among"),
        (["--label", "amount"], "labels are 0 or 1"),
        (["--windows", "0"], "windows: 0"),
        (["--time", "job"], "'job' holds no time"),
        (["--features", ""], "features: at least 1"),
    ],
)
def test_a_plan_the_table_does_not_fit_is_refused_by_name(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert job.main(arguments(table, tmp_path, *more)) == 2
    assert says in capsys.readouterr().err


def test_no_rows_and_no_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("x\n")
    assert job.main(["baseline", "--input", str(tmp_path), "--package", "p", "--features", "x"]) == 2
    (tmp_path / "t.csv").unlink()
    assert job.main(["baseline", "--input", str(tmp_path), "--package", "p", "--features", "x"]) == 2
    assert capsys.readouterr().err.splitlines() == ["the table has no rows", f"no .csv or .parquet file in {tmp_path}"]


def test_features_and_threshold_may_come_from_the_models_manifest(table: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"features": [{"name": "age"}, {"name": "amount"}], "threshold": 0.4}))
    given = ["--input", str(table), "--output", str(tmp_path), "--package", "p", "--manifest", str(manifest)]
    assert job.main(["baseline", *given]) == 0
    reference = codec.loads(Reference, (tmp_path / "reference.json").read_text())
    assert ([feature.name for feature in reference.features], reference.threshold) == (["age", "amount"], 0.4)


def test_times_may_be_text_and_windows_are_never_empty(tmp_path: Path) -> None:
    times = ["2026-04-18T12:00:02", "2026-04-18T12:00:01", None]
    pq.write_table(pa.table({"x": [2.0, 1.0, 3.0], "time": times}), tmp_path / "t.parquet")
    windows = baseline.build([tmp_path / "t.parquet"], Plan(PACKAGE, ("x",), time="time")).windows
    assert [window.columns[0].least for window in windows] == [1.0, 2.0, 3.0]
    assert [window.first for window in windows] == [1776513601.0, 1776513602.0, None]
