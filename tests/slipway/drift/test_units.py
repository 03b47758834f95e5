"""Another unit shows in the size of the numbers, even where the baseline's windows differ so much that shapes don't."""

from dataclasses import replace

import numpy as np
import pytest

from bench.drift_quality.counting import Counter, Rows
from slipway.drift.calibration import learn
from slipway.drift.detect import detect
from slipway.drift.findings import Cause, Finding, Remedy, Settings, Window
from tests.slipway.drift.conftest import START, World, alarming, in_hours

Values = np.ndarray


def _watch(baseline: list[Values], later: list[Values]) -> tuple[list[Finding], Remedy]:
    """Alarms on one number, in the newest of the later windows."""
    counter = Counter.of(_rows(np.concatenate(baseline)), ["amount"], [])

    def windows(parts: list[Values]) -> list[Window]:
        return in_hours([counter.profile(_rows(part)) for part in parts])

    drift = detect(learn(counter.reference, windows(baseline)), windows(later), now=START, settings=Settings())
    return alarming(drift), drift.remedy


def _rows(values: Values) -> Rows:
    return Rows(values[:, None], np.zeros((len(values), 0), int))


def _wandering(rng: np.random.Generator, windows: int, n: int = 1000) -> list[Values]:
    """Now and then a window has a distribution of its own."""
    return [rng.standard_t(4, n) - (4 if i % 8 == 5 else 0) for i in range(windows)]


DRAWS = {
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "heavier tails": lambda rng, n: rng.pareto(0.6, n),
    "amounts": lambda rng, n: rng.lognormal(3, 2, n),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.8, 0, rng.lognormal(0, 1.5, n)),
    "nearly all zero": lambda rng, n: np.where(rng.random(n) < 0.97, 0, rng.lognormal(0, 1.5, n)),
    "hardly ever above zero": lambda rng, n: (rng.random(n) < 0.002).astype(float),
    "all zero": lambda rng, n: np.zeros(n),
    "constant": lambda rng, n: np.full(n, 7.0),
    "yes or no": lambda rng, n: (rng.random(n) < 0.3).astype(float),
}


@pytest.mark.parametrize("factor", [0.01, 100])
def test_a_factor_shows_in_a_column_whose_own_windows_wander(factor: float) -> None:
    rng = np.random.default_rng(1)
    (found,), remedy = _watch(_wandering(rng, 48), [part * factor for part in _wandering(rng, 3)])
    assert (found.cause, found.subject, remedy) == (Cause.UNITS, "amount", Remedy.REPAIR_DATA)
    assert found.p_value is None and found.effect >= found.floor


@pytest.mark.parametrize("factor", [0.001, 1000])
@pytest.mark.parametrize("name", ["amounts", "mostly zero", "constant", "yes or no"])
def test_a_factor_shows_whatever_the_distribution(name: str, factor: float) -> None:
    rng = np.random.default_rng(2)
    found, _ = _watch([DRAWS[name](rng, 1000) for _ in range(24)], [DRAWS[name](rng, 1000) * factor])
    assert [finding.cause for finding in found] == [Cause.UNITS]


@pytest.mark.parametrize("n", [250, 1000, 20_000])
@pytest.mark.parametrize("name", DRAWS)
def test_healthy_windows_of_any_size_keep_their_unit(name: str, n: int) -> None:
    rng = np.random.default_rng(3)
    baseline = [DRAWS[name](rng, 1000) for _ in range(24)]
    for _ in range(8):
        assert not _watch(baseline, [DRAWS[name](rng, n)])[0]


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("outlier", [1e6, 1e200])
def test_a_few_outliers_are_no_other_unit(outlier: float) -> None:
    rng = np.random.default_rng(4)
    later = rng.normal(size=1000)
    later[:5] = outlier
    assert not _watch([rng.normal(size=1000) for _ in range(24)], [later])[0]


@pytest.mark.parametrize(
    ("usual", "now"),
    [
        (lambda rng, n: np.zeros(n), lambda rng, n: rng.random(n)),
        (lambda rng, n: rng.random(n), lambda rng, n: np.zeros(n)),
        (lambda rng, n: (rng.random(n) < 0.001).astype(float), lambda rng, n: (rng.random(n) < 0.5).astype(float)),
        (lambda rng, n: (rng.random(n) < 0.5).astype(float), lambda rng, n: (rng.random(n) < 0.002).astype(float)),
    ],
)
def test_zeros_that_come_or_go_are_no_other_unit(usual: object, now: object) -> None:
    rng = np.random.default_rng(5)
    found, _ = _watch([usual(rng, 2000) for _ in range(24)], [now(rng, 2000)])  # type: ignore[operator]
    assert Cause.UNITS not in {finding.cause for finding in found}


def test_the_alarm_ends_with_the_fault() -> None:
    rng = np.random.default_rng(6)
    baseline, later = _wandering(rng, 48), _wandering(rng, 4)
    assert not _watch(baseline, [*(part * 100 for part in later[:3]), later[3]])[0]


def test_windows_of_few_rows_are_looked_at_together() -> None:
    rng = np.random.default_rng(7)
    baseline, broken = _wandering(rng, 48, 50), [part * 100 for part in _wandering(rng, 4, 50)]
    assert [finding.scale for finding in _watch(baseline, broken)[0] if finding.p_value is None] == [4]
    assert not [finding for finding in _watch(baseline, broken[:3])[0] if finding.p_value is None]


def test_a_unit_that_is_over_calls_for_no_retraining_by_the_scores_it_gave(world: World) -> None:
    def cents(rows: Rows, rng: np.random.Generator) -> Rows:
        assert rows.scores is not None
        moved = np.clip(rows.scores + 0.016, 0, 1)
        return replace(rows, numbers=rows.numbers * [100.0, 1.0, 1.0], scores=moved)

    history = world.windows(*[None] * 2, *[cents] * 8, *[None] * 6)
    assert world.judge(history[:10]).remedy is Remedy.REPAIR_DATA
    assert {world.judge(history[:end]).remedy for end in range(11, 17)} == {Remedy.NOTHING}
