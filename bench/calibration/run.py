"""Runs the rules on the families, in batches of runs spread over processes."""

import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.calibration.decisions import Cell
from bench.calibration.families import FAMILIES
from bench.calibration.rules import RULES
from bench.calibration.traffic import Traffic

BATCH = 20  # runs simulated together; bounds the memory, and makes the result independent of --jobs

Key = tuple[str, float, str]  # family, rate, rule


@dataclass(frozen=True)
class Task:
    family: str
    rate: float
    batch: int
    runs: int
    rules: tuple[str, ...]


def traffic(family: str, rate: float, batch: int, runs: int) -> Traffic:
    """Seeded by family, rate and batch: the same for every rule, and whatever else is run."""
    rng = np.random.default_rng([zlib.crc32(family.encode()), int(rate), batch])
    return Traffic.of(FAMILIES[family].world(rate, runs, rng), rng)


def work(task: Task) -> dict[Key, Cell]:
    seen = traffic(task.family, task.rate, task.batch, task.runs)
    return {(task.family, task.rate, rule): Cell.of(RULES[rule](seen), seen) for rule in task.rules}


def cells(families: list[str], rates: list[float], rules: list[str], runs: int, jobs: int) -> Iterator[dict[Key, Cell]]:
    """One family at one rate after the other, with all runs."""
    with ProcessPoolExecutor(jobs) as pool:
        tasks = [
            [
                pool.submit(work, Task(family, rate, batch, min(BATCH, runs - BATCH * batch), tuple(rules)))
                for batch in range(-(-runs // BATCH))
            ]
            for rate in rates
            for family in families
        ]
        for batches in tasks:
            found = [batch.result() for batch in batches]
            yield {key: Cell.joined([part[key] for part in found]) for key in found[0]}
