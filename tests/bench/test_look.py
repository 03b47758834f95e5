"""The state a look writes does not grow; its time is the bench's to measure."""

import numpy as np
import pytest

from bench.look import begun, minute
from slipway import codec


@pytest.mark.parametrize(("rate", "length"), [(1, 1000), (10_000, 60), (10_000, 1000)])
def test_the_ledgers_item_grows_neither_with_traffic_nor_with_history(rate: int, length: int) -> None:
    def size(rate: int, length: int) -> int:
        rng = np.random.default_rng(3)
        return len(codec.dumps(begun([minute(rng, at, rate) for at in range(length)])))

    assert size(rate, length) < 1.1 * size(1, 60)
