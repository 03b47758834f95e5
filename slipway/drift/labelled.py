"""Labelled rows of the newest windows that have any: what their labels are, less what scores and baseline expect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.drift.calibration import Baseline
from slipway.drift.candidate import test
from slipway.drift.deviation import Deviation, Spread
from slipway.drift.findings import Window
from slipway.drift.profile import Labelled, Residual
from slipway.drift.residuals import Sight, sights

NONE = Residual()


@dataclass(frozen=True)
class Track:
    """One sight over the labelled windows, oldest first. usual: the baseline's residual; empty without labels."""

    residuals: tuple[Residual, ...]
    usual: Residual
    spread: Spread
    windows: int
    heaviest: float

    @classmethod
    def of(cls, baseline: Baseline, sight: Sight, spread: Spread, history: Sequence[Labelled]) -> "Track":
        residuals = tuple(sight.of(labelled) for labelled in history)
        return cls(residuals, sight.of(baseline.whole.labelled), spread, baseline.labelled_windows, sight.heaviest)

    def newest(self, windows: int, less: int = 0) -> Deviation | None:
        """Of that many windows together, but for so many newest of them."""
        block = self.residuals[-windows : len(self.residuals) - less]
        return deviation(block, self.usual, self.spread, self.windows, self.heaviest)


def lasting(baseline: Baseline, history: Sequence[Labelled], scales: Sequence[int], alpha: float) -> list[int]:
    """The scales but those whose block holds a change that is over where it shows best.

    A change moves a little wherever rare labels are, and somewhere it seems to last by chance.
    """
    seen = list(zip(sights(baseline.whole.labelled), baseline.residuals, strict=True))
    tracks = [Track.of(baseline, sight, spread, history) for sight, spread in seen]
    bar = alpha / max(1, len(scales)) / len(tracks)
    found = []
    for scale in scales:
        best = max(tracks, key=lambda track: _loudness(track.newest(scale)))
        if not any(c.over for c in test(best.newest, [scale], 0.0, bar)):
            found.append(scale)
    return found


def _loudness(deviation: Deviation | None) -> float:
    return deviation.loudness if deviation else 0.0


def labelled(history: Sequence[Window]) -> list[Labelled]:
    return [window.profile.labelled for window in history if window.profile.labelled.n]


def deviation(
    residuals: Sequence[Residual], usual: Residual, spread: Spread, windows: int, heaviest: float = 1.0
) -> Deviation | None:
    """Of the mean residual, in standard deviations of one label. windows: the baseline's, with labels. heaviest: what a
    label counts at most.

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
    skewness = heaviest * math.sqrt(max(0.0, 1 - 4 * row) / row)
    degrees = spread.degrees_over(effective)
    return Deviation(value, 1 / now.n + inverse, between, degrees, math.copysign(skewness / now.n**2, value))
