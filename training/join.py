"""A Spark job's script: captured requests joined with their labels, where one process can't hold the window.

    smspark-submit __main__.py join --columns N --since T --until T --cut T [--capture DIR] [--labels DIR] ...

`assemble.py --joined` makes the dataset of its output: the champion's image has what that needs, Spark's has not.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __package__:
    from training import engines, joined
else:  # in the container the files lie flat
    import engines
    import joined

if TYPE_CHECKING:
    import pandas as pd

ROWS, COUNTS = "rows", "counts.json"


def main(arguments: list[str]) -> dict[str, int]:
    """Returns the counts. Raises ValueError on arguments that can't be used."""
    base = Path("/opt/ml/processing")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("capture", "labels"):
        parser.add_argument(f"--{name}", type=Path, default=base / name)
    parser.add_argument("--output", type=Path, default=base / "joined")
    parser.add_argument("--columns", type=int, required=True, help="of a request")
    joined.add_arguments(parser)
    options = parser.parse_args(arguments)
    return write(_engine(), options.capture, options.labels, options.columns, joined.window(options), options.output)


def write(
    engine: engines.Spark, capture: Path, labels: Path, columns: int, window: joined.Window, output: Path
) -> dict[str, int]:
    """The joined rows as Parquet files, and the counts, into a folder."""
    counts = joined.match(engine, capture, labels, columns, window)
    output.mkdir(parents=True, exist_ok=True)
    engine.write(joined.rows(columns), output / ROWS)
    (output / COUNTS).write_text(json.dumps(counts) + "\n")
    return counts


def read(folder: Path, names: list[str]) -> tuple["pd.DataFrame", dict[str, int]]:
    """As `joined.join`. Raises ValueError where the folder does not hold what was counted."""
    import pandas as pd

    counts = json.loads((folder / COUNTS).read_text())
    rows = pd.concat(map(pd.read_parquet, sorted((folder / ROWS).glob("*.parquet"))), ignore_index=True)
    if len(rows) != counts["rows"]:
        raise ValueError(f"--joined {folder}: {len(rows)} rows, {counts['rows']} were counted")
    return joined.named(rows, names), counts


def _engine() -> engines.Spark:
    from pyspark.sql import SparkSession

    return engines.Spark(SparkSession.builder.appName("slipway-join").getOrCreate())


if __name__ == "__main__":
    counted = main(sys.argv[1:])
    sys.stdout.write(", ".join(f"{name}: {number}" for name, number in counted.items()) + "\n")
