"""A baseline: the reference that a model package's traffic is counted by, and what healthy windows of it look like.

From the table the model was trained on, with its scores and labels where there are any. Bound to the package; the same
table gives the same bytes.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from monitoring import cuts, model_monitor, sql
from monitoring.columns import ABSENT, LARGEST, Value, level_of, number, plain
from monitoring.labelled import Losses
from monitoring.stream import BATCH, Tally
from slipway import codec
from slipway.drift import recalibration
from slipway.drift.profile import Profile, empty
from slipway.drift.recalibration import Group
from slipway.drift.reference import Feature, Kind, Reference

CATEGORIES = ("VARCHAR", "BOOLEAN", "ENUM")
WINDOWS, WEEK = 24, 168
HOURLY_ROWS = 200


@dataclass(frozen=True)
class Plan:
    """What a table holds. features: columns in the order of a request; score, label, time: columns, "" for none.

    categories: features that are numbers in the table and categories in truth. time: timestamps or unix seconds, to
    put rows in order; else they are taken as they come. importances: by feature, in any unit. windows: None for one an
    hour of the table's span, of at least HOURLY_ROWS, between WINDOWS and a week's.
    """

    package: str
    features: tuple[str, ...]
    score: str = ""
    label: str = ""
    time: str = ""
    categories: frozenset[str] = frozenset()
    importances: Mapping[str, float] = field(default_factory=dict)
    threshold: float = 0.5
    windows: int | None = None

    def __post_init__(self) -> None:
        if not self.features:
            raise ValueError("features: at least 1 is needed")
        for name in (*self.categories, *self.importances):
            if name not in self.features:
                raise ValueError(f"features: {name!r} is not among {', '.join(self.features)}")
        for name, gain in self.importances.items():
            if not (isinstance(gain, int | float) and 0 <= gain < math.inf):
                raise ValueError(f"importances: {name!r} has {gain!r}; a number from 0 up is needed")
        if not math.isfinite(self.threshold):
            raise ValueError(f"threshold: {self.threshold}; a score from which on a decision is positive is needed")
        if self.windows is not None and self.windows < 1:
            raise ValueError(f"windows: {self.windows}; at least 20 are needed to calibrate by")


@dataclass(frozen=True)
class Baseline:
    """windows: as many rows each, in the order of time."""

    reference: Reference
    windows: tuple[Profile, ...]


def build(paths: Sequence[Path], plan: Plan) -> Baseline:
    """From CSV or Parquet files. Raises ValueError: a column that isn't there, no rows, no usable time, or no table."""
    try:
        with sql.connect() as database:
            return _build(database, paths, plan)
    except duckdb.Error as error:
        raise ValueError(f"the table can't be read: {error}") from None


def _build(database: duckdb.DuckDBPyConnection, paths: Sequence[Path], plan: Plan) -> Baseline:
    database.execute("SET TimeZone = 'UTC'")  # of times that name none
    types = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE {_source(paths)}").fetchall()}
    for name in filter(None, (*plan.features, plan.score, plan.label, plan.time)):
        if name not in types:
            raise ValueError(f"{name!r} is no column of the table; it has {', '.join(types)}")
    database.execute(f"CREATE VIEW training AS {_source(paths, plan.features)}")
    ((rows,),) = database.execute("SELECT count(*) FROM training").fetchall()
    if not rows:
        raise ValueError("the table has no rows")
    time = _seconds(plan.time, types[plan.time]) if plan.time else "NULL::DOUBLE"
    timing = f"SELECT count({time}), coalesce(max({time}) - min({time}), 0) FROM training"
    ((timed, span),) = database.execute(timing).fetchall()
    if plan.time and not timed:
        raise ValueError(f"{plan.time!r} holds no time: expected timestamps or unix seconds")
    reference = _reference(database, plan, types)
    cursor = database.execute(_in_order(plan, types, time))
    windows = plan.windows or max(WINDOWS, min(WEEK, round(span / 3600), rows // HOURLY_ROWS))
    return Baseline(reference, tuple(_windows(cursor, plan, reference, rows, min(windows, rows))))


def write(baseline: Baseline, directory: Path) -> None:
    """`reference.json`, `windows.jsonl`, and Model Monitor's `statistics.json` and `constraints.json`."""
    whole = sum(baseline.windows, empty(baseline.reference))
    files = {
        "reference.json": codec.dumps(baseline.reference),
        "windows.jsonl": "\n".join(map(codec.dumps, baseline.windows)),
        "statistics.json": json.dumps(model_monitor.statistics(whole, baseline.reference), indent=1),
        "constraints.json": json.dumps(model_monitor.constraints(whole, baseline.reference), indent=1),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text + "\n")


def _source(paths: Sequence[Path], as_text: Sequence[str] = ()) -> str:
    """as_text: columns of a CSV file that are taken as they stand, like a request's: a level `yes` is no boolean."""
    suffixes = {path.suffix for path in paths}
    if suffixes not in ({".csv"}, {".parquet"}):
        raise ValueError(f"expected .csv or .parquet files of one kind, got {', '.join(sorted(suffixes)) or 'none'}")
    files = f"{sql.files(sorted(paths))}, union_by_name = true, hive_partitioning = false"
    if suffixes == {".parquet"}:
        return f"SELECT * FROM read_parquet({files})"
    texts = ", ".join(f"{sql.quoted(name)}: 'VARCHAR'" for name in as_text)
    return f"SELECT * FROM read_csv({files}{f', types = {{{texts}}}' if texts else ''})"


def _reference(database: duckdb.DuckDBPyConnection, plan: Plan, types: Mapping[str, str]) -> Reference:
    total = sum(plan.importances.values()) or 1.0
    features = []
    for name in plan.features:
        is_category = name in plan.categories or types[name].startswith(CATEGORIES)
        feature = _category(database, name) if is_category else _number(database, name)
        features.append(replace(feature, importance=plan.importances.get(name, 0.0) / total))
    scores = replace(_number(database, plan.score), name="score") if plan.score else cuts.ANY_SCORE
    slope, intercept = recalibration.fit(_groups(database, plan))
    line = round(slope, 4), round(intercept, 4)  # of sums in any order the same
    return cuts.identified(Reference("", plan.package, tuple(features), scores, plan.threshold, *line))


def _groups(database: duckdb.DuckDBPyConnection, plan: Plan) -> list[Group]:
    """Labelled rows by their score's log-odds, in steps of a hundredth."""
    if not (plan.score and plan.label):
        return []
    score, label = (f"TRY_CAST({sql.identifier(name)} AS DOUBLE)" for name in (plan.score, plan.label))
    known = (
        f"SELECT {score} AS score, {label} AS label FROM training WHERE {score} BETWEEN 0 AND 1 AND {label} IN (0, 1)"
    )
    kept = f"SELECT least(greatest(score, {recalibration.LEAST}), 1 - {recalibration.LEAST}) AS p, label FROM ({known})"
    counts = f"SELECT round(ln(p) - ln(1 - p), 2), count(*), sum(label)::BIGINT FROM ({kept}) GROUP BY 1 ORDER BY 1"
    return [Group(*row) for row in database.execute(counts).fetchall()]


def _category(database: duckdb.DuckDBPyConnection, name: str) -> Feature:
    column = sql.identifier(name)
    counts: dict[str, int] = {}
    for value, n in database.execute(f"SELECT {column}, count(*) FROM training GROUP BY 1").fetchall():
        level = "" if value is None or value != value else level_of(plain(value))
        counts[level] = counts.get(level, 0) + n
    return Feature(name, Kind.CATEGORY, levels=cuts.levels(counts))


def _number(database: duckdb.DuckDBPyConnection, name: str) -> Feature:
    cast = f"TRY_CAST({sql.identifier(name)} AS DOUBLE)"
    numbers = f"(SELECT {cast} AS v FROM training WHERE abs({cast}) <= {LARGEST})"
    values = f"SELECT DISTINCT v FROM {numbers} LIMIT {cuts.CELLS + 1}"
    distinct = sorted(value for (value,) in database.execute(values).fetchall())
    ((fractional,),) = database.execute(f"SELECT count_if(v <> trunc(v)) FROM {numbers}").fetchall()
    if len(distinct) <= cuts.CELLS:
        edges = cuts.of_values(distinct)
    else:
        both = f"SELECT quantile_disc(v, {cuts.SHARES}), min(v) FROM {numbers}"
        ((quantiles, least),) = database.execute(both).fetchall()
        edges = cuts.of_quantiles(quantiles, least)
    return Feature(name, edges=edges, integral=bool(distinct) and not fractional)


def _windows(
    cursor: duckdb.DuckDBPyConnection, plan: Plan, reference: Reference, rows: int, windows: int
) -> Iterator[Profile]:
    for window in range(windows):
        left = rows * (window + 1) // windows - rows * window // windows
        tally = Tally(reference)
        losses = Losses(tally)
        while left and (fetched := cursor.fetchmany(min(BATCH, left))):
            left -= len(fetched)
            _count(tally, losses, fetched, plan)
        yield replace(tally.profile(), labelled=losses.labelled())


def _in_order(plan: Plan, types: Mapping[str, str], time: str) -> str:
    """Features, score, label and time of each row, in the order of time."""
    others = [sql.identifier(name) if name else "NULL" for name in (plan.score, plan.label)]
    columns = ", ".join([*(sql.utc(name, types[name]) for name in plan.features), *others, time])
    placed = "SELECT *, row_number() OVER () AS slipway_place FROM training"
    return f"SELECT {columns} FROM ({placed}) ORDER BY {time}, slipway_place"


def _seconds(name: str, kind: str) -> str:
    """A column of times as unix seconds, in SQL; NULL for what is none."""
    if kind.startswith(("TIMESTAMP", "DATE", "VARCHAR")):
        return f"epoch(TRY_CAST({sql.identifier(name)} AS TIMESTAMPTZ))"
    return "NULL::DOUBLE" if kind == "BOOLEAN" else f"TRY_CAST({sql.identifier(name)} AS DOUBLE)"


def _count(tally: Tally, losses: Losses, fetched: Sequence[Sequence[object]], plan: Plan) -> None:
    rows = [[plain(value) for value in row[:-3]] for row in fetched]
    scores: list[Value] = [plain(row[-3]) if plan.score else ABSENT for row in fetched]
    tally.add(rows, scores, len(rows), [float(row[-1]) for row in fetched if isinstance(row[-1], float)])
    if plan.score and plan.label:
        for row, score, (*_, label, _) in zip(rows, scores, fetched, strict=True):
            if label is not None:
                losses.add(row, score, _label(label, plan.label))


def _label(value: object, column: str) -> float:
    found = number(plain(value))
    if found not in (0, 1):
        raise ValueError(f"{column!r} holds {value!r}; labels are 0 or 1")
    return float(found)
