"""Rules on labels, a look every few minutes: on both models' predictions of each request, or on a 5 % split."""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from bench.calibration.decisions import NEVER
from bench.calibration.labels import SHARE, Labels
from bench.peers.growthbook import half_width
from slipway.stats.paired import LOG_LOSS_BOUND, PROBABILITY_FLOOR, Bets, Randomised, paired_bets

LOOK = 5  # minutes
ALPHA = 0.05 / 4  # one guardrail's part of a release's
LEAST_LABELS = 200  # of each variant
# What earlier releases showed of two equally good models: mean and variance of log-loss, variance of the difference.
HISTORY_LOSS, HISTORY_SPREAD, HISTORY_VARIANCE = 0.266, 0.32, 0.0085
MOST_LOSS = 4.61  # just over -log(PROBABILITY_FLOOR)
AUC_MARGIN, AUC_WINDOW, AUC_LOOK, AUC_LEAST = 0.01, 60, 15, 50  # AUC; minutes; minutes; labels of each variant

QualityRule = Callable[[Labels], int]


def losses(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    cut = np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return -np.log(np.where(label, cut, 1 - cut))


def paired_betting(labels: Labels) -> int:
    """The library's paired test: the minute of the rollback, or NEVER."""
    bets = paired_bets(baseline_loss=HISTORY_LOSS, variance=HISTORY_VARIANCE)
    state = Bets.start(low=-LOG_LOSS_BOUND, high=LOG_LOSS_BOUND, bets=bets)
    return _bet(state, labels, losses(labels.candidate, labels.label) - losses(labels.baseline, labels.label))


def split_betting(labels: Labels) -> int:
    """The library's test for a split: who answers is random, so is whose loss is seen."""
    randomised = Randomised(share=SHARE, most=MOST_LOSS, centre=HISTORY_LOSS)
    seen = np.where(labels.to_candidate, labels.candidate, labels.baseline)
    loss = losses(seen, labels.label)
    values = np.array(
        [randomised.value(*pair) for pair in zip(labels.to_candidate.tolist(), loss.tolist(), strict=True)]
    )
    bets = paired_bets(baseline_loss=HISTORY_LOSS, variance=HISTORY_SPREAD * (1 / SHARE + 1 / (1 - SHARE)))
    return _bet(Bets.start(low=randomised.low, high=randomised.high, bets=bets), labels, values)


def _bet(state: Bets, labels: Labels, values: np.ndarray) -> int:
    for until in range(LOOK, labels.minutes + 1, LOOK):
        state = state.update(values[labels.arrived(until - LOOK, until)].tolist())
        if state.moments.n >= LEAST_LABELS and state.log_e >= np.log(1 / ALPHA):
            return until - 1
    return NEVER


def asymptotic_paired(labels: Labels) -> int:
    """GrowthBook's interval for the mean difference of losses; `bench.peers.growthbook` names the source."""
    values = losses(labels.candidate, labels.label) - losses(labels.baseline, labels.label)
    return _first_above(labels, lambda part: _interval(values[part]))


def asymptotic_split(labels: Labels) -> int:
    loss = np.where(labels.to_candidate, losses(labels.candidate, labels.label), losses(labels.baseline, labels.label))

    def bound(part: slice) -> float:
        chosen = labels.to_candidate[part]
        return _interval(loss[part][chosen], loss[part][~chosen])

    return _first_above(labels, bound)


def _interval(candidate: np.ndarray, baseline: np.ndarray | None = None) -> float:
    """Lower end of the interval for the mean (difference)."""
    sides = [candidate] if baseline is None else [candidate, baseline]
    if min(map(len, sides)) < LEAST_LABELS:
        return -np.inf
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))
    mean = candidate.mean() - (0.0 if baseline is None else baseline.mean())
    return float(mean - half_width(error, np.array(sum(map(len, sides)))))


def hourly_auc(paired: bool) -> QualityRule:
    """A fixed threshold on a dashboard's number: the last hour's AUC is a point lower than the baseline's."""

    def auc_lost(labels: Labels, part: slice) -> float:
        chosen = labels.to_candidate[part]
        if paired:
            chosen = np.ones_like(chosen)
        rest = np.ones_like(chosen) if paired else ~chosen
        label = labels.label[part]
        if min(chosen.sum(), rest.sum()) < AUC_LEAST:
            return 0.0
        return auc(labels.baseline[part][rest], label[rest]) - auc(labels.candidate[part][chosen], label[chosen])

    def rule(labels: Labels) -> int:
        for until in range(AUC_WINDOW, labels.minutes + 1, AUC_LOOK):
            if auc_lost(labels, labels.arrived(until - AUC_WINDOW, until)) > AUC_MARGIN:
                return until - 1
        return NEVER

    return rule


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """Area under the ROC curve; 1/2 if only one class is there."""
    positives = np.count_nonzero(label)
    negatives = len(label) - positives
    if not positives or not negatives:
        return 0.5
    above = rankdata(score)[label].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def _first_above(labels: Labels, bound: Callable[[slice], float]) -> int:
    for until in range(LOOK, labels.minutes + 1, LOOK):
        if bound(labels.arrived(0, until)) > 0:
            return until - 1
    return NEVER


QUALITY_RULES: dict[str, QualityRule] = {
    "paired bets": paired_betting,
    "paired asymptotic CS": asymptotic_paired,
    "paired AUC by the hour": hourly_auc(paired=True),
    "split bets": split_betting,
    "split asymptotic CS": asymptotic_split,
    "split AUC by the hour": hourly_auc(paired=False),
}
