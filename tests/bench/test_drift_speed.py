"""The bench of profiles measures what it says: every case counts every row of the prepared files."""

import sys
from pathlib import Path

import pytest

from bench.drift_speed import __main__ as bench
from bench.drift_speed import price
from bench.drift_speed.case import CASES

ROWS = 300


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speed")
    bench.prepare(folder, ROWS)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_case_counts_every_row(case: str, prepared: Path) -> None:
    assert CASES[case](prepared)() == ROWS * (10 if case == "parquet x10" else 1)


def test_a_case_that_fails_says_why() -> None:
    assert bench.run([sys.executable, "-c", "raise SystemExit('no memory')"]) == {"failed": "no memory"}


def test_a_month_costs_in_proportion_to_traffic() -> None:
    slow, fast = price.month(100, 20e-6), price.month(10_000, 20e-6)
    assert (slow.objects, fast.objects) == (43_200, 4_320_000)
    assert fast.streaming == pytest.approx(100 * slow.streaming)
    # 100 requests a second are 259 M a month: 5,184 s of CPU for the records, 2,160 s for the objects.
    assert slow.streaming == pytest.approx(7344 * 1769 / 1024 * 0.0000133334 + 43_200 * 2e-7)
