"""Small shifts of latency that last, judged against what the baseline's latency does by itself.

A variant's latency drifts (hosts, neighbours, caches), and so slowly that the minutes of a block, and neighbouring
blocks, drift together: tests that take requests, or minutes, for independent call that drift a regression. So one block
of minutes is one observation: the log ratio of the two medians. Its scale is taken from how the baseline's own blocks
vary, in the day before the release and since; and each block's likelihood ratio is cut off, so that no single block,
and no wrong scale, decides alone.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from slipway.minutes import Arm, Minute
from slipway.stats.mixture import Mixture

MINUTES = 5
SHIFTS = (0.5, 1.0, 2.0, 3.0)  # alternatives, in standard deviations of a block
MOST = 2.5  # by which a block may multiply the evidence, or divide it
LATE_PER_BLOCK = math.log1p(-1 / 20)
# Until its blocks have shown it: PRIOR_BLOCKS blocks in which the baseline's log median varies by PRIOR_SD.
PRIOR_SD, PRIOR_BLOCKS = 0.02, 2.0
# Of the baseline's older blocks, at each new one: about an hour for its level, eight for how much it varies.
MEMORY, LONG_MEMORY = 0.9, 0.99
# Neighbouring blocks share their drift: correlated by .72, a sum of them varies by sqrt(1.72 / .28) times as much.
DEPENDENCE = 2.5
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Level:
    """Weighted mean of the baseline's log block medians, and their squares about it; older ones are forgotten.

    squares, weight: of the last hour; long_squares, long_weight: of many.
    """

    mean: float = 0.0
    squares: float = 0.0
    weight: float = 0.0
    long_squares: float = 0.0
    long_weight: float = 0.0

    @classmethod
    def of(cls, past: Sequence[Minute]) -> "Level":
        """From the minutes before a release, in time order; a block with a minute unknown is left out."""
        level = cls()
        for start in range(0, len(past) - MINUTES + 1, MINUTES):
            medians = [minute.baseline.p50 for minute in past[start : start + MINUTES]]
            known = [median for median in medians if median]
            if len(known) == MINUTES:
                level = level.update(math.log(statistics.median(known)))
        return level

    def update(self, value: float) -> "Level":
        weight = MEMORY * self.weight + 1
        step = value - self.mean if self.weight else 0.0
        mean = self.mean + step / weight if self.weight else value
        square = step * (value - mean)
        return Level(
            mean,
            MEMORY * self.squares + square,
            weight,
            LONG_MEMORY * self.long_squares + square,
            LONG_MEMORY * self.long_weight + 1,
        )

    @property
    def variance(self) -> float:
        """The larger one of many hours and of the last: an endpoint that was calm may have ceased to be."""
        free = max(0.0, self.long_weight - 1)
        usual = (PRIOR_BLOCKS * PRIOR_SD**2 + self.long_squares) / (PRIOR_BLOCKS + free)
        return max(usual, self.squares / max(1.0, self.weight - 1))


@dataclass(frozen=True)
class Blocks:
    """closed: blocks so far; open: (median baseline, median candidate, squared standard error of their log ratio) of
    the minutes of the unfinished one."""

    evidence: Mixture = field(default_factory=lambda: Mixture.none(len(SHIFTS)))
    baseline: Level = field(default_factory=Level)
    closed: int = 0
    open: tuple[tuple[float, float, float], ...] = ()

    def interrupted(self) -> "Blocks":
        """A block does not reach over a change of traffic."""
        return replace(self, open=())

    def fold(self, baseline: Arm, candidate: Arm, tolerance: float, floor: float) -> "Blocks":
        """A minute in which both medians are known. tolerance: fraction; floor: microseconds."""
        assert baseline.p50 is not None and candidate.p50 is not None
        error = _squared_error(baseline) + _squared_error(candidate)
        block = replace(self, open=(*self.open, (baseline.p50, candidate.p50, error)))
        return block._close(tolerance, floor) if len(block.open) == MINUTES else block

    def _close(self, tolerance: float, floor: float) -> "Blocks":
        baselines, candidates, errors = zip(*self.open, strict=True)
        b, c = statistics.median(baselines), statistics.median(candidates)
        tolerated = max(math.log1p(tolerance), math.log1p(floor / b))
        scale = math.sqrt(2 * DEPENDENCE**2 * self.baseline.variance + statistics.fmean(errors) / MINUTES)
        z = (math.log(c / b) - tolerated) / scale
        step = Mixture.step([math.log(_cut(shift, z)) for shift in SHIFTS], LATE_PER_BLOCK)
        return Blocks(self.evidence + step, self.baseline.update(math.log(b)), self.closed + 1)


def _squared_error(arm: Arm) -> float:
    """Squared standard error of a minute's log median, for latencies about lognormal.

    The median of a few medians has pi / 2 times the variance of the median of all; that is in the factor.
    """
    return (math.pi / 2) ** 2 * spread(arm) ** 2 / max(arm.requests, 1)


def spread(arm: Arm) -> float:
    """Standard deviation of a request's log latency, by the minute's percentiles."""
    assert arm.p50 is not None
    return math.log(max(arm.p90 or arm.p50, arm.p50) / arm.p50) / _NORMAL.inv_cdf(0.9)


def _cut(shift: float, z: float) -> float:
    """Likelihood ratio of a shift of `shift` standard deviations, cut to [1/MOST, MOST] and rescaled to mean 1."""
    return min(max(math.exp(shift * z - shift * shift / 2), 1 / MOST), MOST) / _MEANS[shift]


def _mean_of_cut(shift: float) -> float:
    """The mean of the cut ratio for a standard normal z."""
    low = (math.log(1 / MOST) + shift * shift / 2) / shift
    high = (math.log(MOST) + shift * shift / 2) / shift
    inside = _NORMAL.cdf(high - shift) - _NORMAL.cdf(low - shift)
    return _NORMAL.cdf(low) / MOST + inside + MOST * (1 - _NORMAL.cdf(high))


_MEANS = {shift: _mean_of_cut(shift) for shift in SHIFTS}
