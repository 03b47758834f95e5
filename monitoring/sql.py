"""Values of captured objects and of tables as DuckDB reads them, as `monitoring.columns` reads them one by one."""

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from monitoring.columns import LARGEST, WHOLE
from monitoring.vectors import LEVELS_ODD, NUMBERS_ODD, Vector, code
from slipway.drift.reference import Feature, Kind, Reference

THREADS = 2  # statements at a time
BATCH = 20 * 2048  # rows that DuckDB hands over at a time; it works on 2048


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


def files(paths: Iterable[Path | str]) -> str:
    """Paths as they stand, for a reader; their folders' names are no columns (`hive_partitioning` must say so)."""
    return texts(glob.escape(str(path)) for path in paths)


def identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def utc(name: str, kind: str) -> str:
    """A column for Python, which gets times with a zone as UTC without one: the zone's would be the machine's."""
    return identifier(name) + (" AT TIME ZONE 'UTC'" if kind == "TIMESTAMP WITH TIME ZONE" else "")


def connect() -> duckdb.DuckDBPyConnection:
    """Each statement runs on the thread of its caller alone, so sums are added in the order of the rows.

    Statistics in a Parquet file leave NaN out; by them DuckDB would take a condition for true that NaN fails.
    """
    opened = duckdb.connect(config={"threads": 1, "enable_external_file_cache": False})
    return opened.execute("SET disabled_optimizers = 'statistics_propagation'")


def database(reference: Reference) -> duckdb.DuckDBPyConnection:
    """An empty database that knows the levels of categories as types: a cast to one is one look-up."""
    opened = connect()
    for at, feature in enumerate((*reference.features, reference.scores)):
        if feature.kind is Kind.CATEGORY:
            opened.execute(f"CREATE TYPE levels_{at} AS ENUM ({', '.join(map(quoted, feature.levels))})")
    return opened


def values(columns: Mapping[int, tuple[Feature, str, str]], rest: Sequence[str], source: str) -> str:
    """A SELECT of `rest` and, for each column, `v{at}`: its number or the number of its level, or an oddity's code.

    columns: by place, a feature, its value as text (or NULL where it won't be counted), and the same as a number
    (or "": the text is cast). In layers, since DuckDB computes a term again wherever it stands inside a CASE.
    """
    raw, coded = list[str](), list[str]()
    for at, (feature, text, number) in columns.items():
        if feature.kind is Kind.CATEGORY:
            raw.append(f"CASE WHEN contains({text}, ' ') THEN trim({text}, ' ') ELSE {text} END AS t{at}")
            coded.append(f"{_level(feature, at)} AS v{at}")
        else:
            raw += [f"{text} AS t{at}", f"{number or f'TRY_CAST({text} AS DOUBLE)'} AS n{at}"]
            coded.append(f"{_number(at)} AS v{at}")
    return f"SELECT {', '.join([*rest, *coded])} FROM (SELECT {', '.join([*rest, *raw])} FROM ({source}))"


def batches(
    database: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[object] = ()
) -> Iterator[dict[str, Vector]]:
    """What a statement selects, by column, BATCH rows at a time. A NULL among floats is NaN."""
    with database.cursor() as cursor:
        for batch in cursor.sql(statement, params=list(parameters)).to_arrow_reader(BATCH):
            yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}


def _level(feature: Feature, at: int) -> str:
    whole = f"CASE WHEN contains(t{at}, '.') THEN regexp_extract(t{at}, '^(?:{WHOLE.pattern})$', 1) END"
    known = ", ".join(f"enum_code(TRY_CAST({level} AS levels_{at}))" for level in (f"t{at}", whole))
    null, unseen = (code(feature, oddity) for oddity in LEVELS_ODD)
    return f"coalesce({known}, CASE WHEN t{at} = '' THEN {null} ELSE {unseen} END)::INTEGER"


def _number(at: int) -> str:
    type_error, infinite, null = (f"'{code}'::DOUBLE" for code in NUMBERS_ODD.values())
    return f"""CASE WHEN abs(n{at}) <= {LARGEST} THEN n{at}
        WHEN n{at} IS NULL THEN CASE WHEN trim(t{at}, ' ') = '' THEN {null} ELSE {type_error} END
        WHEN isnan(n{at}) THEN {null} ELSE {infinite} END"""
