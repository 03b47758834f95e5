"""One peer on Parquet files, in the peers' own environment: peer_case.py NAME REFERENCE CURRENT.

Reading the files counts, as it does for us; each is asked for univariate drift of every column by its defaults.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import measure  # a file beside this one: the project itself is not in this environment


def evidently() -> Callable[[str, str], int]:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def run(reference: str, current: str) -> int:
        tables = [pd.read_parquet(path) for path in (reference, current)]
        categories = [name for name in tables[0] if name.startswith("c")]
        numbers = [name for name in tables[0] if name not in categories]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
        before, now = (Dataset.from_pandas(table, data_definition=definition) for table in tables)
        return len(Report([DataDriftPreset()]).run(now, before).dict()["metrics"])

    return run


def nannyml() -> Callable[[str, str], int]:
    from nannyml import UnivariateDriftCalculator

    def run(reference: str, current: str) -> int:
        before, now = (pd.read_parquet(path) for path in (reference, current))
        calculator = UnivariateDriftCalculator(column_names=list(before.columns), chunk_number=1)
        return len(calculator.fit(before).calculate(now).to_df())

    return run


def whylogs() -> Callable[[str, str], int]:
    import whylogs as why

    def run(reference: str, current: str) -> int:
        """Its reference is a stored profile, as ours is: only the current table is profiled."""
        return len(why.log(pd.read_parquet(current)).view().get_columns())

    return run


if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    work = {"evidently": evidently, "nannyml": nannyml, "whylogs": whylogs}[name]()
    measure.report(lambda: work(*paths))
