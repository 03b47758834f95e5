"""Ways to change a calm world: what is imperfect around two equal variants, and what may be wrong with one."""

from collections.abc import Callable

import numpy as np

from bench.calibration.traffic import BASELINE, CANDIDATE, World

SIDES = (BASELINE, CANDIDATE)

Change = Callable[[World, np.random.Generator], None]


def iid(world: World, rng: np.random.Generator) -> None:
    """Independent requests, equal variants."""


def shared_shock(rate: float = 0.03, length: int = 5) -> Change:
    """Both variants fail more for a few minutes, as when a feature store is down."""

    def change(world: World, rng: np.random.Generator) -> None:
        starts = rng.integers(0, world.minutes - length, world.runs)
        for run, start in enumerate(starts):
            world.errors[run, start : start + length] = rate

    return change


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], sd: float, correlation: float) -> np.ndarray:
    """Stationary AR(1) noise [runs, minutes]; correlation: time in minutes after which it falls to 1/e."""
    keep = np.exp(-1 / correlation)
    steps = rng.normal(0, sd, shape)
    steps[:, 1:] *= np.sqrt(1 - keep * keep)
    for minute in range(1, shape[1]):
        steps[:, minute] += keep * steps[:, minute - 1]
    return steps


def arm_noise(sd: tuple[float, float] = (0.05, 0.08), correlation: tuple[float, float] = (10.0, 15.0)) -> Change:
    """Each variant's latency drifts by itself (hosts, neighbours); sd and correlation are drawn for each batch."""

    def change(world: World, rng: np.random.Generator) -> None:
        for side in SIDES:
            noise = autoregressive(rng, world.rate.shape, rng.uniform(*sd), rng.uniform(*correlation))
            world.slower[..., side] += noise

    return change


def cold_start(factor: float = 3.0, length: int = 3) -> Change:
    """The candidate is slow at first: lazy loading, empty caches."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.slower[:, :length, CANDIDATE] += np.log(factor)

    return change


def bursts(part: float = 0.25, size: float = 20.0) -> Change:
    """Within a minute, a client sends failing requests again and again to one variant, chosen once by the weights.

    part: of the failing requests, those in bursts; size: mean at 100 requests/s, a fourth of that at 1/s.
    """

    def change(world: World, rng: np.random.Generator) -> None:
        mean = max(size * (world.rate.mean() / 100) ** 0.3, 1.0)
        failing = 60 * world.rate[..., None] * world.errors * np.stack([1 - world.share, world.share], axis=-1)
        world.extra += _geometric_sum(rng, rng.poisson(part * failing / mean), mean)
        world.errors *= 1 - part

    return change


def _geometric_sum(rng: np.random.Generator, terms: np.ndarray, mean: float) -> np.ndarray:
    """Of so many geometric numbers with that mean, each at least 1."""
    more = rng.negative_binomial(np.maximum(terms, 1), 1 / mean)
    return np.where(terms > 0, terms + more, 0)


def ramp(low: float = 0.2, high: float = 3.0) -> Change:
    """Traffic grows steadily, and everybody gets slower by up to 20 %."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.rate *= np.linspace(low, high, world.minutes)
        world.slower += np.linspace(0, np.log(1.2), world.minutes)[:, None]

    return change


def daily(swing: float = 0.7) -> Change:
    """A day's swing of traffic, errors and latency in one run, the same in both variants, from any hour."""

    def change(world: World, rng: np.random.Generator) -> None:
        phase = rng.uniform(0, 2 * np.pi, (world.runs, 1))
        wave = np.sin(phase + np.linspace(0, 2 * np.pi, world.minutes))
        world.rate *= 1 + swing * wave
        world.errors *= (1 + 0.5 * swing * wave)[..., None]
        world.slower += (0.2 * swing * wave)[..., None]

    return change


def weight_change(to: float = 0.25) -> Change:
    """The candidate's share moves half-way."""

    def change(world: World, rng: np.random.Generator) -> None:
        half = world.minutes // 2
        world.share[:, half:] = to
        world.weights[half:] = 100 * to

    return change


def clusters(mean: float = 3.0) -> Change:
    """A failing request is sent again to the same variant and fails again; as many requests fail as without."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.errors /= mean
        world.cluster = mean

    return change


def errors(rate: float, onset: int = 0) -> Change:
    def change(world: World, rng: np.random.Generator) -> None:
        world.errors[:, onset:, CANDIDATE] = rate
        world.onset = onset

    return change


def slower(factor: float) -> Change:
    def change(world: World, rng: np.random.Generator) -> None:
        world.slower[..., CANDIDATE] += np.log(factor)

    return change


def tail(factor: float) -> Change:
    """The 99th percentile is multiplied; the median stays."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.stretch[..., CANDIDATE] = 1 + np.log(factor) / np.log(3.2)

    return change


def invalid(rate: float) -> Change:
    def change(world: World, rng: np.random.Generator) -> None:
        world.invalid[..., CANDIDATE] = rate

    return change


def both(*changes: Change) -> Change:
    def change(world: World, rng: np.random.Generator) -> None:
        for each in changes:
            each(world, rng)

    return change
