"""Kayenta's NetflixACAJudge: a Mann-Whitney test on the minutes of each metric, and a score.

Sources, all in spinnaker/kayenta (and, later, spinnaker/spinnaker): kayenta-judge/.../NetflixACAJudge.scala (tolerance
.25, confidence .98 fixed in the code; outliers beyond 3 interquartile ranges and the 1st or 99th percentile go);
MannWhitneyClassifier.scala (High: the interval's lower end is over tolerance * |Hodges-Lehmann estimate|; .95 by
default); kayenta-mannwhitney/.../MannWhitney.scala (asymptotic interval with continuity correction, as R's wilcox.test
gives it); WeightedSumScorer.scala (share of metrics that pass). A score under the marginal threshold ends the canary at
once, one under the pass threshold at the end. Metrics: error rate, p50, p99, direction increase; minutes without data
are removed.
"""

import numpy as np
from scipy.special import ndtri

from bench.calibration.decisions import NEVER, Decisions, Rule
from bench.calibration.traffic import Traffic
from bench.peers.thresholds import decided, error_rate

TOLERANCE = 0.25
MARGINAL, PASS = 75.0, 95.0
FIRST_LOOK = 10  # minutes; with fewer points than that hardly anything is ever significant
OUTLIER_RANGES = 3.0


def kayenta(confidence: float, repeated: bool) -> Rule:
    """Looks once, at the end; or repeatedly: each minute of the first hour, then each fifteenth."""

    def rule(traffic: Traffic) -> Decisions:
        last = traffic.minutes
        looks = [n for n in range(FIRST_LOOK, last) if n <= 60 or n % 15 == 0] if repeated else []
        sides = [np.stack([error_rate(arm), arm.p50, arm.p99]) for arm in (traffic.candidate, traffic.baseline)]
        found = [_run(sides[0][:, run], sides[1][:, run], [*looks, last], confidence) for run in range(traffic.runs)]
        return decided(np.array(found), last)

    return rule


def _run(experiment: np.ndarray, control: np.ndarray, looks: list[int], confidence: float) -> int:
    """The minute in which a run is rolled back, or NEVER; both [metrics, minutes]."""
    for n in looks:
        high = [classify(x[:n], y[:n], confidence) == "High" for x, y in zip(experiment, control, strict=True)]
        score = 100 * (1 - sum(high) / len(high))
        if score < (PASS if n == looks[-1] else MARGINAL):
            return n - 1
    return NEVER


def classify(experiment: np.ndarray, control: np.ndarray, confidence: float, direction: str = "Increase") -> str:
    """High, Low, Pass or Nodata. direction: Increase, Decrease or Either, the one that counts as harm."""
    x, y = (without_outliers(values[~np.isnan(values)]) for values in (experiment, control))
    if not len(x) or not len(y):
        return "Nodata"
    if np.array_equal(np.sort(x), np.sort(y)) or len(np.unique(np.concatenate((x, y)))) == 1:
        return "Pass"
    if direction != "Decrease" and standard_score(x, y) > ndtri((1 + confidence) / 2):
        low, estimate, _ = shift(x, y, confidence)
        if low > TOLERANCE * abs(estimate):
            return "High"
    if direction != "Increase" and standard_score(x, y) < -ndtri((1 + confidence) / 2):
        _, estimate, high = shift(x, y, confidence)
        if high < -TOLERANCE * abs(estimate):
            return "Low"
    return "Pass"


def standard_score(x: np.ndarray, y: np.ndarray) -> float:
    """Mann-Whitney z of x against y, with continuity and tie correction; only beyond its quantile can 0 be excluded."""
    ordered = np.sort(y)
    above = (np.searchsorted(ordered, x, "left").sum() + np.searchsorted(ordered, x, "right").sum()) / 2
    centred = above - len(x) * len(y) / 2
    spread = _spread(len(x), len(y), np.concatenate((x, y)))
    return float((centred - 0.5 * np.sign(centred)) / spread) if spread else 0.0


def shift(x: np.ndarray, y: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Lower end, estimate and upper end of the shift of x against y: where the score of x - shift crosses its quantile.

    Between two pairwise differences the score does not change, so it crosses at one of them. Ties between x and y only
    exist at the differences themselves: within each side they count.
    """
    differences = np.sort((x[:, None] - y[None, :]).ravel())
    pairs = len(differences)
    spread = _spread(len(x), len(y), x, y)
    cut = int(np.ceil(pairs / 2 - 0.5 - ndtri((1 + confidence) / 2) * spread))
    cut = min(max(cut, 1), pairs)
    return float(differences[cut - 1]), float(np.median(differences)), float(differences[pairs - cut])


def without_outliers(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return values
    low, q1, q3, high = (_percentile(np.sort(values), p) for p in (1, 25, 75, 99))
    reach = OUTLIER_RANGES * (q3 - q1)
    return values[(values >= min(low, q1 - reach)) & (values <= max(high, q3 + reach))]


def _percentile(ordered: np.ndarray, p: float) -> float:
    """As Apache Commons Math estimates it: at position p (n + 1) / 100, ends cut off."""
    position = min(max(p * (len(ordered) + 1) / 100 - 1, 0.0), len(ordered) - 1.0)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (position - below) * (ordered[above] - ordered[below]))


def _spread(n_x: int, n_y: int, *tied_within: np.ndarray) -> float:
    """Standard deviation of the Mann-Whitney count, with ties within each of the given groups of values."""
    n, ties = n_x + n_y, 0.0
    for values in tied_within:
        counts = np.unique(values, return_counts=True)[1].astype(float)
        ties += float((counts**3 - counts).sum())
    return float(np.sqrt(max(n_x * n_y / 12 * (n + 1 - ties / (n * (n - 1))), 0.0)))
