"""Simulated labels: both models' predictions for requests whose truth becomes known later, or never.

A request's true log-odds are normal, and each model sees them through noise: a part that both share (they learn from
the same features) and a part of its own. More noise is a worse model; two with equally much are equally good, and
disagree on single requests.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

LOGITS = (-3.0, 2.0)  # mean and standard deviation: 13 % are positive
SHARE = 0.05  # of the requests on a split that the candidate answers
LABELLED = 0.6  # of the requests, ever
MEDIAN_DELAY = 30.0  # minutes, lognormal
LOG_DELAY_SD = 1.0
HORIZON = {100.0: 60, 1.0: 1440}  # minutes, at each rate in requests/s

# Standard deviation of the noise in log-odds, of which SHARED is common to both models, and the AUC it gives.
SHARED = 0.30
GOOD = 0.38  # .873
SLIGHTLY_WORSE = 0.70  # .860
MUCH_WORSE = 1.20  # .829


@dataclass(frozen=True)
class Quality:
    name: str
    candidate_noise: float
    guilty: bool


QUALITY = (
    Quality("equal quality", GOOD, guilty=False),
    Quality("AUC .873 -> .860", SLIGHTLY_WORSE, guilty=True),
    Quality("AUC .873 -> .829", MUCH_WORSE, guilty=True),
)


@dataclass(frozen=True)
class Labels:
    """The labelled requests of one run, by the time the label arrives. All arrays [labels].

    rate: requests/s; origin, arrival: minutes; baseline, candidate: predicted probabilities; to_candidate: who answers
    it on a split.
    """

    rate: float
    minutes: int
    origin: np.ndarray
    arrival: np.ndarray
    label: np.ndarray
    baseline: np.ndarray
    candidate: np.ndarray
    to_candidate: np.ndarray

    def arrived(self, since: int, until: int) -> slice:
        """Where the labels that arrived in the minutes [since, until) are."""
        return slice(*np.searchsorted(self.arrival, [since, until]))


def draw(quality: Quality, rate: float, minutes: int, rng: np.random.Generator) -> Labels:
    """One run; labels that arrive after its end are left out."""
    n = rng.poisson(60 * rate * minutes * LABELLED)
    sent = rng.uniform(0, minutes, n)
    arrival = sent + MEDIAN_DELAY * np.exp(LOG_DELAY_SD * rng.standard_normal(n))
    seen = np.argsort(arrival)[: np.count_nonzero(arrival < minutes)]
    truth = rng.normal(*LOGITS, len(seen))
    score = truth + SHARED * rng.standard_normal(len(seen))
    own = [np.sqrt(noise**2 - SHARED**2) for noise in (GOOD, quality.candidate_noise)]
    return Labels(
        rate=rate,
        minutes=minutes,
        origin=np.floor(sent[seen]).astype(int),
        arrival=np.floor(arrival[seen]).astype(int),
        label=rng.random(len(seen)) < expit(truth),
        baseline=expit(score + own[0] * rng.standard_normal(len(seen))),
        candidate=expit(score + own[1] * rng.standard_normal(len(seen))),
        to_candidate=rng.random(len(seen)) < SHARE,
    )
