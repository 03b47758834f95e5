"""Requests joined with their labels: one SQL text for every engine (engines.py).

Lines are parsed by the same Python in each: about 25 microseconds a request with its label, most of what a window costs
in one process. What needs memory, the deduplication and the join, is the engine's.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a Spark cluster's driver has no need of it
    import pandas as pd

PROBES = "slipway-probe"  # begins the ids of replayed rows, which are nobody's traffic
# A retry repeats its id, and a shadow's copy too: the first one counts. A later label replaces an earlier one.
TABLES = {
    "asked": "select *, row_number() over (partition by id order by asked_at, {features}) as copy from captured"
    " where asked_at >= {since} and asked_at < {until} and id not like '{probes}%'",
    "told": "select *, row_number() over (partition by id order by known_at desc, label desc) as newest from labels"
    " where known_at <= {cut}",
    "matched": "select asked.id, asked.asked_at, {features}, told.label from asked left join told"
    " on asked.id = told.id and told.newest = 1 where asked.copy = 1",
}
ROWS = "select asked_at as event_time, {features}, label from matched where label is not null order by asked_at, id"
COUNTS = {
    "rows": "select count(*) from matched where label is not null",
    "duplicates": "select count(*) from asked where copy > 1",
    "unlabelled": "select count(*) from matched where label is null",
    "immature": "select count(distinct id) from captured where asked_at >= {until} and asked_at < {asked_until}",
    "late_labels": "select count(*) from labels where known_at > {cut}",
    "changed_labels": "select count(*) from (select id from told group by id having count(distinct label) > 1) ids",
    "unmatched_labels": "select count(*) from told left join (select distinct id from captured) ids"
    " on told.id = ids.id where told.newest = 1 and ids.id is null",
}


@dataclass(frozen=True)
class Window:
    """Requests of [since, until) with the labels known at `cut`; unix seconds.

    mature: a label needs up to as many seconds. Requests younger than that at the cut are left out: those of them that
    have a label already are no fair sample.
    """

    since: float
    until: float
    cut: float
    mature: float = 0.0

    def __post_init__(self) -> None:
        if not (self.since < self.until <= self.cut and self.mature >= 0):
            raise ValueError(f"window: since < until <= cut must hold, got {self.since}, {self.until}, {self.cut}")

    @property
    def mature_until(self) -> float:
        return min(self.until, self.cut - self.mature)


class Engine(Protocol):
    def load(self, capture: Path, labels: Path, columns: int) -> dict[str, int]:
        """Make the tables `captured` (id, asked_at, f0, ...) and `labels` (id, label, known_at).

        Returns the rejected lines by reason.
        """

    def define(self, name: str, sql: str) -> None:
        """Make a table of a query's rows."""

    def numbers(self, sql: str) -> dict[str, int]:
        """A query's only row."""

    def query(self, sql: str) -> "pd.DataFrame":
        """A query's rows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, text in {"since": "first request", "until": "end of the requests", "cut": "labels known by"}.items():
        parser.add_argument(f"--{name}", type=float, required=True, help=f"{text}, unix seconds")
    parser.add_argument("--mature", type=float, default=0.0, help="seconds that a label may take")


def window(given: argparse.Namespace) -> Window:
    """Raises ValueError where its times don't follow each other."""
    return Window(given.since, given.until, given.cut, given.mature)


def join(
    engine: Engine, capture: Path, labels: Path, names: list[str], window: Window
) -> tuple["pd.DataFrame", dict[str, int]]:
    """Rows (event_time, the features by name, label) in order of time, and counts of everything left out."""
    counts = match(engine, capture, labels, len(names), window)
    return named(engine.query(rows(len(names))), names), counts


def named(rows: "pd.DataFrame", names: list[str]) -> "pd.DataFrame":
    """Rows as `rows()` gives them, with the features' own names."""
    return rows.set_axis(["event_time", *names, "label"], axis="columns")


def rows(columns: int) -> str:
    """The query that gives the joined rows, once `match` has made the tables."""
    return ROWS.format(features=_features(columns))


def match(engine: Engine, capture: Path, labels: Path, columns: int, window: Window) -> dict[str, int]:
    """Make the tables of the join; counts of everything left out."""
    counts = {f"rejected_{reason}": number for reason, number in engine.load(capture, labels, columns).items()}
    values = {"since": window.since, "until": window.mature_until, "asked_until": window.until, "cut": window.cut}
    given = {name: f"cast({value!r} as double)" for name, value in values.items()} | {
        "features": _features(columns),
        "probes": PROBES,
    }
    for name, sql in TABLES.items():
        engine.define(name, sql.format(**given))
    asked = ", ".join(f"({sql.format(**given)}) as {name}" for name, sql in COUNTS.items())
    return counts | engine.numbers(f"select {asked}")


def _features(columns: int) -> str:
    return ", ".join(f"f{i}" for i in range(columns))
