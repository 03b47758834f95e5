"""Captured objects as DuckDB reads them: the plain records, counted, and the text of the others."""

import math
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np

from monitoring import sql, vectors
from monitoring.records import REPLAYED
from monitoring.stream import BATCH, SKEW, Within
from monitoring.vectors import Vector
from slipway.drift.profile import Profile, empty, unlabelled
from slipway.drift.reference import Reference

LARGEST_LINE = 2**24  # bytes; request and answer have at most 6 MiB each
USERS = f"""coalesce(NOT starts_with(caller, '"{REPLAYED}'), true)"""  # of records that are not ours
# One row of unquoted CSV, one score, a time as SageMaker writes it. Texts may hold nothing that DuckDB and Python read
# differently: a doubled sign, or digits and spaces beyond ASCII.
PLAIN = r"""request_encoding = '"CSV"' AND answer_encoding = '"CSV"'
    AND starts_with(request, '"') AND starts_with(answer, '"')
    AND request <> '""' AND answer <> '""' AND NOT contains(answer, ',')
    AND NOT contains(request, '\') AND NOT contains(answer, '\')
    AND NOT contains(request, '+-') AND NOT contains(answer, '+-')
    AND strlen(answer) = length(answer) AND (strlen(request) = length(request)
        OR NOT regexp_matches(regexp_replace(request, '[ -~]', '', 'g'), '\pN|\pZ|\pC'))
    AND length(time) = 22 AND seconds >= ? AND seconds < ?"""


def plain(database: duckdb.DuckDBPyConnection, reference: Reference, within: Within, lines: str) -> tuple[int, Profile]:
    """How many records there are, and the profile of the plain ones among them. lines: `structured` or `by_line`."""
    features = [*reference.features, reference.scores]
    texts = [*(f"x[{at}]" for at in range(1, len(features))), "answer"]
    columns = {at: (feature, texts[at], "") for at, feature in enumerate(features)}
    source = f"SELECT x, answer, CASE WHEN x IS NOT NULL THEN seconds END AS seconds FROM ({_split(lines)})"
    records, counted = 0, empty(reference)
    for batch in sql.batches(database, sql.values(columns, ["seconds"], source), _parameters(reference, within)):
        plain = ~np.isnan(batch["seconds"])
        records += len(plain)
        counted += _counted(reference, batch["seconds"][plain], [batch[f"v{at}"][plain] for at in columns])
    return records, counted


def _counted(reference: Reference, seconds: Vector, values: Sequence[Vector]) -> Profile:
    *columns, scores = map(vectors.column, (*reference.features, reference.scores), values)
    n = len(seconds)
    return Profile(
        reference.id,
        tuple(columns),
        scores,
        records=n,
        accepted=n,
        rows=n,
        positives=vectors.at_least(values[-1], reference.threshold),
        first=float(seconds.min()) if n else None,
        last=float(seconds.max()) if n else None,
        labelled=unlabelled(reference),
    )


def odd(
    database: duckdb.DuckDBPyConnection, reference: Reference, within: Within, files: Sequence[str]
) -> Iterator[str]:
    """The lines that `plain` did not count."""
    statement = f"SELECT json FROM ({_split(by_line(files))}) WHERE x IS NULL"
    cursor = database.cursor().execute(statement, _parameters(reference, within))
    while lines := cursor.fetchmany(BATCH):
        yield from (line for (line,) in lines)


def _split(lines: str) -> str:
    """x: the texts of a plain record's values, NULL for any other record; seconds: its time."""
    timed = f"""SELECT *, epoch(try_strptime(time, '"%Y-%m-%dT%H:%M:%SZ"')) AS seconds FROM ({lines}) WHERE {USERS}"""
    # Without a backslash the only quotes of a JSON string are those around it.
    texts = f"""CASE WHEN {PLAIN} THEN string_split(replace(request, '"', ''), ',') END AS texts"""
    split = f"""SELECT * REPLACE (replace(answer, '"', '') AS answer), {texts} FROM ({timed})"""
    return f"SELECT *, CASE WHEN len(texts) = ? THEN texts END AS x FROM ({split})"


def _parameters(reference: Reference, within: Within) -> list[float]:
    since, until = within or (-math.inf, math.inf)
    return [len(reference.features), since - SKEW, until + SKEW]


def structured(files: Sequence[str]) -> str:
    """What is asked of each line, if all of them are JSON."""
    payload = "STRUCT(data JSON, encoding JSON)"
    shape = f"STRUCT(endpointInput {payload}, endpointOutput {payload})"
    columns = f"{{captureData: '{shape}', eventMetadata: 'STRUCT(inferenceTime JSON, inferenceId JSON)'}}"
    return f"""
        SELECT captureData.endpointInput.data::VARCHAR AS request,
            captureData.endpointInput.encoding::VARCHAR AS request_encoding,
            captureData.endpointOutput.data::VARCHAR AS answer,
            captureData.endpointOutput.encoding::VARCHAR AS answer_encoding,
            eventMetadata.inferenceTime::VARCHAR AS time, eventMetadata.inferenceId::VARCHAR AS caller
        FROM read_json({sql.files(files)}, format = 'newline_delimited', columns = {columns},
            maximum_object_size = {LARGEST_LINE}, hive_partitioning = false)"""


def by_line(files: Sequence[str]) -> str:
    """As `structured`, with the line itself, and NULL where it is no JSON: slower, and seldom needed."""
    parts = [f"$.captureData.endpoint{side}.{key}" for side in ("Input", "Output") for key in ("data", "encoding")]
    parts += ["$.eventMetadata.inferenceTime", "$.eventMetadata.inferenceId"]
    extracted = f"CASE WHEN json_valid(json) THEN json_extract(json, {sql.texts(parts)})::VARCHAR[] END"
    return f"""
        SELECT json, parts[1] AS request, parts[2] AS request_encoding, parts[3] AS answer,
            parts[4] AS answer_encoding, parts[5] AS time, parts[6] AS caller
        FROM (SELECT json, {extracted} AS parts FROM {_LINES.format(files=sql.files(files))} WHERE json IS NOT NULL)"""


# Columns are separated by what JSON never holds: a line with it is an error, as are one that is no UTF-8 and CR LF.
_LINES = f"""read_csv({{files}}, columns = {{{{json: 'VARCHAR'}}}}, header = false, auto_detect = false,
    delim = '\x01\x02\x03\x04', quote = '', escape = '', comment = '', new_line = '\\n',
    max_line_size = {LARGEST_LINE}, hive_partitioning = false)"""
