"""The bank's contacts cut into what a champion learns from, what its traffic is compared with, and the stream."""

from pathlib import Path

import pandas as pd
import pytest

from sandbox import contacts

ROWS = 60  # of each of May 2008, June 2008 and January 2009, in order


@pytest.fixture
def parts(tmp_path) -> dict[str, pd.DataFrame]:
    months = [(2008, 5)] * ROWS + [(2008, 6)] * ROWS + [(2009, 1)] * ROWS
    table = pd.DataFrame(months, columns=["year", "month"]).assign(age=range(3 * ROWS), y=0)
    table["job"] = ["services", "admin.", "student"] * ROWS
    table.to_parquet(tmp_path / "bank.parquet")
    return {name: pd.read_parquet(file) for name, file in _cut(tmp_path).items()}


def _cut(folder: Path) -> dict[str, Path]:
    return contacts.slices(folder / "bank.parquet", folder / "parts")


def test_each_contact_is_in_one_part_and_each_part_in_order(parts):
    ages = [age for rows in parts.values() for age in rows["age"]]
    assert sorted(ages) == list(range(3 * ROWS))
    assert all(rows["event_time"].is_monotonic_increasing for rows in parts.values())


def test_the_stream_begins_with_2009_and_all_other_parts_have_rows_of_all_months_before(parts):
    stream = parts.pop("stream")
    assert stream["age"].tolist() == list(range(2 * ROWS, 3 * ROWS))
    for rows in parts.values():
        assert rows["age"].lt(ROWS).any()
        assert rows["age"].ge(ROWS).any()
        assert rows["event_time"].max() < contacts.STREAM <= stream["event_time"].min()


def test_categories_are_codes_and_columns_that_tell_the_date_are_gone(parts):
    assert list(parts["stream"]) == ["age", "y", "job", "event_time"]
    assert parts["stream"]["job"].tolist()[:3] == [1, 0, 2]
