"""Simulated traffic of a canary: what CloudWatch would show of both variants in each minute, for many runs at once.

A `World` says what is true in each minute (rates, shares, chances); `Traffic.of` draws what is seen. Arrays have the
shape [runs, minutes], or [runs, minutes, 2] where the last axis is BASELINE, CANDIDATE.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtr

BASELINE, CANDIDATE = 0, 1
BASE_ERRORS = 0.005
P50_MS, P99_MS = 100.0, 320.0
LOG_SD = np.log(P99_MS / P50_MS) / 2.3263  # of one request's latency

# Latency is kept in buckets 2 % wide; the first and the last one take what lies beyond.
EDGES_MS = np.exp(np.arange(np.log(10.0), np.log(4000.0), 0.02))

Cdf = Callable[[np.ndarray], np.ndarray]


def lognormal(log_ratio: np.ndarray) -> np.ndarray:
    """P(latency <= median * exp(log_ratio))."""
    return ndtr(log_ratio / LOG_SD)


@dataclass
class World:
    """What is true in each minute; a family starts from a calm one and changes it in place.

    rate: requests/s of both variants together; share: of them, the candidate's; errors: chance that a request fails;
    slower: log of the factor on every latency; stretch: factor on the log distance from the median, above it only;
    invalid: chance that an answer is no finite number; extra: failing requests on top (retries); cluster: mean number
    of times a failing request is sent, to the same variant; weights: the planned share in percent; onset: the minute a
    fault begins; latency: distribution around the median.
    """

    rate: np.ndarray
    share: np.ndarray
    errors: np.ndarray
    slower: np.ndarray
    stretch: np.ndarray
    invalid: np.ndarray
    extra: np.ndarray
    weights: np.ndarray
    cluster: float = 1.0
    onset: int = 0
    latency: Cdf = lognormal

    @classmethod
    def calm(cls, rate: float, runs: int, minutes: int, share: float = 0.05) -> "World":
        one, two = (runs, minutes), (runs, minutes, 2)
        return cls(
            rate=np.full(one, rate),
            share=np.full(one, share),
            errors=np.full(two, BASE_ERRORS),
            slower=np.zeros(two),
            stretch=np.ones(two),
            invalid=np.zeros(two),
            extra=np.zeros(two, dtype=np.int64),
            weights=np.full(minutes, 100 * share),
        )

    @property
    def runs(self) -> int:
        return self.rate.shape[0]

    @property
    def minutes(self) -> int:
        return self.rate.shape[1]


@dataclass(frozen=True)
class Arm:
    """One variant as seen, [runs, minutes]: counts, and its latencies [runs, minutes, buckets]."""

    requests: np.ndarray
    errors: np.ndarray
    invalid: np.ndarray
    latency: np.ndarray = field(repr=False)

    @cached_property
    def up_to(self) -> np.ndarray:
        """Requests at or below each bucket's upper edge; the last bucket has none."""
        return self.latency.cumsum(axis=-1)

    def quantile(self, q: float) -> np.ndarray:
        """Of the minute's latencies in ms, interpolated inside the bucket; NaN without a request."""
        return quantile(self.up_to, q)

    @cached_property
    def p50(self) -> np.ndarray:
        return self.quantile(0.50)

    @cached_property
    def p90(self) -> np.ndarray:
        return self.quantile(0.90)

    @cached_property
    def p99(self) -> np.ndarray:
        return self.quantile(0.99)

    def slower_than(self, threshold_ms: np.ndarray | float) -> np.ndarray:
        """Requests slower than a threshold known beforehand, one for all or [runs, minutes].

        The threshold is moved to the nearest bucket edge, the same one for both variants.
        """
        up_to = np.take_along_axis(self.up_to, nearest_edge(threshold_ms, self.requests.shape)[..., None], axis=-1)
        return self.requests - up_to[..., 0]

    def slower_in(self, run: int, minute: int, threshold_ms: float) -> int:
        """The same for one minute, for a judge that sets the threshold while it looks."""
        edge = nearest_edge(threshold_ms, ())
        return int(self.requests[run, minute] - self.up_to[run, minute, edge])


@dataclass(frozen=True)
class Past:
    """The baseline before the release, [runs, minutes]; p50 in ms."""

    requests: np.ndarray
    errors: np.ndarray
    p50: np.ndarray

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> "Past":
        requests, errors = counts(world, BASELINE, rng)
        # The median of n latencies lies where the median of n uniform numbers does: a beta variable.
        half = (np.maximum(requests, 1) + 1) / 2
        grid = np.linspace(-3.0, 3.0, 6001)
        distance = np.interp(rng.beta(half, half), world.latency(grid), grid)
        stretched = np.where(distance > 0, distance * world.stretch[..., BASELINE], distance)
        p50 = P50_MS * np.exp(world.slower[..., BASELINE] + stretched)
        return cls(requests, errors, np.where(requests > 0, p50, np.nan))


@dataclass(frozen=True)
class Traffic:
    """Both variants in every minute of every run; `world` is the truth, for reports only, `past` the day before."""

    baseline: Arm
    candidate: Arm
    weights: np.ndarray
    onset: int
    world: World = field(repr=False)
    past: Past | None = field(default=None, repr=False)

    @classmethod
    def of(cls, world: World, rng: np.random.Generator, past: Past | None = None) -> "Traffic":
        arms = [_arm(world, side, rng) for side in (BASELINE, CANDIDATE)]
        return cls(arms[0], arms[1], world.weights, world.onset, world, past)

    @property
    def runs(self) -> int:
        return self.world.runs

    @property
    def minutes(self) -> int:
        return self.world.minutes


def quantile(up_to: np.ndarray, q: float) -> np.ndarray:
    """Of cumulative bucket counts [..., buckets], in ms."""
    total = up_to[..., -1]
    wanted = q * total
    bucket = np.minimum((up_to < wanted[..., None]).sum(axis=-1), len(EDGES_MS))
    above = np.take_along_axis(up_to, bucket[..., None], axis=-1)[..., 0]
    below = np.take_along_axis(up_to, np.maximum(bucket - 1, 0)[..., None], axis=-1)[..., 0] * (bucket > 0)
    part = np.divide(wanted - below, above - below, out=np.full(total.shape, 0.5), where=above > below)
    edges = np.log(np.concatenate(([EDGES_MS[0] / 1.02], EDGES_MS, [EDGES_MS[-1] * 1.02])))
    low, high = edges[bucket], edges[bucket + 1]
    return np.where(total > 0, np.exp(low + part * (high - low)), np.nan)


def nearest_edge(threshold_ms: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray:
    """Index of the bucket whose upper edge is nearest."""
    step = np.log(EDGES_MS[1] / EDGES_MS[0])
    index = np.rint(np.log(np.asarray(threshold_ms, dtype=float) / EDGES_MS[0]) / step)
    return np.broadcast_to(np.clip(index, 0, len(EDGES_MS) - 1).astype(np.int64), shape)


def counts(world: World, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Requests and errors of one variant, [runs, minutes]."""
    share = world.share if side == CANDIDATE else 1 - world.share
    first = rng.poisson(60 * world.rate * share)
    failing = rng.binomial(first, world.errors[..., side])
    retries = np.zeros_like(failing)
    if world.cluster > 1:
        # The times a failing request is sent are geometric: each retry fails again, and is followed by another.
        retries = rng.negative_binomial(np.maximum(failing, 1), 1 / world.cluster) * (failing > 0)
    retries += world.extra[..., side]
    return first + retries, failing + retries


def _arm(world: World, side: int, rng: np.random.Generator) -> Arm:
    requests, errors = counts(world, side, rng)
    invalid = rng.binomial(requests - errors, world.invalid[..., side])
    return Arm(requests, errors, invalid, _latency(world, side, requests, rng))


def _latency(world: World, side: int, requests: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    distance = np.log(EDGES_MS / P50_MS) - world.slower[..., side, None]
    distance = np.where(distance > 0, distance / world.stretch[..., side, None], distance)
    up_to = np.clip(world.latency(distance), 0.0, 1.0)
    ends = np.broadcast_to([0.0, 1.0], (*up_to.shape[:-1], 2))
    chances = np.diff(np.concatenate((ends[..., :1], up_to, ends[..., 1:]), axis=-1), axis=-1)
    return rng.multinomial(requests, np.maximum(chances, 0.0)).astype(np.int32)
