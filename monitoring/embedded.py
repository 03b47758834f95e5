"""The embedded engine: captured objects and Parquet tables of one window, counted by DuckDB in one process.

SQL counts what SageMaker writes of plain CSV requests; every other record goes through `monitoring.stream`, so the two
agree on whatever is odd by construction. Each statement runs on one thread and results are added in order: the same
files give the same bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb

from monitoring import captured, sql, stream, tables
from monitoring.stream import Quarantine, Quarantined, Within
from slipway.drift.profile import Profile, empty
from slipway.drift.reference import Reference

GROUP_BYTES = 64 * 2**20  # of captured objects, counted by one statement: to plan one takes some .05 s


def profile(
    paths: Iterable[Path], reference: Reference, within: Within = None, quarantine: Quarantine = lambda _: None
) -> Profile:
    """Parquet tables (`.parquet`; see `tables.profile`) and captured objects (all others; see `stream.profile`)."""
    files = sorted(map(Path, paths))
    parquet = [path for path in files if path.suffix == ".parquet"]
    counted = tables.profile(parquet, reference) if parquet else empty(reference)
    count = partial(_count, sql.database(reference), reference, within)
    with ThreadPoolExecutor(sql.THREADS) as pool:
        for part, quarantined in pool.map(count, _groups([path for path in files if path.suffix != ".parquet"])):
            counted += part
            for line in quarantined:
                quarantine(line)
    return counted


def _groups(paths: Sequence[Path]) -> Iterator[list[str]]:
    """Neighbouring files, together of about GROUP_BYTES."""
    group, size = list[str](), 0
    for path in paths:
        group.append(str(path))
        size += path.stat().st_size
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _count(
    database: duckdb.DuckDBPyConnection, reference: Reference, within: Within, files: list[str]
) -> tuple[Profile, list[Quarantined]]:
    for read in (captured.structured, captured.by_line):
        try:
            records, plain = captured.plain(database, reference, within, read(files))
            odd: Iterable[str] = captured.odd(database, reference, within, files) if plain.records < records else ()
            streamed, quarantined = stream.profile(odd, reference, within)
            if plain.records + streamed.records == records:
                return plain + streamed, quarantined
        except (duckdb.InvalidInputException, duckdb.DataError, OSError):
            continue  # a line that is no JSON (told by Arrow, as an OSError), no captured record, or no text
    return stream.profile(_lines(files), reference, within)


def _lines(files: list[str]) -> Iterator[bytes]:
    for file in files:
        with Path(file).open("rb") as lines:
            yield from lines
