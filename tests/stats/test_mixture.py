"""Start-time mixtures against a direct sum over all starts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.stats.mixture import Mixture, log_mean, log_sum


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-1, 0)), max_size=8), st.floats(0.01, 1))
def test_the_late_part_is_the_sum_over_starts(steps: list[tuple[float, float]], late_share: float) -> None:
    state = Mixture.none(1)
    for gain, waiting in steps:
        state = state + Mixture.step([gain], waiting)
    waiting_mass, late = 1.0, 0.0
    for i, (_, waiting) in enumerate(steps):
        joins = waiting_mass * -math.expm1(waiting)
        late += joins * math.exp(math.fsum(gain for gain, _ in steps[i + 1 :]))
        waiting_mass *= math.exp(waiting)
    early = math.exp(math.fsum(gain for gain, _ in steps))
    expected = (1 - late_share) * early + late_share * (late + waiting_mass)
    assert math.exp(state.log_e(late_share)) == pytest.approx(expected)


def test_nothing_seen_is_evidence_one_and_joins_without_a_trace() -> None:
    state = Mixture.step([0.3, -0.2], -0.01)
    assert Mixture.none(2).log_e(0.5) == pytest.approx(0)
    assert Mixture.none(2) + state == state == state + Mixture.none(2)


def test_sums_of_logarithms_survive_any_size() -> None:
    assert log_sum([5000.0, 5000.0]) == pytest.approx(5000 + math.log(2))
    assert log_mean([-5000.0, -5000.0]) == pytest.approx(-5000)


def test_stretches_with_other_alternatives_are_refused() -> None:
    with pytest.raises(ValueError, match="later"):
        Mixture.none(1) + Mixture.none(2)
