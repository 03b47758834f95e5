"""What a minute and a look cost, and that neither grows with traffic or with history."""

import time

import numpy as np

from slipway import codec
from slipway.stats.rates import Cell, RateRatio

HISTORIES = {"60 minutes": 60, "3 weeks": 30_240}
ERROR_RATE = 0.005


def cost(requests_per_second: int, minutes: int) -> dict[str, float]:
    """CPU milliseconds of one minute's update and of one look, and bytes of state after `minutes`."""
    rng, n = np.random.default_rng(41), 60 * requests_per_second
    n_c = n // 20
    drawn = zip(rng.binomial(n_c, ERROR_RATE, minutes), rng.binomial(n - n_c, ERROR_RATE, minutes), strict=True)
    cells = [Cell(int(c), n_c, int(b), n - n_c) for c, b in drawn]
    started = time.process_time()
    state = RateRatio.start(clip=5.0)
    for cell in cells:
        state = state.update(cell)
    updated = time.process_time()
    for _ in range(100):
        state.harm_test(alpha=0.05)
        state.non_inferiority(alpha=0.05)
    looked = time.process_time()
    return {
        "requests_per_second": requests_per_second,
        "minutes": minutes,
        "update_ms": 1e3 * (updated - started) / minutes,
        "look_ms": 1e3 * (looked - updated) / 100,
        "state_bytes": len(codec.dumps(state)),
    }
