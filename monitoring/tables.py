"""Parquet tables, counted by DuckDB: a row a record, features by the names of their columns."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import duckdb

from monitoring import sql
from monitoring.columns import ABSENT, ColumnCounter, Value, plain
from slipway.drift.profile import Column, Profile, unlabelled
from slipway.drift.reference import Feature, Kind, Reference

GROUP = 4  # columns read at a time: what is held of a row group
FETCHED = 2048  # rows
SCORE = "score"
INTEGERS = frozenset(f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"))
NUMBERS = INTEGERS | {"FLOAT", "DOUBLE", "BOOLEAN"}


@dataclass(frozen=True)
class Source:
    """Files as one table: `text`, what a statement selects from; `types`, DuckDB's, by column."""

    database: duckdb.DuckDBPyConnection
    text: str
    types: dict[str, str]
    rows: int


def profile(paths: Sequence[Path], reference: Reference, *, score: str = SCORE, ignored: Sequence[str] = ()) -> Profile:
    """The rows of all files. A column that is neither a feature, the score nor `ignored` is surplus."""
    source = _open(paths, reference)
    features = [*reference.features, replace(reference.scores, name=score)]
    groups = [list(enumerate(features))[at : at + GROUP] for at in range(0, len(features), GROUP)]
    with ThreadPoolExecutor(sql.THREADS) as pool:
        *columns, scores = chain.from_iterable(pool.map(partial(_columns, source), groups))
    known = {feature.name for feature in features} | set(ignored)
    return Profile(
        reference.id,
        tuple(columns),
        scores,
        records=source.rows,
        accepted=source.rows,
        rows=source.rows,
        positives=_positives(source, features[-1], reference.threshold),
        surplus=source.rows * sum(name not in known for name in source.types),
        labelled=unlabelled(reference),
    )


def _open(paths: Sequence[Path], reference: Reference) -> Source:
    database = sql.database(reference)
    text = f"FROM read_parquet({sql.texts(map(str, paths))}, union_by_name = true)"
    types = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {text}").fetchall()}
    ((rows,),) = database.execute(f"SELECT count(*) {text}").fetchall()
    return Source(database, text, types, rows)


def _columns(source: Source, group: Sequence[tuple[int, Feature]]) -> list[Column]:
    """Counted in SQL, together, where the types allow it; else value by value."""
    inside = {at: value for at, feature in group if (value := _value(source, feature))}
    counted: dict[int, Column] = {}
    if inside:
        aggregates, bins = zip(*(sql.counts(feature, at) for at, (feature, *_) in inside.items()), strict=True)
        statement = f"SELECT {', '.join(aggregates)} FROM ({sql.values(inside, [], source.text)})"
        (found,) = source.database.cursor().execute(statement, [*chain(*bins)]).fetchall()
        counted = {at: sql.column(inside[at][0], counts) for at, counts in zip(inside, found, strict=True)}
    return [counted[at] if at in counted else _outside(source, feature).column() for at, feature in group]


def _value(source: Source, feature: Feature) -> tuple[Feature, str, str] | None:
    """A column for `sql.values`; None where SQL would read its values differently from Python."""
    kind, name = source.types.get(feature.name), sql.identifier(feature.name)
    if feature.kind is Kind.NUMBER and kind in NUMBERS:
        return feature, "''", f"{name}::DOUBLE"
    if feature.kind is Kind.CATEGORY and kind in {*INTEGERS, "VARCHAR"}:
        return feature, f"coalesce({name}::VARCHAR, '')", ""
    return None


def _outside(source: Source, feature: Feature) -> ColumnCounter:
    counter = ColumnCounter(feature)
    for values in _values(source, feature.name):
        counter.add(values)
    return counter


def _values(source: Source, name: str) -> Iterator[list[Value]]:
    if name not in source.types:
        yield from (list[Value]([ABSENT]) * min(FETCHED, source.rows - at) for at in range(0, source.rows, FETCHED))
        return
    cursor = source.database.cursor().execute(f"SELECT {sql.identifier(name)} {source.text}")
    while rows := cursor.fetchmany(FETCHED):
        yield [plain(value) for (value,) in rows]


def _positives(source: Source, score: Feature, threshold: float) -> int:
    if value := _value(source, score):
        statement = f"SELECT count_if(v0 >= ?) FROM ({sql.values({0: value}, [], source.text)})"
        ((positives,),) = source.database.execute(statement, [threshold]).fetchall()
        return int(positives)
    numbers = (ColumnCounter(score).add(values) for values in _values(source, score.name))
    return sum(number >= threshold for batch in numbers for number in batch)
