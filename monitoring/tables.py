"""Parquet tables, counted by DuckDB: a row a record, features by the names of their columns."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import duckdb

from monitoring import sql, vectors
from monitoring.columns import ABSENT, ColumnCounter, Value, plain
from slipway.drift.profile import Column, Profile, empty, unlabelled
from slipway.drift.reference import Feature, Kind, Reference

GROUP = 2  # columns read at a time: what is held of a row group
FETCHED = 2048  # rows
SCORE = "score"
INTEGERS = frozenset(f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"))
NUMBERS = INTEGERS | {"FLOAT", "DOUBLE", "BOOLEAN"}


@dataclass(frozen=True)
class Source:
    """Files of the same columns as one table: `text`, what a statement selects from; `types`, DuckDB's, by column."""

    database: duckdb.DuckDBPyConnection
    text: str
    types: dict[str, str]
    rows: int


def profile(paths: Sequence[Path], reference: Reference, *, score: str = SCORE, ignored: Sequence[str] = ()) -> Profile:
    """The rows of all files. A column that is neither a feature, the score nor `ignored` is surplus."""
    return sum((_alike(source, reference, score, ignored) for source in _open(paths, reference)), empty(reference))


def _alike(source: Source, reference: Reference, score: str, ignored: Sequence[str]) -> Profile:
    features = [*reference.features, replace(reference.scores, name=score)]
    groups = [list(enumerate(features))[at : at + GROUP] for at in range(0, len(features), GROUP)]
    with ThreadPoolExecutor(sql.THREADS) as pool:
        counted = chain.from_iterable(pool.map(partial(_counted, source, reference.threshold), groups))
        *columns, (scores, positives) = counted
    known = {feature.name for feature in features} | set(ignored)
    return Profile(
        reference.id,
        tuple(column for column, _ in columns),
        scores,
        records=source.rows,
        accepted=source.rows,
        rows=source.rows,
        positives=positives,
        surplus=source.rows * sum(name not in known for name in source.types),
        labelled=unlabelled(reference),
    )


def _open(paths: Sequence[Path], reference: Reference) -> Iterator[Source]:
    """Together as far as their columns are the same: in a union of others a value might be read as another type's."""
    database = sql.database(reference)
    alike: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path in paths:
        try:
            columns = database.execute(f"DESCRIBE {_reader([path])}").fetchall()
        except duckdb.Error as error:
            raise ValueError(f"{path} can't be read: {error}") from None
        alike.setdefault(tuple((name, kind) for name, kind, *_ in columns), []).append(path)
    for types, files in alike.items():
        text = _reader(files)
        ((rows,),) = database.execute(f"SELECT count(*) {text}").fetchall()
        yield Source(database, text, dict(types), rows)


def _reader(paths: Sequence[Path]) -> str:
    return f"FROM read_parquet({sql.files(paths)}, hive_partitioning = false)"


def _counted(source: Source, threshold: float, group: Sequence[tuple[int, Feature]]) -> list[tuple[Column, int]]:
    """Each column, and how many of its numbers reach the threshold: by NumPy, together, where the types allow it;
    else value by value."""
    inside = {at: value for at, feature in group if (value := _value(source, feature))}
    counted = {at: (Column((0,) * feature.cells), 0) for at, (feature, *_) in inside.items()}
    for batch in sql.batches(source.database, sql.values(inside, [], source.text)) if inside else ():
        for at, (feature, *_) in inside.items():
            column, positives = counted[at]
            values = batch[f"v{at}"]
            counted[at] = column + vectors.column(feature, values), positives + vectors.at_least(values, threshold)
    return [counted[at] if at in counted else _outside(source, threshold, feature) for at, feature in group]


def _value(source: Source, feature: Feature) -> tuple[Feature, str, str] | None:
    """A column for `sql.values`; None where SQL would read its values differently from Python."""
    kind, name = source.types.get(feature.name), sql.identifier(feature.name)
    if feature.kind is Kind.NUMBER and kind in NUMBERS:
        return feature, "''", f"{name}::DOUBLE"
    if feature.kind is Kind.CATEGORY and kind in {*INTEGERS, "VARCHAR"}:
        return feature, f"coalesce({name}::VARCHAR, '')", ""
    return None


def _outside(source: Source, threshold: float, feature: Feature) -> tuple[Column, int]:
    counter, positives = ColumnCounter(feature), 0
    for values in _values(source, feature.name):
        positives += sum(number >= threshold for number in counter.add(values))
    return counter.column(), positives


def _values(source: Source, name: str) -> Iterator[list[Value]]:
    if name not in source.types:
        yield from (list[Value]([ABSENT]) * min(FETCHED, source.rows - at) for at in range(0, source.rows, FETCHED))
        return
    cursor = source.database.cursor().execute(f"SELECT {sql.utc(name, source.types[name])} {source.text}")
    while rows := cursor.fetchmany(FETCHED):
        yield [plain(value) for (value,) in rows]
