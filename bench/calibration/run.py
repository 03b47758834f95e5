"""Runs the rules on the families, in batches of runs spread over processes."""

import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.calibration import labels
from bench.calibration.decisions import NEVER, Cell
from bench.calibration.families import FAMILIES, Family
from bench.calibration.quality import QUALITY_RULES
from bench.calibration.rules import RULES
from bench.calibration.traffic import Past, Traffic
from bench.calibration.unseen import UNSEEN

BATCH = 20  # runs simulated together; bounds the memory, and makes the result independent of the number of processes
SEED = 20_240_607

ALL: dict[str, Family] = FAMILIES | UNSEEN


@dataclass(frozen=True)
class Task:
    """A batch of runs of one family at one rate in requests/s."""

    family: str
    rate: float
    batch: int
    runs: int
    rules: tuple[str, ...]

    @property
    def rng(self) -> np.random.Generator:
        """Seeded by family, rate and batch: the same traffic for every rule, whatever else is run."""
        return np.random.default_rng([SEED, zlib.crc32(self.family.encode()), int(self.rate), self.batch])


def traffic(task: Task) -> Traffic:
    family, rng, before = ALL[task.family], task.rng, task.rng
    past = Past.of(family.past(task.rate, task.runs, before), before)
    return Traffic.of(family.world(task.rate, task.runs, rng), rng, past)


def judge_traffic(task: Task) -> dict[str, Cell]:
    seen = traffic(task)
    return {rule: Cell.of(RULES[rule](seen), seen) for rule in task.rules}


def judge_labels(task: Task) -> dict[str, list[int]]:
    """The minute of each run's rollback; labels are many, so runs are drawn one by one."""
    quality, minutes, rng = (
        next(q for q in labels.QUALITY if q.name == task.family),
        labels.HORIZON[task.rate],
        task.rng,
    )
    found: dict[str, list[int]] = {rule: [] for rule in task.rules}
    for _ in range(task.runs):
        seen = labels.draw(quality, task.rate, minutes, rng)
        for rule in task.rules:
            found[rule].append(QUALITY_RULES[rule](seen))
    return found


def traffic_rows(families: list[str], runs: dict[float, int], rules: list[str], jobs: int) -> Iterator[dict]:
    """One row for each rule on each family at each rate; runs: by rate."""
    with ProcessPoolExecutor(jobs) as pool:
        submitted = [
            (family, rate, [pool.submit(judge_traffic, task) for task in _tasks(family, rate, rules, runs[rate])])
            for rate in runs
            for family in families
        ]
        for family, rate, batches in submitted:
            found = _results(batches)
            for rule in rules:
                cell = Cell.joined([batch[rule] for batch in found])
                head = {"family": family, "rate": rate, "rule": rule, "guilty": ALL[family].guilty}
                yield head | cell.summary()


def quality_rows(runs: dict[float, int], jobs: int) -> Iterator[dict]:
    rules = list(QUALITY_RULES)
    with ProcessPoolExecutor(jobs) as pool:
        submitted = [
            (quality, rate, [pool.submit(judge_labels, task) for task in _tasks(quality.name, rate, rules, runs[rate])])
            for rate in runs
            for quality in labels.QUALITY
        ]
        for quality, rate, batches in submitted:
            found = _results(batches)
            for rule in rules:
                last = np.concatenate([batch[rule] for batch in found])
                head = {"family": quality.name, "rate": rate, "rule": rule, "guilty": quality.guilty}
                yield head | _quality_summary(last)


def _quality_summary(last: np.ndarray) -> dict[str, float | int | None]:
    hit = last != NEVER
    return {
        "runs": len(last),
        "roll_back": round(float(hit.mean()), 4),
        "minutes": float(np.median(last[hit] + 1)) if hit.any() else None,
        "within_2_h": round(float((hit & (last < 120)).mean()), 4),
    }


def _tasks(family: str, rate: float, rules: list[str], runs: int) -> list[Task]:
    starts = range(0, runs, BATCH)
    return [Task(family, rate, i, min(BATCH, runs - start), tuple(rules)) for i, start in enumerate(starts)]


def _results(batches: list[Future]) -> list[dict]:
    return [batch.result() for batch in batches]
