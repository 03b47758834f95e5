"""What runs the join: DuckDB in this process while a window fits it, Spark beyond."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if __package__:
    from training import captured
else:  # in the container the files lie flat
    import captured

if TYPE_CHECKING:
    import pandas as pd

BATCH = 50_000  # rows
PARSERS = {"captured": captured.request_row, "labels": captured.label_row}


def schema(table: str, columns: int) -> dict[str, str]:
    """A table's columns and their types, as SQL names them."""
    if table == "labels":
        return {"id": "string", "label": "int", "known_at": "double"}
    return {"id": "string", "asked_at": "double", **{f"f{i}": "double" for i in range(columns)}}


def _ddl(table: str, columns: int) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in schema(table, columns).items())


class Embedded:
    """DuckDB. Raises ValueError where a directory holds no file."""

    def __init__(self) -> None:
        import duckdb  # here, as pyarrow: SageMaker's Spark image has none of them

        self._connection = duckdb.connect()

    def load(self, capture: Path, labels: Path, columns: int) -> dict[str, int]:
        import pyarrow as pa

        rejected: dict[str, int] = {}
        for table, directory in (("captured", capture), ("labels", labels)):
            self._connection.execute(f"create table {table} ({_ddl(table, columns)})")
            names = list(schema(table, columns))
            for batch in _batches(table, directory, columns, rejected):
                rows = pa.table([list(column) for column in zip(*batch, strict=True)], names=names)
                self._connection.from_arrow(rows).insert_into(table)
        return rejected

    def define(self, name: str, sql: str) -> None:
        self._connection.execute(f"create table {name} as {sql}")

    def numbers(self, sql: str) -> dict[str, int]:
        found = self._connection.sql(sql)
        (row,) = found.fetchall()
        return dict(zip(found.columns, row, strict=True))

    def query(self, sql: str) -> "pd.DataFrame":
        return self._connection.sql(sql).df()


def _batches(table: str, directory: Path, columns: int, rejected: dict[str, int]) -> Iterator[list[tuple[Any, ...]]]:
    batch: list[tuple[Any, ...]] = []
    for path in _files(directory):
        with path.open("rb") as lines:
            for line in filter(bytes.strip, lines):
                row = PARSERS[table](path.as_posix(), line, columns)
                if len(row) == 1:
                    rejected[row[0]] = rejected.get(row[0], 0) + 1
                    continue
                batch.append(row)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
    if batch:
        yield batch


def _files(directory: Path) -> list[Path]:
    found = sorted(path for path in directory.rglob("*.jsonl") if path.is_file())
    if not found:
        raise ValueError(f"no .jsonl file in {directory}")
    return found


class Spark:
    """A Spark session. Directories lie at the same place on every machine of its cluster, as a job's inputs do."""

    def __init__(self, session: Any) -> None:
        from pyspark import cloudpickle

        cloudpickle.register_pickle_by_value(captured)  # executors have no copy of these files
        self._session = session

    def load(self, capture: Path, labels: Path, columns: int) -> dict[str, int]:
        rejected: dict[str, int] = {}
        for table, directory in (("captured", capture), ("labels", labels)):
            rows = self._rows(table, directory, columns).persist()
            parsed = self._session.createDataFrame(rows.filter(lambda row: len(row) > 1), _ddl(table, columns))
            parsed.createOrReplaceTempView(table)
            for (reason,), number in rows.filter(lambda row: len(row) == 1).countByValue().items():
                rejected[reason] = rejected.get(reason, 0) + number
        return rejected

    def _rows(self, table: str, directory: Path, columns: int) -> Any:
        from pyspark.sql import functions

        parse = PARSERS[table]
        lines = self._session.read.option("recursiveFileLookup", "true").text(directory.resolve().as_uri())
        lines = lines.select(functions.input_file_name(), "value").rdd.filter(lambda line: line[1].strip())
        return lines.map(lambda line: parse(line[0], line[1], columns))

    def define(self, name: str, sql: str) -> None:
        self._session.sql(sql).cache().createOrReplaceTempView(name)

    def numbers(self, sql: str) -> dict[str, int]:
        return dict(self._session.sql(sql).first().asDict())

    def query(self, sql: str) -> "pd.DataFrame":
        return self._session.sql(sql).toPandas()

    def write(self, sql: str, folder: Path) -> None:
        """A query's rows as Parquet files of this machine, by their names in the query's order.

        The cluster's machines write them into the file system that they share, its driver fetches them from there.
        """
        shared = f"/tmp/slipway-{uuid4()}"  # noqa: S108
        self._session.sql(sql).write.parquet(shared)
        hadoop, settings = self._session._jvm.org.apache.hadoop.fs, self._session._jsc.hadoopConfiguration()
        written, here = hadoop.Path(shared), hadoop.Path(folder.resolve().as_uri())
        written.getFileSystem(settings).copyToLocalFile(True, written, here, True)
