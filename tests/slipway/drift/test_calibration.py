"""What a baseline's own windows show: chance alone, shocks, drifting windows, hours of the day."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.drift_quality.counting import Counter, Rows
from slipway import codec
from slipway.drift.between import Miss, correlation_of
from slipway.drift.calibration import Baseline, learn
from slipway.drift.contrasts import Look, contrasts
from slipway.drift.detect import detect
from slipway.drift.deviation import Spread
from slipway.drift.findings import Remedy, Window
from slipway.drift.profile import Column
from slipway.drift.reference import Feature
from slipway.drift.seasons import Cycle
from tests.slipway.drift.conftest import HOUR, START, World, alarming, in_hours

ROWS = 500


def _plain(numbers: np.ndarray, at: tuple[float, float] | None = None) -> Rows:
    return Rows(numbers, np.zeros((len(numbers), 0), int), at=at)


def _learn(means: np.ndarray, rng: np.random.Generator, *, times: bool = False) -> tuple[Counter, Baseline]:
    """means: [windows, features], in standard deviations of a row."""
    numbers = [mean + rng.normal(size=(ROWS, means.shape[1])) for mean in means]
    counter = Counter.of(_plain(np.concatenate(numbers)), [f"x{i}" for i in range(means.shape[1])], [])
    at = [(START + i * HOUR, START + i * HOUR + HOUR - 1) if times else None for i in range(len(means))]
    profiles = [counter.profile(_plain(n, when)) for n, when in zip(numbers, at, strict=True)]
    return counter, learn(counter.reference, in_hours(profiles))


def _spread(baseline: Baseline, i: int) -> Spread:
    looks = contrasts(baseline.features[i], baseline.whole.columns[i])
    (spread,) = [s for c, s in zip(looks, baseline.spreads[i], strict=True) if c.look is Look.LOCATION]
    return spread


def _location(baseline: Baseline, i: int) -> tuple[float, float]:
    return _spread(baseline, i).between, _spread(baseline, i).correlation


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(lambda cells: sum(map(bool, cells)) > 1))
@settings(max_examples=50)
def test_ranks_are_standard_in_the_baseline(cells: list[int]) -> None:
    feature = Feature("x", edges=tuple(map(float, range(len(cells) - 1))))
    contrast = next(c for c in contrasts(feature, Column(tuple(cells))) if c.look is Look.LOCATION)
    shares = np.array(cells) / sum(cells)
    assert contrast.mean(Column(tuple(cells)))[1] == pytest.approx(0, abs=1e-9)
    assert shares @ np.square(contrast.weights) == pytest.approx(1)


def test_windows_that_differ_by_chance_alone_show_nothing_between_them() -> None:
    _, baseline = _learn(np.zeros((40, 8)), np.random.default_rng(1))
    assert max(_location(baseline, i)[0] for i in range(8)) < 1.2 / ROWS


def test_the_variance_between_windows_is_found_feature_by_feature() -> None:
    rng = np.random.default_rng(2)
    means = rng.normal(size=(60, 8)) * [0, 0, 0, 0, 0, 0, 0.3, 0.3]
    _, baseline = _learn(means, rng)
    for i in (6, 7):
        assert _location(baseline, i)[0] == pytest.approx(0.3**2, rel=0.5)
    assert _location(baseline, 0)[0] < 0.01


def test_neighbours_that_drift_together_are_seen_to() -> None:
    rng = np.random.default_rng(3)
    means = np.zeros((60, 8))
    for i in range(1, 60):
        means[i] = 0.8 * means[i - 1] + 0.6 * rng.normal(size=8) * 0.3
    _, drifting = _learn(means, rng)
    _, shocked = _learn(rng.normal(size=(60, 8)) * 0.3, rng)
    assert _location(drifting, 0)[1] > 0.6 > 0.3 > _location(shocked, 0)[1]


def test_something_slow_among_what_changes_fast_is_seen_in_a_week_of_hours() -> None:
    rng = np.random.default_rng(7)
    slow = np.zeros((168, 8))
    for i in range(1, 168):
        slow[i] = 0.97 * slow[i - 1] + math.sqrt(1 - 0.97**2) * rng.normal(size=8) * 0.2
    _, baseline = _learn(slow + rng.normal(size=(168, 8)) * 0.2, rng)
    _, fast = _learn(rng.normal(size=(168, 8)) * 0.2, rng)
    assert _location(baseline, 0)[1] > 0.8 > 0.2 > _location(fast, 0)[1]


def test_means_with_heavy_tails_are_known_by_them_and_normal_ones_are_not() -> None:
    rng = np.random.default_rng(9)
    _, normal = _learn(rng.normal(size=(168, 8)) * 0.2, rng)
    _, heavy = _learn(rng.standard_t(3, size=(168, 8)) * 0.2, rng)
    assert _spread(normal, 0).kurtosis == 0.0 and _spread(normal, 0).degrees_over(1) > 100
    assert _spread(heavy, 0).kurtosis > 1.5 and 4 < _spread(heavy, 0).degrees_over(1) < 8
    assert _spread(heavy, 0).degrees_over(32) > 4 * _spread(heavy, 0).degrees_over(1)


@pytest.mark.parametrize("volumes", [(20, 1000), (5, 5000)])
def test_windows_of_few_rows_say_little_about_those_of_many(volumes: tuple[int, int]) -> None:
    rng = np.random.default_rng(8)
    rows = [volumes[i % 3 == 0] for i in range(60)]
    windows = [rng.normal(size=8) * 0.1 + rng.normal(size=(n, 8)) for n in rows]
    counter = Counter.of(_plain(np.concatenate(windows)), [f"x{i}" for i in range(8)], [])
    baseline = learn(counter.reference, in_hours([counter.profile(_plain(window)) for window in windows]))
    found = [_location(baseline, i)[0] for i in range(8)]
    assert sum(found) / 8 == pytest.approx(0.1**2, rel=0.4)


@pytest.mark.parametrize(("drifts", "seed"), [(False, 4), (True, 5), (True, 6)])
def test_windows_that_vary_as_the_baselines_did_alarm_nobody(drifts: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    means = np.zeros((70, 8))
    for i in range(70):
        means[i] = (0.7 * means[i - 1] if drifts else 0.0) + rng.normal(size=8) * 0.2
    counter, baseline = _learn(means[:40], rng)
    profiles = [counter.profile(_plain(mean + rng.normal(size=(ROWS, 8)))) for mean in means[40:]]
    for n in range(1, len(profiles) + 1):
        assert not alarming(detect(baseline, in_hours(profiles[:n]), now=START + n * HOUR))


def test_fewer_than_twenty_windows_are_called_uncalibrated_and_only_large_shifts_alarm(world: World) -> None:
    rng = np.random.default_rng(7)
    counter, few = _learn(np.zeros((7, 3)), rng)
    assert not few.calibrated
    small, large = (in_hours([counter.profile(_plain(by + rng.normal(size=(5000, 3))))]) for by in (0.08, 1.5))
    seen = detect(few, small, now=START)
    assert not alarming(seen)
    assert any(limit.startswith("uncalibrated: the baseline has 7 windows") for limit in seen.limits)
    assert alarming(detect(few, large, now=START))


def _days(days: int, rng: np.random.Generator) -> np.ndarray:
    """A mean that is two standard deviations higher by day than by night."""
    hours = np.arange(24 * days) % 24
    return np.repeat(((hours >= 8) & (hours < 20))[:, None] * 2.0, 3, axis=1)


def test_day_and_night_are_compared_like_with_like_once_the_baseline_has_three_days() -> None:
    rng = np.random.default_rng(8)
    counter, baseline = _learn(_days(4, rng), rng, times=True)
    assert baseline.cycle is Cycle.DAY
    history = []
    for i, mean in enumerate(_days(1, rng)):
        at = START + 30 * 86400 + i * HOUR
        history.append(Window(at, at + HOUR, counter.profile(_plain(mean + rng.normal(size=(ROWS, 3))))))
        assert not alarming(detect(baseline, history, now=at + HOUR))
    night_as_by_day = counter.profile(_plain(2.0 + rng.normal(size=(ROWS, 3))))
    at = history[-1].until
    found = alarming(detect(baseline, [*history, Window(at, at + HOUR, night_as_by_day)], now=at + HOUR))
    assert {finding.subject for finding in found} == {"x0", "x1", "x2"}


def test_one_day_of_baseline_is_silent_about_the_night_and_says_so() -> None:
    rng = np.random.default_rng(9)
    counter, baseline = _learn(_days(1, rng), rng, times=True)
    assert baseline.cycle is Cycle.NONE
    history = []
    for i, mean in enumerate(_days(1, rng)):
        at = START + 86400 + i * HOUR
        history.append(Window(at, at + HOUR, counter.profile(_plain(mean + rng.normal(size=(ROWS, 3))))))
    drift = detect(baseline, history, now=at + HOUR)
    assert not alarming(drift)
    assert any("needs three days" in limit for limit in drift.limits)


def test_hours_that_are_all_alike_are_not_told_apart() -> None:
    rng = np.random.default_rng(10)
    assert _learn(np.zeros((96, 3)), rng, times=True)[1].cycle is Cycle.NONE


def test_a_baseline_of_other_windows_is_refused(world: World) -> None:
    (window,) = world.windows(None)
    foreign = replace(window, profile=replace(window.profile, reference="other"))
    with pytest.raises(ValueError, match="windows: counted by other, not by bench"):
        learn(world.counter.reference, [foreign])
    with pytest.raises(ValueError, match="windows: a baseline needs at least one"):
        learn(world.counter.reference, [])


def test_a_baseline_can_be_kept(world: World) -> None:
    assert codec.loads(Baseline, codec.dumps(world.baseline)) == world.baseline
    assert world.judge(world.windows(None)).remedy is Remedy.NOTHING


@pytest.mark.parametrize("windows", [60, 168])
def test_chance_among_rows_alone_is_no_correlation_of_windows(windows: int) -> None:
    rng = np.random.default_rng(10)
    for _ in range(20):
        series = [[Miss(value, 0.01, 1.0) for value in rng.normal(size=windows) * 0.1] for _ in range(10)]
        assert correlation_of(series) < 0.5
