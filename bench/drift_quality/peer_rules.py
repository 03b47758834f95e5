"""Run by the peers' own Python: which windows Evidently, NannyML and alibi-detect flag, each with its defaults.

python peer_rules.py FOLDER: reads FOLDER/reference.npz and the windows beside it (numbers and level codes).
Prints JSON: by rule, the windows' flags in order of their names.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

EVIDENTLY_ROWS = 300_000


def main() -> None:
    *paths, last = sorted(Path(sys.argv[1]).glob("*.npz"))
    reference, windows = _table(last), [_table(path) for path in paths]
    print(json.dumps({name: rule(reference, windows) for name, rule in RULES.items()}))


def evidently(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> list[bool]:
    """Any column. (The dataset's flag needs half of them.) It takes a minute a window at a million rows, so of a larger
    reference it gets the first part."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    kinds = DataDefinition(
        numerical_columns=[c for c in reference if c.startswith("n")],
        categorical_columns=[c for c in reference if c.startswith("c")],
    )
    old = Dataset.from_pandas(reference[:EVIDENTLY_ROWS], data_definition=kinds)
    flags = []
    for window in windows:
        new = Dataset.from_pandas(window, data_definition=kinds)
        metrics = Report([DataDriftPreset()]).run(new, old).dict()["metrics"]
        drifted = next(m["value"]["count"] for m in metrics if "DriftedColumnsCount" in str(m))
        flags.append(drifted > 0)
    return flags


def nannyml(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> list[bool]:
    import nannyml

    size = len(windows[0])
    columns = list(reference)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns, treat_as_categorical=[c for c in columns if c.startswith("c")], chunk_size=size
    )
    calculator.fit(reference)
    table = calculator.calculate(pd.concat(windows, ignore_index=True)).filter(period="analysis").to_df()
    alerts = table.loc[:, table.columns.get_level_values(-1) == "alert"]
    return [bool(flag) for flag in alerts.any(axis=1)]


def alibi(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> list[bool]:
    from alibi_detect.cd import TabularDrift

    categories = [i for i, c in enumerate(reference) if c.startswith("c")]
    old, flags = _filled(reference), []
    for window in map(_filled, windows):
        # It needs the levels beforehand, and refuses those that nobody has.
        known = {i: sorted({*old[:, i], *window[:, i]}) for i in categories}
        detector = TabularDrift(old, p_val=0.05, categories_per_feature=known or None)
        flags.append(bool(detector.predict(window)["data"]["is_drift"]))
    return flags


def _filled(table: pd.DataFrame) -> np.ndarray:
    return table.astype(float).fillna(-999.0).to_numpy()


def _table(path: Path) -> pd.DataFrame:
    stored = np.load(path)
    numbers, levels = stored["numbers"], stored["levels"]
    columns = {f"n{i}": numbers[:, i] for i in range(numbers.shape[1])}
    return pd.DataFrame(columns | {f"c{i}": levels[:, i].astype(str) for i in range(levels.shape[1])})


RULES = {"Evidently, any column": evidently, "NannyML": nannyml, "alibi-detect": alibi}

if __name__ == "__main__":
    main()
