"""Traffic to watch: made up, and two real data sets. Each gives a baseline's windows, healthy ones, and faulty ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.drift_quality.counting import Counter, Rows, are_whole
from sandbox import data

Draw = Callable[[int, np.random.Generator], Rows]
Fault = Callable[[Rows, np.random.Generator], Rows]
NUMBERS, CATEGORIES, LEVELS = 30, 5, 8


@dataclass(frozen=True)
class World:
    """baseline: its rows in order. draw: healthy rows. shifted: the column that faults touch, and its deviation."""

    name: str
    names: list[str]
    levels: list[list[str]]
    baseline: Callable[[int, np.random.Generator], Rows]
    draw: Draw
    shifted: int
    sigma: float

    def counter(self, rows: Rows) -> Counter:
        importance = [0.5 if i == self.shifted else 0.0 for i in range(len(self.names))]
        return Counter.of(rows, self.names, self.levels, importance)


def synthetic() -> World:
    """30 normal numbers, two of them correlated, and 5 categories of 8 levels from common to rare."""
    names = [f"x{i}" for i in range(NUMBERS)] + [f"c{i}" for i in range(CATEGORIES)]
    shares = np.array([0.4, 0.25, 0.12, 0.1, 0.06, 0.04, 0.02, 0.01])

    def draw(n: int, rng: np.random.Generator) -> Rows:
        numbers = rng.normal(size=(n, NUMBERS))
        numbers[:, 1] = 0.7 * numbers[:, 0] + np.sqrt(1 - 0.49) * numbers[:, 1]
        return Rows(numbers, rng.choice(LEVELS, p=shares, size=(n, CATEGORIES)))

    return World("synthetic", names, [[f"level{i}" for i in range(LEVELS)]] * CATEGORIES, draw, draw, 0, 1.0)


def fraud() -> World:
    """Real marginals: rows drawn from the card transactions of two days, out of their order."""
    table = pd.read_parquet(data.fraud(), columns=data.FRAUD_FEATURES).to_numpy()
    levels = np.zeros((len(table), 0), int)
    return _resampled("fraud", Rows(table, levels), list(data.FRAUD_FEATURES), [], data.FRAUD_FEATURES.index("V4"))


def bank() -> World:
    """The same of the bank's contacts of 2008: few distinct numbers, many ties, eight categories."""
    rows, names, levels = bank_rows(2008, 2008)
    return _resampled("bank", rows, names, levels, names.index("age"))


def _resampled(name: str, rows: Rows, names: list[str], levels: list[list[str]], shifted: int) -> World:
    def draw(n: int, rng: np.random.Generator) -> Rows:
        return rows.take(rng.integers(len(rows), size=n))

    return World(name, names, levels, draw, draw, shifted, float(rows.numbers[:, shifted].std()))


def bank_rows(first: int, last: int) -> tuple[Rows, list[str], list[list[str]]]:
    """Contacts of those years in order; the label is `y`. Known levels are those of all years."""
    table = pd.read_parquet(data.bank())
    features = [column for column in table if column not in ("y", "year", "month")]
    numbers = [column for column in features if pd.api.types.is_numeric_dtype(table[column])]
    categories = [column for column in features if column not in numbers]
    levels = [sorted(table[column].unique()) for column in categories]
    kept = table[table["year"].between(first, last)]
    codes = [pd.Categorical(kept[c], categories=known).codes for c, known in zip(categories, levels, strict=True)]
    rows = Rows(kept[numbers].to_numpy(float), np.array(codes, int).T, labels=kept["y"].to_numpy(float))
    return rows, numbers + categories, levels


def fraud_in_order() -> tuple[Rows, np.ndarray]:
    """All transactions in order, and their times in seconds."""
    table = pd.read_parquet(data.fraud())
    numbers = table[data.FRAUD_FEATURES].to_numpy()
    rows = Rows(numbers, np.zeros((len(table), 0), int), labels=table["Class"].to_numpy(float))
    return rows, table["Time"].to_numpy()


def faults(world: World) -> dict[str, Fault]:
    """What is done to a healthy window, by name. Categories fall away where a world has none."""
    j, sigma = world.shifted, world.sigma

    def shift(by: float) -> Fault:
        def shifted(rows: Rows, rng: np.random.Generator) -> Rows:
            """Whole numbers stay whole, each row by the next lower or higher one."""
            values = rows.numbers[:, j]
            added = np.floor(by * sigma + rng.random(len(rows))) if are_whole(values) else by * sigma
            return _with(rows, j, values + added)

        return shifted

    def nulls(rows: Rows, rng: np.random.Generator) -> Rows:
        return _with(rows, j, np.where(rng.random(len(rows)) < 0.05, np.nan, rows.numbers[:, j]))

    def new_level(rows: Rows, rng: np.random.Generator) -> Rows:
        levels = rows.levels.copy()
        levels[rng.random(len(rows)) < 0.05, 0] = -1
        return replace(rows, levels=levels)

    def correlation(rows: Rows, rng: np.random.Generator) -> Rows:
        """Each column keeps its values, and loses the others."""
        return _with(rows, j, rng.permutation(rows.numbers[:, j]))

    found: dict[str, Fault] = {f"shift {by:g} sigma": shift(by) for by in (0.05, 0.1, 0.2, 0.5)}
    found |= {"nulls 5 %": nulls, "units x100": lambda rows, _: _with(rows, j, rows.numbers[:, j] * 100)}
    if world.levels:
        found["new category 5 %"] = new_level
    return found | {"correlation only": correlation}


def _with(rows: Rows, j: int, values: np.ndarray) -> Rows:
    numbers = rows.numbers.copy()
    numbers[:, j] = values
    return replace(rows, numbers=numbers)
