"""The stories of drift, told: something changes, it is seen and named, it ends, and the alarm is over."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from rich.table import Table

from sandbox import changes, data
from sandbox.demo import baseline
from sandbox.demo.console import Stage
from sandbox.demo.drifts import DRIFTS, DriftStory
from sandbox.demo.watched import RATE, Watched, traffic
from sandbox.demo.world import CANDIDATE, ENDPOINT, World
from sandbox.environment import Sandbox
from slipway import names

SPEED = 30.0  # a look takes real seconds, and its time-outs are virtual
WINDOWS = {"window_minutes": 5, "settle_minutes": 1, "label_hours": 1}
ROWS = 18_000  # of the stream's day
QUIET, LABELLED = 2, 2  # windows before something happens
POLL, PATIENCE = 1.0, 240.0  # real seconds
STEPS = [
    {"phase": "SHADOW", "minutes": 5, "requests": 500},
    {"phase": "CANARY", "weight": 25, "minutes": 5, "requests": 300},
    {"phase": "BAKE", "weight": 100, "minutes": 5, "requests": 500},
]
ANSWERS = ("NOT RETRAINING", "WAITING", "RETRAINING")  # what retraining makes of a drift
T = TypeVar("T")


@dataclass
class DriftTold:
    """How a story went. rows: that were judged, from the change to the verdict. Times in virtual minutes."""

    story: DriftStory
    remedy: str = ""
    cause: str = ""
    says: str = ""
    blocked: bool = False
    retraining: str = ""
    rows: int = 0
    detected_after: float | None = None
    over_after: float | None = None
    wall_s: float = 0.0
    unexpected: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        wanted = self.story
        if wanted.scenes:
            return not self.unexpected
        named = self.cause in wanted.causes and self.over_after is not None
        return named and (self.remedy, self.blocked) == (wanted.remedy, wanted.blocks) and not self.unexpected


class NotSo(RuntimeError):
    """What a story waits for did not happen in time."""


def tell_all(chosen: list[str], out: Path, csv: Path | None = None, speed: float = SPEED) -> int:
    """Tells the stories; the exit status: 0 if all went as expected."""
    shutil.rmtree(out, ignore_errors=True)
    told: list[DriftTold] = []
    with Stage() as stage:
        stage.title("data")
        rows = data.fraud(csv=csv, progress=stage.say)
        stage.title(f"starting the sandbox, clock x{speed:g}")
        with Sandbox(speed, logs=out / "logs") as sandbox:
            world = World(sandbox, rows, out, stage.say)
            try:
                watched = set_up(world, stage, labelled=any(DRIFTS[name].labelled for name in chosen))
                for name in chosen:
                    told.append(Teller(world, watched, stage, DRIFTS[name]).tell())
            finally:
                world.stop()
        stage.console.print(table(told))
    (out / "drift.json").write_text(json.dumps([_line(one) for one in told], indent=2) + "\n")
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


def healthy(world: World) -> pd.DataFrame:
    """The stream's day without its hours: any minute is like any other."""
    rows = changes.staffed(traffic(world.slice("stream"), ROWS))
    return rows.sample(frac=1, random_state=changes.SEED, ignore_index=True)


class Teller:
    """One story."""

    def __init__(self, world: World, watched: Watched, stage: Stage, story: DriftStory) -> None:
        self._world, self._watched, self._stage, self._story = world, watched, stage, story
        self._healthy = healthy(world)
        self._told = DriftTold(story)

    def tell(self) -> DriftTold:
        began = time.monotonic()
        self._stage.title(f"story {self._story.name}: {self._story.says}")
        try:
            if self._story.scenes:
                self._silence()
            else:
                self._drift()
        except NotSo as error:
            self._told.unexpected.append(str(error))
            self._stage.say(f"UNEXPECTED {error}")
        self._told.wall_s = time.monotonic() - began
        return self._told

    def _drift(self) -> None:
        story, told, known = self._story, self._told, len(self._watched.told())
        if story.holdout:
            self._watched.compare_holdout(self._fresh(), 0.0)
        self._calm()
        began = self._now()
        self._begin()
        found = self._until(lambda: self._alarming(began), "drift is detected")
        first = next(finding for finding in found["findings"] if finding["alarming"])
        told.remedy, told.blocked = found["remedy"], found["blocks_retraining"]
        told.cause, told.says = self._leading(found, first)
        told.detected_after = (found["at"] - began) / 60
        told.rows = self._watched.rows(began, found["until"], labelled=story.labelled)
        self._stage.say(f"{found['remedy']}, retraining {'blocked' if told.blocked else 'not blocked'}: {told.says}")
        ringing = self._until(self._watched.ringing, "an alarm rings")
        self._stage.say(f"ALARM {', '.join(ringing)}")
        told.retraining = self._until(lambda: self._answer(known), "retraining has answered")
        self._stage.say(f"retraining: {told.retraining}")
        ended = self._now()
        self._end()
        self._until(lambda: not self._watched.ringing() and not self._alarming(ended), "the alarm is over")
        told.over_after = (self._now() - ended) / 60
        self._stage.say(f"alarm OK after {told.over_after:.0f} virtual minutes")

    def _calm(self) -> None:
        """Windows that nothing happened in; with labels, where it takes them."""
        needs = LABELLED if self._story.labelled else 0
        since = self._now()
        self._until(lambda: sum(v["until"] > since for v in self._watched.verdicts()) >= QUIET, "windows are judged")
        self._until(lambda: self._watched.labelled() >= needs, "windows have labels")
        if found := self._alarming(since):
            raise NotSo(f"silence before anything happens: {found['reasons']}")
        self._stage.say(
            f"{len(self._watched.verdicts())} windows judged, {self._watched.labelled()} with labels: quiet"
        )

    def _begin(self) -> None:
        story = self._story
        if story.change:
            self._watched.send(story.change(self._healthy))
        if story.fault:
            self._world.inject(names.BASELINE, story.fault)
        if story.holdout:
            old, stream = (pd.read_parquet(self._world.slice(name)) for name in (story.holdout, "stream"))
            self._watched.compare_holdout(old, float(stream["Time"].max() - old["Time"].max()))

    def _end(self) -> None:
        story = self._story
        if story.change:
            self._watched.send(self._healthy)
        if story.fault:
            self._world.inject(names.BASELINE, {})
        if story.holdout:
            self._watched.compare_holdout(self._fresh(), 0.0)

    def _fresh(self) -> pd.DataFrame:
        return pd.read_parquet(self._world.slice("stream"))

    def _alarming(self, since: float) -> dict[str, Any] | None:
        """The newest verdict, if it was given since then and holds an alarm."""
        newest = max(self._watched.verdicts(), key=lambda verdict: verdict["at"], default=None)
        loud = newest and any(finding["alarming"] for finding in newest["findings"])
        return newest if newest and loud and newest["at"] > since else None

    @staticmethod
    def _leading(found: dict[str, Any], first: dict[str, Any]) -> tuple[str, str]:
        """The cause and words of the finding that the remedy is for."""
        reason = found["reasons"][0] if found["reasons"] else first["says"]
        for finding in found["findings"]:
            if finding["alarming"] and finding["says"] == reason:
                return finding["cause"], f"{finding['subject']}: {reason}"
        return first["cause"], f"{first['subject']}: {reason}"

    def _answer(self, known: int) -> str:
        """Retraining's, to people."""
        for message in self._watched.told()[known:]:
            if str(message["subject"]).startswith(ANSWERS):
                lines = [line for line in str(message["body"]).splitlines() if line]
                return f"{message['subject']}: {lines[0].removeprefix('- ')}" if lines else str(message["subject"])
        return ""

    def _silence(self) -> None:
        """The scenes in turn, while a better model is promoted."""
        baseline.make(self._world, self._world.first_model(), names.FIRST, by_hour=True)
        self._calm()
        known, since = len(self._watched.told()), self._now()
        day = changes.staffed(traffic(self._world.slice("stream"), ROWS))
        package = ""
        for number, scene in enumerate(self._story.scenes):
            hours = day.iloc[int(scene.begin * len(day)) : int(scene.end * len(day))]
            part = hours.sample(frac=scene.rate, replace=scene.rate > 1, random_state=number).sort_index()
            self._stage.say(f"{scene.says}: {len(part):,} rows")
            self._watched.send(part, scene.rate)
            until = time.monotonic() + len(hours) / RATE
            if number == 1:
                package = self._release()
            while time.monotonic() < until:
                self._note(since)
                time.sleep(2 * POLL)
        self._until(lambda: self._promoted(package), "the release has ended as PROMOTED")
        settled = self._now()
        self._until(lambda: any(v["since"] > settled for v in self._watched.verdicts()), "the last windows are judged")
        self._note(since)
        both = [v for role in names.ROLES for v in self._watched.verdicts(role) if v["at"] > since]
        loud = [v for v in both if any(f["alarming"] for f in v["findings"])]
        self._told.unexpected += [f"{v['remedy']}: {f['says']}" for v in loud for f in v["findings"] if f["alarming"]]
        subjects = [str(message["subject"]) for message in self._watched.told()[known:]]
        self._told.unexpected += [s for s in subjects if "drift" in s or s.startswith("UNWATCHED")]
        self._told.remedy = "NOTHING" if not loud else loud[0]["remedy"]
        self._told.rows = self._watched.rows(since, self._now(), labelled=False)
        self._told.says = f"{len(both)} verdicts, {len(loud)} with an alarm; package promoted"
        self._stage.say(self._told.says)

    def _release(self) -> str:
        artifact = self._world.train("candidate", CANDIDATE)
        package = self._world.register(artifact)
        baseline.make(self._world, artifact, package.rpartition("/")[2], by_hour=True)
        self._world.approve(package)
        self._stage.say(f"approved {package}")
        return package

    def _promoted(self, package: str) -> bool:
        seen = self._world.sandbox.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
        config = self._world.sandbox.client("sagemaker").describe_endpoint_config(
            EndpointConfigName=seen["EndpointConfigName"]
        )
        version = package.rpartition("/")[2]
        served = [names.package_version(ENDPOINT, v["ModelName"]) for v in config["ProductionVariants"]]
        return served == [version] and seen["EndpointStatus"] == "InService"

    def _note(self, since: float) -> None:
        for name in self._watched.ringing():
            if (alarm := f"ALARM {name}") not in self._told.unexpected:
                self._told.unexpected.append(alarm)
                self._stage.say(f"UNEXPECTED {alarm}: {(self._alarming(since) or {}).get('reasons')}")

    def _until(self, question: Callable[[], T | None], what: str) -> T:
        deadline = time.monotonic() + PATIENCE
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise NotSo(f"after {PATIENCE:.0f} s still not so: {what}")
            time.sleep(POLL)
        return answer

    def _now(self) -> float:
        return self._world.sandbox.clock.now()


def table(told: list[DriftTold]) -> Table:
    made = Table(title="What was seen", header_style="bold")
    for column in ("story", "remedy", "cause", "rows", "seen after", "retraining", "alarm OK after", "wall"):
        made.add_column(column)
    for one in told:
        style = "green" if one.good else "red"
        made.add_row(
            one.story.name,
            f"[{style}]{one.remedy or '-'}[/]",
            one.cause or "-",
            f"{one.rows:,}",
            _minutes(one.detected_after),
            "-" if one.story.scenes else "blocked" if one.blocked else "not blocked",
            _minutes(one.over_after),
            f"{one.wall_s:.0f} s",
        )
    return made


def _minutes(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:.0f} min"


def _line(told: DriftTold) -> dict[str, Any]:
    return {
        "name": told.story.name,
        "good": told.good,
        **{name: value for name, value in vars(told).items() if name != "story"},
    }
