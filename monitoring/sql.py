"""A feature's counts as DuckDB SQL: what `monitoring.columns` does to values one by one."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from monitoring.columns import LARGEST, WHOLE, Oddity
from slipway.drift.profile import Column
from slipway.drift.reference import Feature, Kind, Reference
from slipway.stats.means import Moments

THREADS = 2  # statements at a time
ODDITIES = (Oddity.NULL, Oddity.TYPE_ERROR, Oddity.INFINITE, Oddity.UNSEEN)
NULL, TYPE_ERROR, INFINITE, UNSEEN = range(len(ODDITIES))
POSSIBLE = {Kind.NUMBER: (NULL, TYPE_ERROR, INFINITE), Kind.CATEGORY: (NULL, UNSEEN)}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


def identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def database(reference: Reference) -> duckdb.DuckDBPyConnection:
    """An empty database that knows the levels of categories as types: a cast to one is one look-up.

    Each statement runs on the thread of its caller alone, so sums are added in the order of the rows.
    """
    opened = duckdb.connect(config={"threads": 1, "enable_external_file_cache": False})
    for at, feature in enumerate((*reference.features, reference.scores)):
        if feature.kind is Kind.CATEGORY:
            opened.execute(f"CREATE TYPE levels_{at} AS ENUM ({', '.join(map(quoted, feature.levels))})")
    return opened


def values(columns: Mapping[int, tuple[Feature, str, str]], rest: Sequence[str], source: str) -> str:
    """A SELECT of `rest` and, for each column, `v{at}`, its number or level, and `o{at}`, its oddity if it is neither.

    columns: by place, a feature, its value as text (or NULL where there is none to count), and the same as a number
    (or "": the text is cast). In three layers, since DuckDB computes a term again wherever it stands inside a CASE.
    """
    raw, usable, counted = [], [], []
    for at, (feature, text, number) in columns.items():
        raw += [f"{text} AS t{at}", f"{number or f'TRY_CAST({text} AS DOUBLE)'} AS n{at}"]
        if feature.kind is Kind.CATEGORY:
            raw[-2:] = [f"CASE WHEN contains({text}, ' ') THEN trim({text}, ' ') ELSE {text} END AS t{at}"]
            whole = f"CASE WHEN contains(t{at}, '.') THEN regexp_extract(t{at}, '^(?:{WHOLE.pattern})$', 1) END"
            usable.append(f"coalesce(TRY_CAST(t{at} AS levels_{at}), TRY_CAST({whole} AS levels_{at})) AS v{at}")
            odd = f"CASE WHEN t{at} = '' THEN {NULL} ELSE {UNSEEN} END"
        else:
            usable.append(f"CASE WHEN abs(n{at}) <= {LARGEST} THEN n{at} END AS v{at}")
            blank = f"CASE WHEN trim(t{at}, ' ') = '' THEN {NULL} ELSE {TYPE_ERROR} END"
            odd = f"CASE WHEN n{at} IS NULL THEN {blank} WHEN isnan(n{at}) THEN {NULL} ELSE {INFINITE} END"
        counted.append(f"v{at}, CASE WHEN v{at} IS NULL AND t{at} IS NOT NULL THEN ({odd})::TINYINT END AS o{at}")
    return (
        f"SELECT {', '.join([*rest, *counted])} FROM (SELECT *, {', '.join(usable)} "
        f"FROM (SELECT {', '.join([*rest, *raw])} FROM ({source})))"
    )


def counts(feature: Feature, at: int) -> tuple[str, list[list[float]]]:
    """The aggregate over `v{at}` and `o{at}` that `column` reads, and its parameters."""
    v = f"v{at}"
    odd = ", ".join(f"{ODDITIES[i].value}: count_if(o{at} = {i})" for i in POSSIBLE[feature.kind])
    if feature.kind is Kind.CATEGORY:
        return f"{{cells: histogram({v}), {odd}}}", []
    sums = f"n: count({v}), total: sum({v}), squares: sum({v} * {v}), least: min({v}), most: max({v})"
    signs = f"fractional: count_if({v} <> trunc({v})), negative: count_if({v} < 0)"
    return f"{{cells: histogram({v}, ?::DOUBLE[]), {sums}, {signs}, {odd}}}", [_bins(feature)]


def column(feature: Feature, counted: dict[str, Any]) -> Column:
    """A column from what `counts` gave; a sum over nothing is NULL there."""
    cells = counted["cells"] or {}
    oddities: dict[str, Any] = {ODDITIES[i].value: counted[ODDITIES[i].value] or 0 for i in POSSIBLE[feature.kind]}
    if feature.kind is Kind.CATEGORY:
        return Column(tuple(cells.get(level, 0) for level in feature.levels), **oddities)
    return Column(
        tuple(cells.get(bin, 0) for bin in (*_bins(feature), math.inf)),
        moments=Moments(counted["n"], counted["total"] or 0.0, counted["squares"] or 0.0),
        fractional=counted["fractional"] or 0,
        negative=counted["negative"] or 0,
        least=counted["least"],
        most=counted["most"],
        **oddities,
    )


def _bins(feature: Feature) -> list[float]:
    """A bin of DuckDB's holds its upper end, a cell holds its lower one: the number just below is the same cut."""
    return [math.nextafter(edge, -math.inf) for edge in feature.edges]
