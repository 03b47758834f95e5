"""The stories of drift from beginning to end, several of them in one sandbox."""

import json
import shutil
from pathlib import Path

from sandbox import data
from sandbox.demo import baseline
from sandbox.demo.console import Stage
from sandbox.demo.drift_told import DriftTold, table
from sandbox.demo.drifts import DRIFTS
from sandbox.demo.silence import Silence
from sandbox.demo.teller import Teller, healthy
from sandbox.demo.watched import Watched
from sandbox.demo.world import World
from sandbox.environment import Sandbox
from slipway import names

SPEED = 60.0  # a minute of the endpoint's clock is a second
WINDOWS = {"window_minutes": 10, "settle_minutes": 2, "label_hours": 1, "holdout_hours": 0.25}
STEPS = [
    {"phase": "SHADOW", "minutes": 5, "requests": 500},
    {"phase": "CANARY", "weight": 25, "minutes": 5, "requests": 300},
    {"phase": "BAKE", "weight": 100, "minutes": 5, "requests": 500},
]


def tell_all(chosen: list[str], out: Path, csv: Path | None = None, speed: float = SPEED) -> int:
    """Tells the stories; the exit status: 0 if all went as expected."""
    shutil.rmtree(out, ignore_errors=True)
    # Silence comes last: from then on another model serves, by the hours of its baseline.
    stories = sorted((DRIFTS[name] for name in chosen), key=lambda story: bool(story.scenes))
    told: list[DriftTold] = []
    with Stage() as stage:
        stage.title("data")
        rows = data.fraud(csv=csv, progress=stage.say)
        stage.title(f"starting the sandbox, clock x{speed:g}")
        with Sandbox(speed, logs=out / "logs") as sandbox:
            world = World(sandbox, rows, out, stage.say)
            try:
                watched = set_up(world, stage, labelled=any(story.labelled for story in stories))
                for story in stories:
                    teller = Silence if story.scenes else Teller
                    told.append(teller(world, watched, stage, story, after=bool(told)).tell())
            finally:
                world.stop()
        stage.console.print(table(told))
    (out / "drift.json").write_text(json.dumps([one.line() for one in told], indent=2) + "\n")
    return 0 if all(one.good for one in told) else 1


def set_up(world: World, stage: Stage, *, labelled: bool) -> Watched:
    """From an empty account to an endpoint that is watched, with healthy users."""
    world.plan |= {"steps": STEPS}
    stage.title("cdk bootstrap, cdk deploy --all")
    world.deploy_frame()
    stage.title("a training job makes the champion; cdk deploy --all makes its endpoint")
    artifact = world.deploy_champion()
    stage.title("the champion's baseline; cdk deploy --all with monitoring")
    baseline.make(world, artifact, names.FIRST)
    watched = Watched(world, labelled=labelled)
    watched.send(healthy(world))
    world.watch(WINDOWS)
    return watched
