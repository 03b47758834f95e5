"""The families the engine was tuned on: innocent candidates in imperfect worlds (A/A), and guilty ones (faults)."""

from dataclasses import dataclass

import numpy as np

from bench.calibration import worlds
from bench.calibration.traffic import World

MINUTES = {100.0: 60, 1.0: 360}  # looked at, at each rate in requests/s
PAST = 1440  # minutes before the release
LATE = 60  # minute at which the late regression begins


@dataclass(frozen=True)
class Family:
    """A way to change a calm world. guilty: the candidate is to be rolled back; extra: minutes on top of the usual."""

    name: str
    change: worlds.Change
    guilty: bool = False
    extra: dict[float, int] | None = None

    def minutes(self, rate: float) -> int:
        return MINUTES[rate] + (self.extra or {}).get(rate, 0)

    def world(self, rate: float, runs: int, rng: np.random.Generator) -> World:
        return self._world(rate, runs, self.minutes(rate), rng)

    def past(self, rate: float, runs: int, rng: np.random.Generator) -> World:
        """The same imperfect world, of the day before; with the same seed, what is drawn once is the same."""
        return self._world(rate, runs, PAST, rng)

    def _world(self, rate: float, runs: int, minutes: int, rng: np.random.Generator) -> World:
        world = World.calm(rate, runs, minutes)
        self.change(world, rng)
        return world


INNOCENT = (
    Family("iid", worlds.iid),
    Family("shared shock", worlds.shared_shock()),
    Family("arm noise", worlds.arm_noise()),
    Family("cold start", worlds.cold_start()),
    Family("bursts", worlds.bursts()),
    Family("ramp", worlds.ramp()),
    Family("daily cycle", worlds.daily()),
    Family("weight change", worlds.weight_change()),
    Family("clustered retries", worlds.clusters()),
)

GUILTY = (
    Family("errors 1 %", worlds.errors(0.01), guilty=True),
    Family("errors 2 %", worlds.errors(0.02), guilty=True),
    Family("errors 5 %", worlds.errors(0.05), guilty=True),
    Family("p50 +10 %", worlds.slower(1.1), guilty=True),
    Family("p50 +30 %", worlds.slower(1.3), guilty=True),
    Family("p99 x2", worlds.tail(2.0), guilty=True),
    Family("outage", worlds.errors(1.0), guilty=True),
    Family("errors 2 % late", worlds.errors(0.02, onset=LATE), guilty=True, extra={100.0: 60}),
    Family("invalid 1 %", worlds.invalid(0.01), guilty=True),
)

FAMILIES = {family.name: family for family in (*INNOCENT, *GUILTY)}
