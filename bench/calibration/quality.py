"""Rules on labels, a look every few minutes: on both models' predictions of each request, or on a 5 % split."""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from bench.calibration.decisions import NEVER
from bench.calibration.labels import Labels
from bench.peers.growthbook import half_width
from slipway import pairing, scores
from slipway.guardrails import quality
from slipway.pairsums import ArmSums, PairSums
from slipway.plan import BUILTIN, Metric
from slipway.stats.means import Moments
from slipway.stats.paired import PROBABILITY_FLOOR
from slipway.verdict import Decision

LOOK = 5  # minutes
PLAN = BUILTIN["canary"]
LEAST_LABELS = 200  # of each variant
AUC_MARGIN, AUC_WINDOW, AUC_LOOK, AUC_LEAST = 0.01, 60, 15, 50  # AUC; minutes; minutes; labels of each variant

QualityRule = Callable[[Labels], int]


def losses(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    cut = np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return -np.log(np.where(label, cut, 1 - cut))


def ours(paired: bool) -> QualityRule:
    """The judge's own guardrail, on the sample of the requests that pairing takes."""

    def rule(labels: Labels) -> int:
        share = pairing.rate(60 * labels.rate, PLAN.sampled_a_minute)
        seen = np.random.default_rng(len(labels.label)).random(len(labels.label)) < share
        sums = _pairs(labels, seen) if paired else _arms(labels, seen)
        for until in range(LOOK, labels.minutes + 1, LOOK):
            arrived = np.count_nonzero(seen[labels.arrived(0, until)])
            found = quality.opinion([sums(arrived)], PLAN.rule(Metric.QUALITY), PLAN.alpha)
            if found.decision is Decision.REGRESSION:
                return until - 1
        return NEVER

    return rule


def _pairs(labels: Labels, seen: np.ndarray) -> Callable[[int], PairSums]:
    """The sums of the first so many labelled pairs, as `slipway.scores` would add them up."""
    label, rule = labels.label[seen], PLAN.rule(Metric.QUALITY)
    b, c = losses(labels.baseline[seen], label), losses(labels.candidate[seen], label)
    bets = (np.array(scores.stakes(rule.tolerance, above=True)), -np.array(scores.stakes(rule.shown, above=False)))
    excess = (c - (1 + rule.tolerance) * b, c - (1 + rule.shown) * b)
    wealth = [_sums(np.log1p(bet * x[:, None])) for bet, x in zip(bets, excess, strict=True)]
    plain = [_sums(values) for values in (label, b, b * b, c - b, (c - b) ** 2, (c - b) * b)]

    def sums(n: int) -> PairSums:
        positives, base, base2, difference, difference2, product = (float(total[n]) for total in plain)
        return PairSums(
            positives=int(positives),
            baseline_log_loss=Moments(n, base, base2),
            log_loss=Moments(n, difference, difference2),
            loss_products=product,
            worse=tuple(wealth[0][n]),
            not_worse=tuple(wealth[1][n]),
            delays=(n, 0, 0, 0, 0, 0),
        )

    return sums


def _arms(labels: Labels, seen: np.ndarray) -> Callable[[int], PairSums]:
    label, mine = labels.label[seen], labels.to_candidate[seen]
    loss = losses(np.where(mine, labels.candidate[seen], labels.baseline[seen]), label)
    totals = [
        [_sums(np.where(chosen, values, 0.0)) for values in (np.ones(len(loss)), label, loss, loss * loss)]
        for chosen in (~mine, mine)
    ]

    def sums(n: int) -> PairSums:
        arms = [[float(total[n]) for total in arm] for arm in totals]
        return PairSums(
            *(ArmSums(positives=int(y), log_loss=Moments(int(k), first, second)) for k, y, first, second in arms),
            delays=(n, 0, 0, 0, 0, 0),
        )

    return sums


def _sums(values: np.ndarray) -> np.ndarray:
    """Of the first 0, 1, 2, ... values."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])


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
    "ours, paired": ours(paired=True),
    "paired asymptotic CS": asymptotic_paired,
    "paired AUC by the hour": hourly_auc(paired=True),
    "ours, split": ours(paired=False),
    "split asymptotic CS": asymptotic_split,
    "split AUC by the hour": hourly_auc(paired=False),
}
