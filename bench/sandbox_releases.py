"""python -m bench.sandbox_releases [--quick] [--runs 20]: whole releases in the sandbox, good ones that start badly and
bad ones.

Slipway is deployed once; then release after release goes through the real workflow, functions, alarms and endpoint. A
good candidate has a noisy start: in its first minutes with users it is slow, and for less than a minute some of its
answers fail, fewer than the 10 % at which the alarm rolls back whatever the judge thinks; strengths and times are drawn
with the run's number as seed. Prints how many were rolled back, and how many users' requests each bad candidate got.
Writes out/bench/sandbox_releases.json; fails if a good one is rolled back
or a bad one promoted.
"""

import argparse
import json
import random
import shutil
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox import data
from sandbox.demo.stories import Story
from sandbox.demo.watch import Scene, Told, Watcher
from sandbox.demo.world import CANDIDATE, PLAN, World
from sandbox.environment import Sandbox
from slipway import names

OUT = Path("out/bench")
SPEED, RATE = 60.0, 150.0  # virtual seconds a second; users' requests a real second
RUNS, QUICK_RUNS = 20, 3
WEIGHT = 25
STEP = {"phase": "CANARY", "weight": WEIGHT, "minutes": 5, "requests": 300, "at_most": 240}

GOOD = Story("noisy start", "slow and failing in its first minutes, then good", "PROMOTED")
BAD = tuple(
    Story(name, "bad from its first minute with users", "ROLLED_BACK", candidate, fault, WEIGHT)
    for name, candidate, fault in (
        ("outage", "good", {"error_rate": 1.0}),
        ("errors 10 %", "good", {"error_rate": 0.1}),
        ("errors 3 %", "good", {"error_rate": 0.03}),
        ("25 ms slower", "good", {"extra_latency_ms": 25.0}),
        ("10 ms slower", "good", {"extra_latency_ms": 10.0}),
        ("NaN for some inputs", "nan", {}),
        ("errors on some inputs", "errors", {}),
    )
)


class NoisyStart:
    """Physics of a start: what is wrong with the candidate so many virtual seconds after its step was in place."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.slow_ms, self.slow_until = rng.uniform(5, 40), rng.uniform(60, 150)
        self.failing, self.burst_at, self.burst_s = rng.uniform(0.02, 0.09), rng.uniform(0, 90), rng.uniform(20, 50)

    def fault(self, seconds: float) -> dict[str, float]:
        fault = {}
        if seconds < self.slow_until:
            fault["extra_latency_ms"] = self.slow_ms
        if self.burst_at <= seconds < self.burst_at + self.burst_s:
            fault["error_rate"] = self.failing
        return fault


@dataclass(frozen=True)
class Run:
    """exposed, lost: users' requests that the candidate got, and that got no good answer; minutes: virtual, from the
    candidate's first traffic of users to weight 0, or None."""

    story: str
    seed: int
    outcome: str
    expected: str
    decided_by: str
    reason: str
    exposed: int
    lost: int
    minutes: float | None
    wall_s: float


class TooSlow(RuntimeError):
    """The machine lost measurements, so what the judge decides says nothing."""


class Disturbance:
    """Keeps the candidate's fault at what its noisy start says; called at each look at a release. Raises TooSlow."""

    def __init__(self, world: World, scene: Scene, start: NoisyStart | None) -> None:
        self._world, self._scene, self._start = world, scene, start
        self._now: dict[str, float] = {}

    def __call__(self) -> None:
        if self._world.dropped():
            raise TooSlow("the data plane lost metrics: run it alone on the machine, or with a smaller --speed")
        if self._start is None:
            return
        release = self._scene.release
        placed = release["in_place_at"] if release["phase"] == "CANARY" else None
        wanted = {} if placed is None else self._start.fault(self._world.sandbox.clock.now() - placed)
        if wanted != self._now:
            self._world.inject(names.CANDIDATE, wanted)
            self._now = wanted


def tell(world: World, story: Story, seed: int, artifact: str) -> Run:
    scene = Scene()
    look = Disturbance(world, scene, NoisyStart(seed) if story is GOOD else None)
    package = world.register(artifact, story.candidate)
    world.approve(package)
    told = Watcher(world, story, scene, each_look=look).follow(package)
    return Run(
        story.name,
        seed,
        told.outcome,
        told.expected,
        told.decided_by,
        told.reason,
        told.exposed,
        told.lost,
        _minutes(told),
        round(told.wall_s, 1),
    )


def _minutes(told: Told) -> float | None:
    began = next((visit.entered_at for visit in told.visits if visit.weight), None)
    if began is None or told.zero_at is None:
        return None
    return round((told.zero_at - began) / 60, 1)


def runs(good: int, each_bad: int, out: Path, speed: float = SPEED) -> list[Run]:
    found: list[Run] = []
    shutil.rmtree(out, ignore_errors=True)
    plan: dict[str, Any] = {**PLAN, "steps": [PLAN["steps"][0], STEP, PLAN["steps"][-1]]}  # type: ignore[index]
    with Sandbox(speed, logs=out / "logs") as sandbox:
        world = World(sandbox, data.fraud(), out, lambda _: None, plan)
        try:
            world.deploy_frame()
            world.deploy_champion()
            world.start_users(RATE)
            artifact = world.train("candidate", CANDIDATE)
            for story, seed in [(GOOD, i) for i in range(good)] + [(bad, i) for bad in BAD for i in range(each_bad)]:
                found.append(tell(world, story, seed, artifact))
                _say(found[-1])
        finally:
            world.stop()
    return found


def _say(run: Run) -> None:
    line = f"{run.story:<22} {run.seed:>3}  {run.outcome:<12} {run.exposed:>7,} exposed  {run.wall_s:>5.0f} s  "
    print(f"{line}{run.decided_by}: {run.reason}"[:200], file=sys.stderr, flush=True)


def table(found: list[Run]) -> str:
    lines = ["candidate               runs  rolled back  exposed (median, most)   lost  minutes to weight 0"]
    for name in dict.fromkeys(run.story for run in found):
        mine = [run for run in found if run.story == name]
        back = [run for run in mine if run.outcome == "ROLLED_BACK"]
        exposed = [run.exposed for run in mine]
        minutes = [run.minutes for run in back if run.minutes is not None]
        lines.append(
            f"{name:<22}  {len(mine):>4}  {len(back) / len(mine):>11.0%}  "
            f"{statistics.median(exposed):>13,.0f} {max(exposed):>8,}  {sum(run.lost for run in mine):>6,}  "
            f"{f'{statistics.median(minutes):.1f}' if minutes else '-':>19}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sandbox_releases", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} good releases")
    parser.add_argument("--runs", type=int, help=f"good releases (default {RUNS})")
    parser.add_argument("--each", type=int, default=1, help="releases of each bad candidate")
    parser.add_argument("--speed", type=float, default=SPEED, help="virtual seconds a second (default 60)")
    args = parser.parse_args()
    began = time.monotonic()
    found = runs(args.runs or (QUICK_RUNS if args.quick else RUNS), args.each, OUT / "sandbox_releases", args.speed)
    wrong = [run for run in found if run.outcome != run.expected]
    print(table(found))
    print(f"\n{len(found) - len(wrong)} of {len(found)} as they should be, {time.monotonic() - began:.0f} s")
    path = OUT / "sandbox_releases.json"
    path.write_text(json.dumps([asdict(run) for run in found], indent=2) + "\n")
    print(path)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
