"""Challenger and champion on the same holdout: the sums that `training/compare.py` writes and the gate reads.

Sums and standard errors, never rows: a disputed decision can be computed again from this one file.
"""

import math
from dataclasses import dataclass

from slipway.stats import student
from slipway.stats.result import REAL_LINE


@dataclass(frozen=True)
class Measure:
    """One number of both models, and the standard error of their difference over blocks of time.

    error: None where too few rows allow none.
    """

    challenger: float
    champion: float
    error: float | None = None

    def __post_init__(self) -> None:
        for name in ("challenger", "champion"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name}: a measure must be finite, got {getattr(self, name)}")
        if self.error is not None and not 0 <= self.error < math.inf:
            raise ValueError(f"error: a standard error is 0 or more, got {self.error}")

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    def interval(self, alpha: float, blocks: int) -> tuple[float, float]:
        """Of the difference, alpha on each side; all numbers where no error could be estimated."""
        if self.error is None or blocks < 2:
            return REAL_LINE
        width = self.error * student.quantile(1 - alpha, blocks - 1)
        return (self.difference - width, self.difference + width)

    def says(self, low: float, high: float) -> str:
        between = f"{self.difference:+.4f} [{low:+.4f}, {high:+.4f}]"
        return f"{self.challenger:.4f}, the champion's {self.champion:.4f}: {between}"


@dataclass(frozen=True)
class Slice:
    """Rows with one value of a feature, or one range of it; log-loss in nats."""

    feature: str
    value: str
    rows: int
    positives: int
    log_loss: Measure


@dataclass(frozen=True)
class Model:
    """An artifact. window: event times of its training and validation rows, unix seconds; None: unknown or other units.

    missing_allowed: features that its manifest lets be missing. latency_ms: of a single row, in the job's own process.
    positive_share: of the holdout's rows that it decides as positive at `threshold`. invalid: scores not in [0, 1].
    """

    sha256: str
    bytes: int
    xgboost_version: str
    features: tuple[str, ...]
    missing_allowed: tuple[str, ...]
    threshold: float
    positive_share: float
    latency_ms: float
    invalid: int = 0
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class Holdout:
    """since, until: event times of the first and the last row, unix seconds. blocks: of rows next to each other in
    time, by which errors were estimated; where there were several sizes, how many of the largest."""

    rows: int
    positives: int
    since: float
    until: float
    sha256: str
    blocks: int


@dataclass(frozen=True)
class Comparison:
    """calibration: expected calibration error over ten bins. cost: a row's mean at each model's own threshold, under
    the costs of a false positive and a false negative. missing: log-loss with some cells left out, None where no
    feature may be missing. changed: share of the rows that the two decide differently."""

    holdout: Holdout
    challenger: Model
    champion: Model
    costs: tuple[float, float]
    log_loss: Measure
    brier: Measure
    auc: Measure
    pr_auc: Measure
    calibration: Measure
    cost: Measure
    changed: float
    slices: tuple[Slice, ...] = ()
    missing: Measure | None = None
