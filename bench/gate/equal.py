"""Challengers that are exactly as good as the champion: how often are they passed as better?

Both scores are the truth's probability with noise of the same law, so the expected difference in loss is 0. Noise is
independent by row, or shared by neighbours (a model that does well for hours and badly for hours).
"""

import numpy as np

from slipway import codec
from slipway.comparison import Measure
from slipway.gate import Settings
from training import metrics, resample

FAMILIES = {
    "independent rows": (0.2, 1),
    "2 % positive": (0.02, 1),
    "alike for 30 rows": (0.2, 30),
    "for 150": (0.2, 150),
}
ROWS = 4000


def passed(family: str, rng: np.random.Generator) -> bool:
    rate, alike = FAMILIES[family]
    logit = np.log(rate / (1 - rate)) + rng.normal(size=ROWS)
    truth = (rng.random(ROWS) < _probability(logit)).astype(float)
    losses = [metrics.log_losses(truth, _probability(logit + _noise(alike, rng))) for _ in range(2)]
    blocks = resample.Blocks.of(ROWS, rng)
    measure = codec.decode(Measure, blocks.mean(*losses))
    return measure.interval(Settings().alpha / 2, blocks.large)[1] < 0


def _noise(alike: int, rng: np.random.Generator) -> np.ndarray:
    """Its size, too, is shared by neighbours: that is what makes whole stretches better or worse."""
    stretches = -(-ROWS // alike)
    size = np.repeat(rng.gamma(1.0, size=stretches), alike)[:ROWS]
    return 0.5 * size * rng.normal(size=ROWS)


def _probability(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
