"""Tables count as the same rows would if they were captured, whatever the types of their columns."""

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring import embedded, tables
from monitoring.stream import Tally
from slipway.drift.profile import empty
from slipway.drift.reference import Feature, Kind, Reference
from tests.monitoring.same import assert_same

NUMBERS: dict[str, Any] = {
    "float64": pa.array([0.5, None, math.nan, math.inf, -math.inf, 1e101, -0.0, 2.5]),
    "float32": pa.array([0.1, None, math.nan, math.inf, 7.0, 1e30, -1.0, 0.0], pa.float32()),
    "int64": pa.array([2**62, None, -5, 0, 1, 2, 3, 4], pa.int64()),
    "uint8": pa.array([255, None, 0, 1, 2, 3, 4, 5], pa.uint8()),
    "bool": pa.array([True, None, False, True, True, True, True, True]),
    "text": pa.array(["1", None, "", "x", "nan", "1_0", "+-1", " 2 "]),
    "decimal": pa.array([None, *map(Decimal, range(7))], pa.decimal128(10, 2)),
    "date": pa.array([None, *range(7)], pa.int32()).cast(pa.date32()),
    "time": pa.array([None, *range(7)], pa.timestamp("us", "America/New_York")),
}
CATEGORIES: dict[str, Any] = {
    "text": pa.array(["a", None, "", " a ", "3.0", "nurse", "it's", "3"]),
    "int64": pa.array([3, None, 4, 3, 3, 3, 3, -3]),
    "float64": pa.array([3.0, None, math.nan, 3.5, 1e20, 3.0, -3.0, 0.0]),
    "bool": pa.array([True, None, False, True, True, True, True, True]),
}
NUMBER = Feature("x", edges=(-1.0, 0.0, 0.1, 2.0))
CATEGORY = Feature("x", Kind.CATEGORY, levels=("a", "3", "it's", "True"))


@pytest.mark.parametrize(
    ("feature", "values"),
    [*((NUMBER, values) for values in NUMBERS.values()), *((CATEGORY, values) for values in CATEGORIES.values())],
    ids=[*(f"number {name}" for name in NUMBERS), *(f"category {name}" for name in CATEGORIES)],
)
def test_every_type_of_column_counts_as_its_values_do(feature: Feature, values: pa.Array, tmp_path: Path) -> None:
    reference = Reference("r", "p", (feature,), Feature("score", edges=(0.5,)), threshold=0.5)
    scores = [0.1, 0.5, 0.9, None, math.nan, math.inf, 0.4, 1.0]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"score": scores, "x": values, "y": scores}), path)
    tally = Tally(reference)
    plain = [value if isinstance(value, str | float | int | None) else str(value) for value in values.to_pylist()]
    if pa.types.is_decimal(values.type):
        plain = [None if value is None else float(value) for value in values.to_pylist()]
    if pa.types.is_timestamp(values.type):
        plain = [None, *(f"1970-01-01 00:00:00.{n:06}".removesuffix(".000000") for n in range(7))]
    tally.add([[value, 0] for value in plain], scores, len(scores))
    counted = embedded.profile([path], reference)
    assert_same(counted, tally.profile())
    assert (counted.rows, counted.positives, counted.surplus) == (8, 3, 8)


def test_columns_are_found_by_name_in_all_files_and_others_may_be_ignored(tmp_path: Path) -> None:
    reference = Reference("r", "p", (NUMBER, Feature("gone")), Feature("score"))
    pq.write_table(pa.table({"x": [1.0, 2.0], "id": ["a", "b"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"points": [0.9], "x": [3.0]}), tmp_path / "b.parquet")
    files = sorted(tmp_path.iterdir())
    counted = tables.profile(files, reference, score="points", ignored=["id"])
    assert (counted.rows, counted.positives, counted.surplus) == (3, 1, 0)
    assert (counted.columns[0].moments.total, counted.columns[1].absent, counted.scores.absent) == (6.0, 3, 2)


def test_files_of_other_columns_and_types_add_up(tmp_path: Path) -> None:
    reference = Reference("r", "p", (NUMBER, replace(CATEGORY, name="c")), Feature("score", edges=(0.5,)))
    tables_ = [
        {"x": [0.5, 2.0], "c": [True, True], "score": [0.1, 0.2]},
        {"c": ["a", "x"], "z": [1, 2], "score": [0.1, 0.2]},
        {"x": ["1", "x"], "c": [["a"], ["b"]], "score": [0.6, None]},
    ]
    for at, table in enumerate(tables_):
        pq.write_table(pa.table(table), tmp_path / f"{at}.parquet")
    files = sorted(tmp_path.iterdir())
    one_by_one = sum((embedded.profile([file], reference) for file in files), empty(reference))
    assert_same(embedded.profile(files, reference), one_by_one)
    assert (one_by_one.columns[0].absent, one_by_one.surplus, one_by_one.rows) == (2, 2, 6)


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_nan_is_null_where_a_files_statistics_leave_it_out(kind: pa.DataType, tmp_path: Path) -> None:
    reference = Reference("r", "p", (NUMBER,), Feature("score", edges=(0.5,)))
    table = pa.table({"x": pa.array([0.5, math.nan, 2.5], kind), "score": [math.nan, 0.2, 0.6]})
    pq.write_table(table, tmp_path / "t.parquet")
    counted = embedded.profile([tmp_path / "t.parquet"], reference)
    assert [(column.rows, column.nulls) for column in (*counted.columns, counted.scores)] == [(3, 1)] * 2
    assert (counted.columns[0].moments.total, counted.positives) == (3.0, 1)


@pytest.mark.parametrize("name", ["x=7/t.parquet", "a*.parquet", "a[1].parquet", "it's?.parquet"])
def test_a_path_is_no_pattern_and_no_column(name: str, tmp_path: Path) -> None:
    reference = Reference("r", "p", (NUMBER,), Feature("score", edges=(0.5,)))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for file, value in {"a1.parquet": 9.0, name: 1.5}.items():
        pq.write_table(pa.table({"x": [value], "score": [0.1]}), tmp_path / file)
    counted = embedded.profile([tmp_path / name], reference)
    assert (counted.rows, counted.surplus, counted.columns[0].moments.total) == (1, 0, 1.5)


def test_the_same_files_give_the_same_sums_to_the_last_bit(tmp_path: Path) -> None:
    reference = Reference("r", "p", (NUMBER,), Feature("score"))
    pq.write_table(
        pa.table({"x": [math.sin(n) * 10.0 ** (n % 9) for n in range(50_000)]}),
        tmp_path / "t.parquet",
        row_group_size=5000,
    )
    one, other = (embedded.profile([tmp_path / "t.parquet"], reference) for _ in range(2))
    assert one == other
