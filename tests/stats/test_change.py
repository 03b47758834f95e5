"""e-detector: recursion, run length, delay; calibration of p-values."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from slipway import codec
from slipway.stats.change import EDetector, bet_factors, log_e_from_p


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=15))
def test_the_statistic_is_the_sum_over_all_starts(factors: list[tuple[float, float]]) -> None:
    detector = EDetector.start(2)
    for pair in factors:
        detector = detector.update(pair)
    sums = [sum(math.exp(sum(f[j] for f in factors[start:])) for start in range(len(factors))) for j in (0, 1)]
    assert math.exp(detector.log_statistic) == pytest.approx(sum(sums) / 2)


def _alarm_time(rng: random.Random, run_length: float, change_at: int, most: int) -> int:
    detector = EDetector.start(3)
    for t in range(1, most + 1):
        value = float(rng.random() < (0.3 if t > change_at else 0.1))
        detector = detector.update(bet_factors(value, mean=0.1, reach=0.1, bets=(0.05, 0.1, 0.2)))
        if detector.alarm(run_length):
            return t
    return most


def test_false_alarms_are_no_more_frequent_than_promised() -> None:
    rng = random.Random(1)
    times = [_alarm_time(rng, 100, 10**9, 600) for _ in range(150)]
    assert sum(times) / len(times) >= 100


def test_a_late_change_is_found_soon() -> None:
    rng = random.Random(2)
    delays = [_alarm_time(rng, 1000, 400, 1500) - 400 for _ in range(60)]
    assert sum(delays) / len(delays) < 120


def test_the_calibrator_integrates_to_1_and_falls() -> None:
    """Over u = -ln p; beyond 700 the integrand is 1/u^2."""
    mass, _ = integrate.quad(lambda u: math.exp(log_e_from_p(math.exp(-u)) - u), 0, 700, limit=2000)
    assert mass + 1 / 700 == pytest.approx(1, abs=1e-5)
    values = [log_e_from_p(p) for p in (1e-9, 0.01, 0.5, 0.99985, 0.99995, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(math.log(0.5))


def test_state_survives_the_codec() -> None:
    detector = EDetector.start(2).update([0.1, -0.2])
    assert codec.loads(EDetector, codec.dumps(detector)) == detector


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: EDetector.start(0), "alternatives"),
        (lambda: EDetector.start(2).update([0.1]), "log_factors"),
        (lambda: EDetector.start(2).alarm(0.5), "run_length"),
        (lambda: bet_factors(0, mean=1, reach=0.5, bets=(0.1,)), "value"),
        (lambda: bet_factors(1, mean=1, reach=0, bets=(0.1,)), "reach"),
        (lambda: bet_factors(1, mean=1, reach=1, bets=(1.1,)), "bets"),
        (lambda: log_e_from_p(0), "p_value"),
    ],
)
def test_out_of_range_arguments_are_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
