"""The bank's marketing contacts as models see them: numbers in, an event time a row. Reference: 2008; stream: after."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

TARGET, TIME = "y", "event_time"
STREAM = datetime(2009, 1, 1, tzinfo=UTC).timestamp()
EVERY = (
    4  # one row in four of 2008 is what the champion's traffic is compared with; of the others one in five validates
)


def coded(rows: pd.DataFrame) -> pd.DataFrame:
    """Categories as codes; TIME runs through each month in the order of its rows, in unix seconds."""
    table = rows.copy()
    for name in table.select_dtypes(exclude="number"):
        table[name] = table[name].astype("category").cat.codes.astype(int)
    months = zip(table["year"], table["month"], strict=True)
    begins = [datetime(int(year), int(month), 1, tzinfo=UTC).timestamp() for year, month in months]
    rank = table.groupby(["year", "month"]).cumcount()
    size = table.groupby(["year", "month"])[TARGET].transform("size")
    return table.assign(**{TIME: begins + 28 * 86400 * rank / size}).drop(columns=["year", "month"])


def slices(source: Path, folder: Path) -> dict[str, Path]:
    """`champion-train` and `champion-validation`, `healthy` (rows of the same months that the champion does not see)
    and `stream`, as Parquet below a folder."""
    table = coded(pd.read_parquet(source))
    reference, stream = table[table[TIME] < STREAM], table[table[TIME] >= STREAM]
    healthy = reference.iloc[EVERY - 1 :: EVERY]
    seen = reference.drop(healthy.index)
    validation = seen.iloc[EVERY :: EVERY + 1]
    parts = {"champion-train": seen.drop(validation.index), "champion-validation": validation}
    parts |= {"healthy": healthy, "stream": stream}
    files = {name: folder / name / "rows.parquet" for name in parts}
    for name, rows in parts.items():
        files[name].parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(files[name], index=False)
    return files
