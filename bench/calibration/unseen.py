"""Families the engine was not tuned on. They are run once, at the end: whoever looks at them while tuning spoils them.

Other strengths, correlation times, burst sizes and shapes of the tuned families, and worlds those do not have: heavy
tails, noise with heavy tails, error rates that drift, pauses, mixtures of everything.
"""

import numpy as np

from bench.calibration.families import Family
from bench.calibration.traffic import CANDIDATE, LOG_SD, World, lognormal
from bench.calibration.worlds import (
    SIDES,
    Change,
    arm_noise,
    autoregressive,
    both,
    bursts,
    clusters,
    cold_start,
    daily,
    errors,
    invalid,
    ramp,
    shared_shock,
    slower,
    weight_change,
)

PARETO_FROM, PARETO_INDEX = 0.90, 1.5


def pareto_tail(log_ratio: np.ndarray) -> np.ndarray:
    """Log-normal up to the 90th percentile, and a Pareto tail beyond it that has no variance."""
    start = 1.2816 * LOG_SD
    beyond = np.maximum(log_ratio - start, 0.0)
    return np.where(log_ratio < start, lognormal(log_ratio), 1 - (1 - PARETO_FROM) * np.exp(-PARETO_INDEX * beyond))


def heavy_tails(world: World, rng: np.random.Generator) -> None:
    world.latency = pareto_tail


def log_t_noise(sd: float = 0.06, correlation: float = 12.0, degrees: int = 3) -> Change:
    """Drift of each variant's latency whose scale differs widely between hours: Student t in the logarithm."""

    def change(world: World, rng: np.random.Generator) -> None:
        for side in SIDES:
            noise = autoregressive(rng, world.rate.shape, sd, correlation)
            scale = np.sqrt(degrees / rng.chisquare(degrees, (world.runs, -(-world.minutes // 60))))
            world.slower[..., side] += noise * scale.repeat(60, axis=1)[:, : world.minutes]

    return change


def error_noise(sd: float = 0.25, correlation: float = 15.0) -> Change:
    """Each variant's error rate drifts by itself."""

    def change(world: World, rng: np.random.Generator) -> None:
        for side in SIDES:
            world.errors[..., side] *= np.exp(autoregressive(rng, world.rate.shape, sd, correlation) - sd * sd / 2)

    return change


def pauses(per_hour: float = 1.0, factor: float = 2.0) -> Change:
    """Single minutes in which one variant is slow, as when it collects garbage or loses a neighbour."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.slower += np.log(factor) * (rng.random(world.slower.shape) < per_hour / 60)

    return change


def base_errors(rate: float) -> Change:
    def change(world: World, rng: np.random.Generator) -> None:
        world.errors[:] = rate

    return change


def warm_up(factor: float = 1.6, fade: float = 2.0) -> Change:
    """The candidate's slowness at the start fades: it is never quite gone at a given minute."""

    def change(world: World, rng: np.random.Generator) -> None:
        world.slower[..., CANDIDATE] += np.log(factor) * np.exp(-np.arange(world.minutes) / fade)

    return change


def simpson(to: float = 0.25) -> Change:
    """The share moves in the very minute in which everybody begins to fail more, and to be slower."""

    def change(world: World, rng: np.random.Generator) -> None:
        half = world.minutes // 2
        weight_change(to)(world, rng)
        world.errors[:, half:] *= 2
        world.slower[:, half:] += np.log(1.15)

    return change


def flapping(rate: float, period: int = 10) -> Change:
    """The candidate fails in every other stretch of `period` minutes."""

    def change(world: World, rng: np.random.Generator) -> None:
        bad = np.arange(world.minutes) // period % 2 == 0
        world.errors[:, bad, CANDIDATE] = rate

    return change


INNOCENT = (
    Family("arm noise 3 min", arm_noise((0.04, 0.09), (3.0, 3.0))),
    Family("arm noise 60 min", arm_noise((0.04, 0.09), (60.0, 60.0))),
    Family("arm noise strong", arm_noise((0.09, 0.12), (8.0, 20.0))),
    Family("log-t noise", log_t_noise()),
    Family("error noise", error_noise()),
    Family("shock 10 % 15 min", shared_shock(0.10, 15)),
    Family("cold start x5", cold_start(5.0, 3)),
    Family("fading warm-up", warm_up()),
    Family("frequent small bursts", bursts(part=0.5, size=6.0)),
    Family("large bursts", bursts(part=0.25, size=60.0)),
    Family("ramp down", ramp(3.0, 0.2)),
    Family("steep ramp", ramp(0.05, 5.0)),
    Family("daily cycle and noise", both(daily(0.9), arm_noise((0.04, 0.07), (6.0, 30.0)))),
    Family("weight to 50 %", weight_change(0.5)),
    Family("weight and level move", simpson()),
    Family("clusters of 5", clusters(5.0)),
    Family("few errors", base_errors(0.0005)),
    Family("many errors", base_errors(0.03)),
    Family("heavy tails and noise", both(heavy_tails, arm_noise((0.04, 0.07), (5.0, 25.0)))),
    Family("pauses", pauses()),
    Family("everything", both(daily(0.5), arm_noise((0.03, 0.06), (5.0, 30.0)), bursts(0.25, 10.0), clusters(2.0))),
)

GUILTY = (
    Family("errors 1.5 %", errors(0.015), guilty=True),
    Family("errors 3 % in noise", both(error_noise(), errors(0.03)), guilty=True),
    Family("errors 5 % flapping", flapping(0.05), guilty=True),
    Family("p50 +20 %", slower(1.2), guilty=True),
    Family("p50 +50 % in noise", both(arm_noise(), slower(1.5)), guilty=True),
    Family("p50 +30 % in tails", both(heavy_tails, slower(1.3)), guilty=True),
    Family("errors 5 % late", errors(0.05, onset=30), guilty=True),
    Family("invalid 3 %", invalid(0.03), guilty=True),
)

UNSEEN = {family.name: family for family in (*INNOCENT, *GUILTY)}
