"""The bank's marketing stream as training jobs and the gate see it: numbers in, an event time a row."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sandbox import contacts, data
from training import compare, evaluate, train

GIVEN = ["--target", "y", "--time-column", "event_time"]
STOPPED = ("--num-round", "200", "--early-stopping-rounds", "20")


def month(text: str) -> float:
    """The first second of a month such as `2008-10`, as unix seconds."""
    return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).timestamp()


def stream() -> pd.DataFrame:
    """All rows, in their order."""
    return contacts.coded(pd.read_parquet(data.bank()))


def between(table: pd.DataFrame, since: str, until: str) -> pd.DataFrame:
    """Rows from the beginning of one month to the beginning of another."""
    return table[(table["event_time"] >= month(since)) & (table["event_time"] < month(until))]


def model(rows: pd.DataFrame, folder: Path, settings: tuple[str, ...] = STOPPED) -> evaluate.Artifact:
    """Trained by the job's script on the first four fifths; stopped early, and given its threshold, on the last."""
    cut = int(len(rows) * 0.8)
    for name, part in {"train": rows.iloc[:cut], "validation": rows.iloc[cut:]}.items():
        (folder / name).mkdir(parents=True)
        part.to_parquet(folder / name / "rows.parquet", index=False)
    channels = ["--train", str(folder / "train"), "--validation", str(folder / "validation")]
    train.main([*GIVEN, *settings, *channels, "--model-dir", str(folder / "model")])
    return evaluate.open_artifact(folder / "model")


def compared(
    champion: evaluate.Artifact, window: pd.DataFrame, folder: Path, settings: tuple[str, ...] = STOPPED
) -> dict:
    """A challenger trained on the first 70 % of a window, and compared with the champion on the rest."""
    cut = int(np.ceil(len(window) * 0.7))
    challenger = model(window.iloc[:cut], folder, settings)
    (folder / "holdout").mkdir()
    window.iloc[cut:].to_parquet(folder / "holdout" / "rows.parquet", index=False)
    return compare.compare(challenger, champion, folder / "holdout")
