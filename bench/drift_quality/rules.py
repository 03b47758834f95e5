"""What flags a window: ours over the windows so far, and the rules others run on each window by itself.

Model Monitor, data quality: the larger of the two distribution functions' distances (for categories, of a level's
shares) less 1.8 sqrt(1/n + 1/m), over 0.1: Deequ's robust L-infinity distance and Model Monitor's default threshold.
PSI: population stability index over 0.2 in ten baseline quantiles, the rule of thumb of credit scoring.
KS: two-sample Kolmogorov-Smirnov (categories: chi-square) with p < .05 in any column.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from bench.drift_quality.counting import Rows
from slipway.drift.calibration import Baseline
from slipway.drift.detect import detect
from slipway.drift.findings import Drift, Window
from slipway.drift.profile import Profile

HOUR = 3600.0
Rule = Callable[[Rows, Rows], bool]


def windows(profiles: Sequence[Profile], start: float = 0.0) -> list[Window]:
    return [Window(start + i * HOUR, start + (i + 1) * HOUR, p, p.records) for i, p in enumerate(profiles)]


def ours(baseline: Baseline, history: Sequence[Window]) -> Drift:
    return detect(baseline, history[-32:], now=history[-1].until)


def model_monitor(reference: Rows, rows: Rows) -> bool:
    distances = [stats.ks_2samp(*pair, method="asymp").statistic for pair in _numbers(reference, rows)]
    distances += [float(np.abs(p - q).max()) for p, q in _levels(reference, rows)]
    return max(distances) - 1.8 * np.sqrt(1 / len(reference) + 1 / len(rows)) > 0.1


def psi(reference: Rows, rows: Rows) -> bool:
    return any(_psi(*pair) > 0.2 for pair in [*map(_tenths, _numbers(reference, rows)), *_levels(reference, rows)])


def ks(reference: Rows, rows: Rows) -> bool:
    if any(stats.ks_2samp(*pair, method="asymp").pvalue < 0.05 for pair in _numbers(reference, rows)):
        return True
    for p, q in _levels(reference, rows):
        table = np.array([p * len(reference), q * len(rows)])
        if stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue < 0.05:
            return True
    return False


RULES: dict[str, Rule] = {"Model Monitor": model_monitor, "PSI > .2": psi, "KS p < .05": ks}


def _numbers(reference: Rows, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    columns = ((reference.numbers[:, i], rows.numbers[:, i]) for i in range(rows.numbers.shape[1]))
    return [(a[np.isfinite(a)], b[np.isfinite(b)]) for a, b in columns]


def _levels(reference: Rows, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    """Shares by level; the last one of what training did not have."""
    found = []
    for j in range(rows.levels.shape[1]):
        most = int(reference.levels[:, j].max()) + 2
        sides = [np.where(side.levels[:, j] < 0, most - 1, side.levels[:, j]) for side in (reference, rows)]
        found.append(tuple(np.bincount(side, minlength=most)[:most] / len(side) for side in sides))
    return found


def _tenths(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    edges = np.unique(np.quantile(pair[0], np.arange(1, 10) / 10))
    counts = [np.bincount(np.searchsorted(edges, v, side="right"), minlength=len(edges) + 1) for v in pair]
    return counts[0] / len(pair[0]), counts[1] / len(pair[1])


def _psi(p: np.ndarray, q: np.ndarray) -> float:
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(((q - p) * np.log(q / p)).sum())
