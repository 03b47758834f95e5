"""A small world: three numbers, a category, a score that is right about its label, and windows of a thousand rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bench.drift_quality.counting import Counter, Rows
from slipway.drift.calibration import Baseline, learn
from slipway.drift.detect import detect
from slipway.drift.findings import Drift, Finding, Window
from slipway.drift.profile import Profile

HOUR = 3600.0
START = 1_700_000_000.0 // 86400 * 86400
LEVELS = ("red", "green", "blue", "rare")
Change = Callable[[Rows, np.random.Generator], Rows]


@dataclass
class World:
    counter: Counter
    baseline: Baseline
    rng: np.random.Generator

    def profile(self, change: Change | None = None, n: int = 1000, *, labels: bool = False) -> Profile:
        rows = draw(n, self.rng)
        rows = change(rows, self.rng) if change else rows
        return self.counter.profile(rows if labels else replace(rows, labels=None))

    def windows(self, *changes: Change | None, n: int = 1000, labels: bool = False) -> list[Window]:
        profiles = [self.profile(change, n, labels=labels) for change in changes]
        return in_hours(profiles)

    def judge(self, history: Sequence[Window], **more: object) -> Drift:
        now = history[-1].until if history else START
        return detect(self.baseline, history, now=now, **more)  # type: ignore[arg-type]


def in_hours(profiles: Sequence[Profile]) -> list[Window]:
    return [Window(START + i * HOUR, START + (i + 1) * HOUR, p, p.records) for i, p in enumerate(profiles)]


def draw(n: int, rng: np.random.Generator) -> Rows:
    numbers = rng.normal(size=(n, 3)) * [1.0, 5.0, 1.0] + [0.0, 50.0, 0.0]
    numbers[:, 2] = np.round(np.exp(numbers[:, 2]))  # whole numbers, many of them alike
    scores = 1 / (1 + np.exp(-(numbers[:, 0] - 1)))
    labels = (rng.random(n) < scores).astype(float)
    return Rows(numbers, rng.choice(4, p=[0.5, 0.3, 0.19, 0.01], size=(n, 1)), scores, labels)


def alarming(drift: Drift) -> list[Finding]:
    return [finding for finding in drift.findings if finding.alarming]


def number(column: int, how: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Change:
    def change(rows: Rows, rng: np.random.Generator) -> Rows:
        numbers = rows.numbers.copy()
        numbers[:, column] = how(numbers[:, column], rng)
        return replace(rows, numbers=numbers)

    return change


def shift(column: int, by: float) -> Change:
    return number(column, lambda values, _: values + by)


def relabel(how: Callable[[Rows, np.random.Generator], np.ndarray]) -> Change:
    return lambda rows, rng: replace(rows, labels=how(rows, rng))


@pytest.fixture(scope="session")
def learned() -> tuple[Counter, Baseline]:
    rng = np.random.default_rng(7)
    parts = [draw(1000, rng) for _ in range(24)]
    whole = Rows(*(np.concatenate([getattr(p, kind) for p in parts]) for kind in ("numbers", "levels", "scores")))
    counter = Counter.of(whole, ["amount", "age", "visits", "colour"], [LEVELS], [0.5, 0.2, 0.2, 0.1])
    return counter, learn(counter.reference, in_hours([counter.profile(part) for part in parts]))


@pytest.fixture
def world(learned: tuple[Counter, Baseline]) -> World:
    return World(*learned, np.random.default_rng(11))
