"""One peer on Parquet files, in the peers' own environment: peer_case.py NAME REFERENCE CURRENT.

Reading the files counts, as it does for us; each is asked for univariate drift of every column by its defaults. What
people build themselves of SciPy, polars, NumPy or sketches is here too; the last three keep a reference as counts, as
we do, and only count the current table.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import measure  # a file beside this one: the project itself is not in this environment


def evidently() -> Callable[[str, str], int]:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def run(reference: str, current: str) -> int:
        tables = [pd.read_parquet(path) for path in (reference, current)]
        categories = _categories(tables[0])
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


def alibi() -> Callable[[str, str], int]:
    from alibi_detect.cd import TabularDrift

    def run(reference: str, current: str) -> int:
        before, now = (pd.read_parquet(path) for path in (reference, current))
        categories = {at: None for at, name in enumerate(before) if name in _categories(before)}
        for name in _categories(before):
            levels = before[name].astype("category").cat.categories
            before[name], now[name] = (pd.Categorical(table[name], levels).codes for table in (before, now))
        detector = TabularDrift(before.to_numpy(float), p_val=0.05, categories_per_feature=categories)
        return len(detector.predict(now.to_numpy(float))["data"]["p_val"])

    return run


def scipy() -> Callable[[str, str], int]:
    from scipy import stats

    def run(reference: str, current: str) -> int:
        before, now = (pd.read_parquet(path) for path in (reference, current))
        found = [stats.ks_2samp(before[name], now[name]).pvalue for name in before if name not in _categories(before)]
        counts = [pd.DataFrame([t[name].value_counts() for t in (before, now)]) for name in _categories(before)]
        return len([*found, *(stats.chi2_contingency(table.fillna(0)).pvalue for table in counts)])

    return run


def polars(copies: int) -> Callable[[str, str], int]:
    import polars as pl

    def run(reference: str, current: str) -> int:
        names = pl.scan_parquet(reference).collect_schema()
        cuts = [-np.inf, *(at / 100 for at in range(-250, 250, 5)), np.inf]
        columns = {name: pl.col(name) for name in names}
        counts = [
            (column.value_counts() if names[name] == pl.String else column.hist(cuts)).implode()
            for name, column in columns.items()
        ]
        return pl.scan_parquet([current] * copies).select(counts).collect().width

    return run


def grid(copies: int) -> Callable[[str, str], int]:
    """Equal cells between a number's least and most, which are known from the reference: no search."""
    import pyarrow.parquet as pq

    cells = 4096

    def run(reference: str, current: str) -> int:
        found = 0
        for name in pq.read_schema(current).names * copies:
            column = pq.read_table(current, columns=[name])[name]
            if name.startswith("c"):
                found += len(column.value_counts()) > 0
            else:
                least, most = (0.0, 1.0) if name == "score" else (-6.0, 6.0)
                at = ((column.to_numpy() - least) * (cells / (most - least))).astype(np.int32)
                found += len(np.bincount(np.clip(at, 0, cells - 1), minlength=cells)) == cells
        return found

    return run


def kll() -> Callable[[str, str], int]:
    from datasketches import kll_doubles_sketch

    def run(reference: str, current: str) -> int:
        now = pd.read_parquet(current)
        sketches = {name: kll_doubles_sketch(200) for name in now if name not in _categories(now)}
        for name, sketch in sketches.items():
            sketch.update(now[name].to_numpy())
        return len(sketches) + sum(len(now[name].value_counts()) > 0 for name in _categories(now))

    return run


def _categories(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.startswith("c")]


CASES = {
    "evidently": evidently,
    "nannyml": nannyml,
    "whylogs": whylogs,
    "alibi-detect": alibi,
    "scipy KS": scipy,
    "KLL sketches": kll,
    "numpy grid": lambda: grid(1),
    "numpy grid x10": lambda: grid(10),
    "polars": lambda: polars(1),
    "polars x10": lambda: polars(10),
}

if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    work = CASES[name]()
    measure.report(lambda: work(*paths))
