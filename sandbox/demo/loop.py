"""The story `drift`: the world changes, and in the end a better model serves, without a hand touching it.

Users' rows are payments drawn with more frauds among them, so that labels are enough within hours. From row STEADY on
one feature, the one the champion relies on, is shifted: injected drift. A drawn row may come twice, in training and
holdout too: the story shows that the loop closes, not how good a challenger is.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import xgboost

from sandbox import data
from sandbox.demo import report
from sandbox.demo.console import Stage
from sandbox.demo.run import PeakMemory, notifications
from sandbox.demo.stories import LOOP
from sandbox.demo.toolchain import ROOT
from sandbox.demo.watch import POLL, Told, Watcher
from sandbox.demo.world import CHAMPION, ENDPOINT, PLAN, World
from sandbox.environment import Sandbox
from slipway import names

RATE = 250.0  # requests a real second
STEADY, SHIFTED, FRAUDS, SEED = 7_500, 150_000, 0.1, 11
SHIFT = 2.0  # standard deviations
PATIENCE = 600.0  # real seconds for each leg
ENDED = ("APPROVED", "REFUSED", "REJECTED", "FAILED", "STOPPED")
# Waiting times fit a demonstration; how sure detectors, gate and judge must be is the default. 60 % of the users'
# requests get a label, half of these within half an hour.
SETTINGS: dict[str, Any] = {
    "monitor": "slipway",
    "drift": {"window_minutes": 5, "settle_minutes": 1, "label_hours": 1},
    "retraining": {"approval": "automatic", "window_days": 1, "label_hours": 1, "matured": 0.5},
}
# The challenger is meant to disagree with a champion that is wrong.
CALM_PLAN = {**PLAN, "guardrails": [{"metric": "quality", "required": False}]}
T = TypeVar("T")


class NotClosed(RuntimeError):
    """The loop stopped at a leg; the message says at which, and what is known of it."""


def run(out: Path, csv: Path | None, speed: float, rate: float) -> int:
    """Tells the story; the exit status: 0 if it ends with the new model promoted and the alarm over."""
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    with Stage() as stage, PeakMemory() as peak, Sandbox(speed, logs=out / "logs") as sandbox:
        world = World(sandbox, data.fraud(csv=csv, progress=stage.say), out, stage.say, CALM_PLAN)
        try:
            told = Loop(world, stage).tell(rate)
        finally:
            world.stop()
        messages = notifications(sandbox)
    result = report.summary([told], time.monotonic() - began, peak.mib, speed)
    stage.summary([told], report.write(out, result, messages))
    return 0 if told.outcome == told.expected else 1


class Loop:
    """One telling. Times are printed in minutes of the sandbox's clock since the drift began."""

    def __init__(self, world: World, stage: Stage) -> None:
        self._world, self._stage, self._drifted_at = world, stage, 0.0

    def tell(self, rate: float) -> Told:
        """Raises NotClosed."""
        self._set_up(rate)
        began = time.monotonic()
        self._stage.title(f"story {LOOP.name}: {LOOP.says}")
        users = self._world.users
        self._until(lambda: users and users.latest.get("sent", 0) >= STEADY, "users have sent what is as it was")
        self._drifted_at = self._world.sandbox.clock.now()
        self._leg("the feature shifts")
        self._until(self._told_of("RETRAIN:"), "Drift Detected")
        self._leg("Drift Detected: " + self._told_of("RETRAIN:")()[0])
        package = self._retrained()
        self._stage.world = self._world
        self._stage.new_release()
        told = Watcher(self._world, LOOP, self._stage.scene, each_look=self._stage.news).follow(package)
        self._leg(f"release {told.outcome}: {told.reason[:120]}")
        if told.outcome == told.expected:
            self._until(self._told_of("DRIFT OVER:"), "Drift Ended")
            self._leg("Drift Ended")
            self._until(lambda: self._alarm() == "OK", "the alarm is over")
            self._leg("alarm OK")
        told.wall_s = time.monotonic() - began
        return told

    def _set_up(self, rate: float) -> None:
        world, stage = self._world, self._stage
        stage.title("cdk bootstrap, cdk deploy --all")
        world.deploy_frame()
        stage.title("a training job makes the champion; cdk deploy --all makes its endpoint, which is watched")
        artifact = world.train("champion", CHAMPION)
        steady, stream = self._rows(self._fetch(artifact))
        self._baseline(steady)
        world.cdk.deploy([world.endpoint(artifact) | SETTINGS], world.say)
        stage.title(f"users send {rate:g} requests a second")
        world.start_users(rate, stream)

    def _fetch(self, artifact: str) -> Path:
        bucket, _, key = artifact.removeprefix("s3://").partition("/")
        target = self._world.out / "champion" / "model.tar.gz"
        target.parent.mkdir(parents=True)
        self._world.sandbox.client("s3").download_file(bucket, key, str(target))
        return target

    def _rows(self, champion: Path) -> tuple[Path, Path]:
        """What the baseline is made of, and what users send."""
        rows = pd.read_parquet(self._world.slice("stream"))
        drawn = rows.sample(
            2 * STEADY + SHIFTED,
            replace=True,
            weights=rows["Class"].map({1: FRAUDS / rows["Class"].sum(), 0: (1 - FRAUDS) / (rows["Class"] == 0).sum()}),
            random_state=SEED,
            ignore_index=True,
        ).round(6)
        steady, stream = drawn[:STEADY], drawn[STEADY:].reset_index(drop=True)
        name = important(champion)
        stream.loc[STEADY:, name] += SHIFT * steady[name].std()
        files = self._world.out / "data" / "steady.parquet", self._world.out / "data" / "sent.parquet"
        for frame, file in zip((steady, stream), files, strict=True):
            frame.to_parquet(file, index=False)
        return files

    def _baseline(self, table: Path) -> None:
        """The champion's, as people make it."""
        folder = self._world.out / "baseline"
        command = [sys.executable, "-m", "monitoring", "baseline", "--package", names.FIRST, "--label", "Class"]
        command += ["--input", str(table), "--model", str(self._world.out / "champion"), "--output", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        s3, bucket = self._world.sandbox.client("s3"), self._world.outputs()["BucketName"]
        for file in sorted(folder.iterdir()):
            s3.upload_file(str(file), bucket, names.monitored(ENDPOINT, names.BASELINES, names.FIRST, file.name))

    def _retrained(self) -> str:
        """Follows the run, leg by leg; the package that was approved."""
        seen = 0
        deadline = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < deadline:
            for known in self._runs():
                for leg in known["legs"][seen:]:
                    at = (leg["since"] - self._drifted_at) / 60
                    self._leg(f"run {leg['state']}", at)
                seen = len(known["legs"])
                if known["state"] in ENDED:
                    if known["state"] != "APPROVED":
                        raise NotClosed(f"run {known['id']} is {known['state']}: {'; '.join(known['reasons'])}")
                    return str(known["package"])
            time.sleep(POLL)
        raise NotClosed("no retraining ended in time; the newest messages: " + "; ".join(self._subjects()[-3:]))

    def _runs(self) -> Iterator[dict[str, Any]]:
        asked = {":pk": {"S": f"ENDPOINT#{ENDPOINT}"}, ":sk": {"S": "RUN#"}}
        condition = "pk = :pk AND begins_with(sk, :sk)"
        found = self._world.sandbox.client("dynamodb").query(
            TableName=names.LEDGER_TABLE, KeyConditionExpression=condition, ExpressionAttributeValues=asked
        )
        return (json.loads(item["document"]["S"]) for item in found["Items"])

    def _subjects(self) -> list[str]:
        file = self._world.sandbox.logs / "notifications.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [str(json.loads(line).get("subject")) for line in lines]

    def _told_of(self, start: str) -> Callable[[], list[str]]:
        return lambda: [subject for subject in self._subjects() if subject.startswith(start)]

    def _alarm(self) -> str:
        alarms = self._world.sandbox.client("cloudwatch").describe_alarms(
            AlarmNames=[names.drift_alarm(ENDPOINT, "feature")]
        )
        return str(alarms["MetricAlarms"][0]["StateValue"])

    def _leg(self, what: str, minutes: float | None = None) -> None:
        since = (self._world.sandbox.clock.now() - self._drifted_at) / 60 if minutes is None else minutes
        self._stage.title(f"{since:6.1f} min  {what}")

    def _until(self, question: Callable[[], T], what: str) -> T:
        deadline = time.monotonic() + PATIENCE
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise NotClosed(f"{what}: not within {PATIENCE:.0f} s; messages: {'; '.join(self._subjects()[-3:])}")
            time.sleep(POLL)
        return answer


def important(artifact: Path) -> str:
    """The feature that a model's trees gain most by."""
    with tarfile.open(artifact) as archive:
        member = archive.extractfile("model.ubj")
        assert member is not None
        booster = xgboost.Booster(model_file=bytearray(member.read()))
    gains = booster.get_score(importance_type="total_gain")
    return max(gains, key=lambda name: gains[name])
