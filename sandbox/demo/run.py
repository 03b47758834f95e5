"""The demo from beginning to end."""

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from sandbox import data
from sandbox.demo import report
from sandbox.demo.console import Stage
from sandbox.demo.stories import STORIES
from sandbox.demo.watch import Told, Watcher
from sandbox.demo.world import CANDIDATE, World
from sandbox.environment import Sandbox

SPEED = 60.0  # a minute of the release's clock is a second
RATE = 400.0  # requests a real second


def run(names: list[str], out: Path, csv: Path | None = None, speed: float = SPEED, rate: float = RATE) -> int:
    """Tells the stories; the exit status: 0 if every outcome is the expected one."""
    began, peak = time.monotonic(), PeakMemory()
    shutil.rmtree(out, ignore_errors=True)
    told: list[Told] = []
    with Stage() as stage, peak:
        stage.title("data")
        rows = data.fraud(csv=csv, progress=stage.say)
        stage.title(f"starting the sandbox, clock x{speed:g}")
        with Sandbox(speed, logs=out / "logs") as sandbox:
            world = World(sandbox, rows, out, stage.say)
            try:
                set_up(world, stage, rate)
                artifact = world.train("candidate", CANDIDATE)
                for name in names:
                    told.append(tell(world, stage, name, artifact))
            finally:
                world.stop()
            messages = notifications(sandbox)
    result = report.summary(told, time.monotonic() - began, peak.mib, speed)
    page = report.write(out, result, messages)
    stage.summary(told, page)
    return 0 if all(story.outcome == story.expected for story in told) else 1


def set_up(world: World, stage: Stage, rate: float) -> None:
    """From an empty account to an endpoint with users."""
    stage.title("cdk bootstrap, cdk deploy --all")
    world.deploy_frame()
    stage.title("a training job makes the champion; cdk deploy --all makes its endpoint")
    world.deploy_champion()
    stage.title(f"users send {rate:g} requests a second; a training job makes the candidate")
    world.start_users(rate)


def tell(world: World, stage: Stage, name: str, artifact: str) -> Told:
    """One story: register, approve, watch."""
    story = STORIES[name]
    stage.title(f"story {name}: {story.says}")
    world.use_plan(story.plan)
    package = world.register(artifact, story.candidate)
    world.approve(package)
    stage.say(f"approved {package}")
    stage.world = world
    stage.new_release()
    watcher = Watcher(world, story, stage.scene, each_look=stage.news)
    return watcher.follow(package)


def notifications(sandbox: Sandbox) -> list[dict[str, Any]]:
    file = sandbox.logs / "notifications.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class PeakMemory:
    """Peak of the resident memory of this process and all its descendants, sampled each half second."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.5):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.mib = max(self.mib, total / 2**20)
