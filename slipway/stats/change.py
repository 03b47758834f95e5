"""e-detectors: an alarm for a change at an unknown time, with a bounded rate of false alarms.

Shin, Ramdas & Rinaldo 2024 (arXiv:2203.03532), Shiryaev-Roberts form. Unlike an e-process it forgets a long quiet time,
and unlike it, it does raise a false alarm in the end: on average no sooner than every `run_length` steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.stats import arguments
from slipway.stats.mixture import LOG_ZERO, log_mean


@dataclass(frozen=True)
class EDetector:
    """One statistic per alternative, M <- factor (M + 1); the alarm rings when their mean reaches `run_length`."""

    log_statistics: tuple[float, ...]
    steps: int = 0

    @classmethod
    def start(cls, alternatives: int) -> "EDetector":
        arguments.at_least("alternatives", alternatives, 1)
        return cls((LOG_ZERO,) * alternatives)

    def update(self, log_factors: Sequence[float]) -> "EDetector":
        """One factor per alternative, each with a mean of at most 1 while nothing has changed."""
        if len(log_factors) != len(self.log_statistics):
            raise ValueError(f"log_factors must be one per alternative, {len(self.log_statistics)} in all")
        moved = (
            factor + max(m, 0.0) + math.log1p(math.exp(-abs(m)))
            for factor, m in zip(log_factors, self.log_statistics, strict=True)
        )
        return replace(self, log_statistics=tuple(moved), steps=self.steps + 1)

    @property
    def log_statistic(self) -> float:
        return log_mean(self.log_statistics)

    def alarm(self, run_length: float) -> bool:
        """False alarms come no more often than once in `run_length` steps, on average."""
        arguments.at_least("run_length", run_length, 1)
        return self.log_statistic >= math.log(run_length)


def bet_factors(value: float, *, mean: float, reach: float, bets: Sequence[float]) -> list[float]:
    """Log factors for a rise of the mean of values >= mean - reach; bets in (0, 1), as parts of the wealth."""
    arguments.positive("reach", reach)
    arguments.at_least("value", value, mean - reach)
    for bet in bets:
        arguments.share("bets", bet)
    return [math.log1p(bet * (value - mean) / reach) for bet in bets]


def log_e_from_p(p_value: float) -> float:
    """Calibrates a p-value (of a conformal test, say) into a log e-value: (1 - p + p ln p) / (p ln^2 p)."""
    if not 0 < p_value <= 1:
        raise ValueError(f"p_value must lie above 0 and be at most 1, not {p_value!r}")
    log_p = math.log(p_value)
    if log_p > -1e-4:
        # 1/2 - ln(p)/6 + ...: the formula's limit at p = 1, where it cancels.
        return math.log(0.5 - log_p / 6)
    return math.log((-math.expm1(log_p) + p_value * log_p) / (log_p * log_p)) - log_p
