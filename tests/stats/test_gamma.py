"""The gamma distribution's tail against SciPy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slipway.stats import gamma


@given(st.floats(1e-6, 1000), st.floats(1e-8, 2000))
def test_the_upper_tail(shape: float, x: float) -> None:
    expected = stats.gamma.sf(x, shape)
    assert gamma.upper(shape, x) == pytest.approx(expected, rel=1e-7, abs=1e-290)


def test_everything_is_above_nothing() -> None:
    assert gamma.upper(0.5, 0.0) == gamma.upper(0.5, -1.0) == 1.0
    with pytest.raises(ValueError, match="shape"):
        gamma.upper(0.0, 1.0)
