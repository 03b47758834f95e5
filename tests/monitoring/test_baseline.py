"""A baseline is cut from a table, the same bytes every time, and is bound to its package."""

import json
import math
import random
import time
from collections.abc import Iterator
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


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_scores_of_weighted_classes_stand_for_what_the_labels_were(
    weight: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(1)
    chances = [rng.betavariate(1, 9) for _ in range(10_000)]
    labels = [str(int(rng.random() < chance)) for chance in chances]
    scores = [chance * weight / (chance * weight + 1 - chance) for chance in chances]
    odd: dict[str, list[object]] = {"score": [None, math.nan, 2.0, 0.5, 0.5], "label": ["1", "1", "1", None, None]}
    columns = {"x": [0.0] * 10_005, "score": [*scores, *odd["score"]], "label": [*labels, *odd["label"]]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    named = ["--features", "x", "--score", "score", "--label", "label", "--package", "p"]
    assert job.main(["baseline", "--input", str(tmp_path / "t.parquet"), "--output", str(tmp_path), *named]) == 0
    made = codec.loads(Reference, (tmp_path / "reference.json").read_text())
    assert ("scores are no probabilities" in capsys.readouterr().out) == (weight > 1)
    assert (made.slope, made.intercept) == pytest.approx((1.0, -math.log(weight)), abs=0.1 if weight > 1 else 0.0)


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


def test_a_csv_files_levels_are_its_texts_and_numbers_may_come_with_text_among_them(tmp_path: Path) -> None:
    rows = [f"{'yes' if n % 3 else 'no'},{'1.50' if n % 2 else '12:30'},{n % 7}.25" for n in range(30_000)] + [
        "no,1e3,x"
    ]
    (tmp_path / "train.csv").write_text("\n".join(["agreed,price,amount", *rows]))
    plan = Plan(PACKAGE, ("agreed", "price", "amount"), categories=frozenset({"price"}))
    made = baseline.build([tmp_path / "train.csv"], plan)
    agreed, price, amount = made.reference.features
    assert (agreed.levels, price.levels) == (("yes", "no"), ("1.50", "12:30", "1e3"))
    assert amount.kind is Kind.NUMBER and amount.cells == 7
    whole = sum(made.windows[1:], made.windows[0])
    assert [column.unseen for column in whole.columns[:2]] == [0, 0] and whole.columns[2].type_errors == 1


def test_nan_is_null_in_a_baseline(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [0.5, float("nan"), 1.0, 2.0] * 30}), tmp_path / "train.parquet")
    made = baseline.build([tmp_path / "train.parquet"], Plan(PACKAGE, ("a",)))
    assert made.reference.features[0].edges == (1.0, 2.0)
    assert sum(window.columns[0].nulls for window in made.windows) == 30


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1772326800, 1772323200], pa.timestamp("s", "America/New_York")),
        pa.array([1772326800, 1772323200], pa.timestamp("s")),
        pa.array(["2026-03-01T02:00:00+01:00", "2026-03-01T00:00:00"]),
        pa.array([1772326800.0, 1772323200.0]),
    ],
)
def test_times_are_utc_unless_they_name_a_zone_wherever_the_machine_is(
    times: pa.Array, tmp_path: Path, in_tokyo: None
) -> None:
    pq.write_table(pa.table({"a": [1.0, 2.0], "at": times}), tmp_path / "train.parquet")
    made = baseline.build([tmp_path / "train.parquet"], Plan(PACKAGE, ("a", "at"), time="at", windows=2))
    assert [window.first for window in made.windows] == [1772323200.0, 1772326800.0]
    assert [window.columns[0].moments.total for window in made.windows] == [2.0, 1.0]


@pytest.mark.parametrize(
    ("rows", "hours", "windows"), [(7200, 2, 24), (7200, 36, 36), (7200, 900, 36), (40_000, 900, 168)]
)
def test_windows_last_an_hour_where_the_rows_suffice(rows: int, hours: int, windows: int, tmp_path: Path) -> None:
    times = [3600.0 * hours * n / (rows - 1) for n in range(rows)]
    pq.write_table(pa.table({"a": [1.0, 2.0] * (rows // 2), "at": times}), tmp_path / "train.parquet")
    assert len(baseline.build([tmp_path / "train.parquet"], Plan(PACKAGE, ("a",), time="at")).windows) == windows
    assert len(baseline.build([tmp_path / "train.parquet"], Plan(PACKAGE, ("a",))).windows) == 24


def test_a_table_that_cannot_be_read_or_ordered_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"the table can't be read: .*broken"):
        baseline.build([tmp_path / "broken.parquet"], Plan(PACKAGE, ("a",)))
    pq.write_table(pa.table({"a": [1.0], "b": [True]}), tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="'b' holds no time"):
        baseline.build([tmp_path / "train.parquet"], Plan(PACKAGE, ("a",), time="b"))
    with pytest.raises(ValueError, match="threshold: nan"):
        Plan(PACKAGE, ("a",), threshold=float("nan"))
