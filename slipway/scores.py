"""One request's answers, and later its label, as the sums they add.

Losses are in nats, of probabilities cut to [.01, .99] (slipway.stats.paired).
"""

import math

from slipway.pairsums import BETS, DELAYS, WEIGHT_GRID, ArmSums, PairSums, on_grid
from slipway.stats.adjusted import Covaried
from slipway.stats.means import NOTHING, Moments
from slipway.stats.paired import MOST_AT_STAKE, PROBABILITY_FLOOR, log_loss
from slipway.stats.weighted import Weighted

LEAST_LOSS, MOST_LOSS = -math.log(1 - PROBABILITY_FLOOR), -math.log(PROBABILITY_FLOOR)
# Scores of rare events are tiny: cut higher, hardly anything would be left to compare; lower, whether one is 1 or 2 in
# a million would count.
ODDS_FLOOR = 0.0001


def stakes(margin: float, *, above: bool) -> tuple[float, ...]:
    """Bets on the candidate's log-loss - (1 + margin) times the baseline's having a mean above, or below, 0.

    Fixed before any data; halved, so that one suits whatever the spread of the differences turns out to be.
    """
    lowest, highest = LEAST_LOSS - (1 + margin) * MOST_LOSS, MOST_LOSS - (1 + margin) * LEAST_LOSS
    most = MOST_AT_STAKE / (-lowest if above else highest)
    return tuple(most / 2**k for k in range(BETS))


def of_pair(baseline: float | None, candidate: float | None, threshold: float) -> PairSums:
    """Of one request's two answers (None: no probability)."""
    if baseline is None or candidate is None:
        return PairSums(pairs=1, baseline_invalid=int(baseline is None), candidate_invalid=int(candidate is None))
    before, after = baseline >= threshold, candidate >= threshold
    y, x = log_odds(candidate), log_odds(baseline)
    return PairSums(
        pairs=1,
        changed=int(before != after),
        raised=int(after and not before),
        shift=_moments(candidate - baseline),
        log_odds=Covaried(_moments(y), _moments(x), on_grid(y * x)),
        weighted=Weighted(expected=_moments(_expected_difference(baseline, candidate))),
    )


def of_labelled_pair(
    baseline: float | None,
    candidate: float | None,
    label: int,
    delay: float,
    *,
    tolerance: float,
    shown: float,
    propensity: float | None = None,
) -> PairSums:
    """Of a label, 0 or 1, for two answers. delay: seconds from the request; propensity: the chance that it got a label.

    tolerance, shown: parts of the baseline's loss by which the candidate's may be greater before harm is called, and
    must be shown not to be greater; the same ones for all of a release.
    """
    delays = delay_counts(delay)
    if baseline is None or candidate is None:
        return PairSums(unscored=1, delays=delays)
    b, c = log_loss(baseline, label), log_loss(candidate, label)
    over, under = c - (1 + tolerance) * b, c - (1 + shown) * b
    return PairSums(
        positives=label,
        baseline_log_loss=_moments(b),
        log_loss=_moments(c - b),
        loss_products=on_grid((c - b) * b),
        brier=_moments((candidate - label) ** 2 - (baseline - label) ** 2),
        worse=tuple(on_grid(math.log1p(bet * over)) for bet in stakes(tolerance, above=True)),
        not_worse=tuple(on_grid(math.log1p(-bet * under)) for bet in stakes(shown, above=False)),
        weighted=_weighted(c - b, _expected_difference(baseline, candidate), propensity),
        weighted_baseline=on_grid(b / propensity, WEIGHT_GRID) if propensity else 0.0,
        delays=delays,
    )


def log_odds(probability: float) -> float:
    """Of a probability cut to [ODDS_FLOOR, 1 - ODDS_FLOOR]."""
    cut = min(max(probability, ODDS_FLOOR), 1 - ODDS_FLOOR)
    return math.log(cut / (1 - cut))


def of_single(score: float) -> ArmSums:
    """Of the only answer to its request, whether or not it will get a label."""
    return ArmSums(weighted=Weighted(expected=_moments(_expected_loss(score))))


def of_labelled(score: float | None, label: int, propensity: float | None = None) -> ArmSums:
    """Of a label for the only answer to its request."""
    if score is None:
        return ArmSums(unscored=1)
    loss = log_loss(score, label)
    weighted = _weighted(loss, _expected_loss(score), propensity)
    return ArmSums(positives=label, log_loss=_moments(loss), brier=_moments((score - label) ** 2), weighted=weighted)


def delay_counts(delay: float) -> tuple[int, ...]:
    """One label's delay, in seconds, as counts of buckets."""
    bucket = sum(delay > end for end in DELAYS)
    return tuple(int(i == bucket) for i in range(len(DELAYS) + 1))


def _moments(value: float) -> Moments:
    return Moments(1, on_grid(value), on_grid(value * value))


def _expected_loss(score: float) -> float:
    return score * log_loss(score, 1) + (1 - score) * log_loss(score, 0)


def _expected_difference(baseline: float, candidate: float) -> float:
    """Of the log-losses, were the truth midway between the two scores: it favours neither."""
    middle = (baseline + candidate) / 2
    if_positive, if_negative = (log_loss(candidate, label) - log_loss(baseline, label) for label in (1, 0))
    return middle * if_positive + (1 - middle) * if_negative


def _weighted(outcome: float, expected: float, propensity: float | None) -> Weighted:
    if propensity is None:
        return Weighted()
    _, known, *sums = vars(Weighted.of(outcome, expected, propensity)).values()
    return Weighted(NOTHING, known, *(on_grid(value, WEIGHT_GRID) for value in sums))
