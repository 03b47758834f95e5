"""Labelled rows of the newest windows that have any: what their labels are, less what scores and baseline expect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.drift.calibration import Baseline
from slipway.drift.deviation import Deviation, Spread
from slipway.drift.findings import Window
from slipway.drift.profile import Labelled, Residual
from slipway.drift.residuals import Sight

NONE = Residual()


@dataclass(frozen=True)
class Track:
    """One sight over the labelled windows, oldest first. usual: the baseline's residual; empty without labels."""

    residuals: tuple[Residual, ...]
    usual: Residual
    spread: Spread
    windows: int

    @classmethod
    def of(cls, baseline: Baseline, sight: Sight, spread: Spread, history: Sequence[Labelled]) -> "Track":
        residuals = tuple(sight.of(labelled) for labelled in history)
        return cls(residuals, sight.of(baseline.whole.labelled), spread, baseline.labelled_windows)

    def newest(self, windows: int) -> Deviation | None:
        return deviation(self.residuals[-windows:], self.usual, self.spread, self.windows)


def labelled(history: Sequence[Window]) -> list[Labelled]:
    return [window.profile.labelled for window in history if window.profile.labelled.n]


def deviation(residuals: Sequence[Residual], usual: Residual, spread: Spread, windows: int) -> Deviation | None:
    """Of the mean residual, in standard deviations of one label. windows: the baseline's, with labels.

    Labels are about Bernoulli: where the baseline's rate is beside the score, so is its variance.
    """
    now = sum(residuals, NONE)
    if not (now.n and now.variance > 0) or (windows and not usual.n):
        return None
    expected = usual.total / usual.n if usual.n else 0.0
    row = now.variance / now.n + abs(expected)
    inverse = 1 / usual.n if usual.n else 0.0
    effective = now.n**2 / sum(residual.n**2 for residual in residuals)
    between = spread.over(effective) + (spread.over(windows) if windows else 0.0)
    value = (now.total / now.n - expected) / math.sqrt(row)
    # Which tail is the long one depends on scores that were not kept: both are taken for it.
    skewness = math.sqrt(max(0.0, 1 - 4 * row) / row)
    return Deviation(value, 1 / now.n + inverse, between, spread.degrees, math.copysign(skewness / now.n**2, value))
