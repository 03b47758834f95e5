"""The loop: the world changes, and in the end a better model serves, without a hand touching it."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sandbox import mlflow
from sandbox.demo import baseline, report
from sandbox.demo.console import Stage
from sandbox.demo.run import PeakMemory, notifications
from sandbox.demo.tellings import TELLINGS, Telling
from sandbox.demo.toolchain import ROOT
from sandbox.demo.watch import POLL, Told, Watcher
from sandbox.demo.world import CHAMPION, PAYMENTS, World
from sandbox.environment import Sandbox
from slipway import names

PATIENCE = 600.0  # real seconds for each leg
ENDED = ("APPROVED", "REFUSED", "REJECTED", "FAILED", "STOPPED")
T = TypeVar("T")


class NotClosed(RuntimeError):
    """The loop stopped at a leg; the message says at which, and what is known of it."""


def run(name: str, out: Path, csv: Path | None, speed: float | None, rate: float | None) -> int:
    """Tells one; the exit status: 0 if it ends with the new model promoted and the alarms over."""
    telling, began = TELLINGS[name], time.monotonic()
    speed = speed or telling.speed
    shutil.rmtree(out, ignore_errors=True)
    with Stage() as stage, PeakMemory() as peak, Sandbox(speed, logs=out / "logs", mlflow=True) as sandbox:
        given = {"csv": csv} if telling.dataset is PAYMENTS else {}
        rows = telling.source(**given, progress=stage.say)
        world = World(sandbox, rows, out, stage.say, telling.plan, telling.dataset)
        try:
            told = Loop(world, stage, telling).tell(rate or telling.rate)
        finally:
            world.stop()
        messages = notifications(sandbox)
    result = report.summary([told], time.monotonic() - began, peak.mib, speed)
    stage.legs(told)
    stage.summary([told], report.write(out, result, messages))
    return 0 if told.outcome == told.expected else 1


class Loop:
    """One telling. Times are minutes of the sandbox's clock since the drift began, or since the first request."""

    def __init__(self, world: World, stage: Stage, telling: Telling) -> None:
        self._world, self._stage, self._telling, self._began = world, stage, telling, 0.0
        self._legs: list[dict[str, Any]] = []

    def tell(self, rate: float) -> Told:
        """Raises NotClosed."""
        began, story = time.monotonic(), self._telling.story
        self._stage.title(f"story {story.name}: {story.says}")
        self._set_up(rate)
        users = self._world.users
        self._until(lambda: users and users.latest.get("sent", 0) >= self._telling.drifts_at, "users have sent")
        self._began = self._world.sandbox.clock.now()
        self._leg("the feature shifts" if self._telling.drifts_at else "the stream begins")
        self._until(self._told_of("RETRAIN:"), "Drift Detected")
        self._leg("Drift Detected: " + self._told_of("RETRAIN:")()[0])
        package = self._retrained()
        self._stage.world = self._world
        self._stage.new_release()
        told = Watcher(self._world, story, self._stage.scene, each_look=self._stage.news).follow(package)
        self._leg(f"release {told.outcome}: {told.reason[:120]}")
        if told.outcome == told.expected:
            champion = self._until(lambda: self._champion(package), "MLflow knows what serves")
            self._leg(f"MLflow: champion is version {champion}")
            self._until(self._over, "Drift Ended")
            self._leg("Drift Ended")
            moment = self._world.sandbox.clock.now()
            found = self._until(lambda: self._judged(moment), "a window that the new model answered is judged")
            self._leg(f"a window that the new model answered is judged: {found['remedy']}")
            self._until(lambda: not self._ringing(), "the alarms are over")
            self._leg("alarms OK")
        told.wall_s, told.legs = time.monotonic() - began, self._legs
        return told

    def _set_up(self, rate: float) -> None:
        world, stage, telling = self._world, self._stage, self._telling
        stage.title("cdk bootstrap, cdk deploy --all")
        world.deploy_frame()
        stage.title("a training job makes the champion; cdk deploy --all makes its endpoint, which is watched")
        artifact = world.train("champion", CHAMPION)
        healthy, sent = telling.rows(world, self._fetch(artifact))
        files = {name: world.out / "data" / f"{name}.parquet" for name in ("compared", "sent")}
        for frame, file in zip((healthy, sent), files.values(), strict=True):
            frame.to_parquet(file, index=False)
        self._baseline(files["compared"])
        kept = {"retraining": world.settings["retraining"] | telling.settings["retraining"]}
        world.cdk.deploy([world.endpoint(artifact) | telling.settings | kept], world.say)
        stage.title(f"users send {rate:g} requests a second")
        world.start_users(rate, files["sent"], *telling.traffic)

    def _fetch(self, artifact: str) -> Path:
        bucket, _, key = artifact.removeprefix("s3://").partition("/")
        target = self._world.out / "champion" / "model.tar.gz"
        target.parent.mkdir(parents=True)
        self._world.sandbox.client("s3").download_file(bucket, key, str(target))
        return target

    def _baseline(self, table: Path) -> None:
        """The champion's, as people make it."""
        world, data = self._world, self._telling.dataset
        folder = world.out / "baseline"
        command = [sys.executable, "-m", "monitoring", "baseline", "--package", names.FIRST, "--label", data.target]
        command += ["--input", str(table), "--model", str(world.out / "champion"), "--output", str(folder)]
        command += ["--time", data.time] if self._telling.ordered else []
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        files = {file.name: file.read_text() for file in sorted(folder.iterdir())}
        baseline.put(world, names.FIRST, files | dict(self._telling.beside))

    def _retrained(self) -> str:
        """Follows the run, leg by leg; the package that was approved."""
        seen = 0
        deadline = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < deadline:
            for known in self._runs():
                for leg in known["legs"][seen:]:
                    self._leg(f"run {leg['state']}", leg["since"])
                seen = len(known["legs"])
                if known["state"] in ENDED:
                    if known["state"] != "APPROVED":
                        raise NotClosed(f"run {known['id']} is {known['state']}: {'; '.join(known['reasons'])}")
                    return str(known["package"])
            time.sleep(POLL)
        raise NotClosed("no retraining ended in time; the newest messages: " + "; ".join(self._subjects()[-3:]))

    def _runs(self) -> Iterator[dict[str, Any]]:
        asked = {":pk": {"S": f"ENDPOINT#{self._world.name}"}, ":sk": {"S": "RUN#"}}
        condition = "pk = :pk AND begins_with(sk, :sk)"
        found = self._world.sandbox.client("dynamodb").query(
            TableName=names.LEDGER_TABLE, KeyConditionExpression=condition, ExpressionAttributeValues=asked
        )
        return (json.loads(item["document"]["S"]) for item in found["Items"])

    def _subjects(self) -> list[str]:
        return [str(message.get("subject")) for message in notifications(self._world.sandbox)]

    def _told_of(self, start: str) -> Callable[[], list[str]]:
        return lambda: [subject for subject in self._subjects() if subject.startswith(start)]

    def _over(self) -> bool:
        """Whether the newest that was told of what serves is that nothing drifts."""
        told = [subject for subject in self._subjects() if f"{self._world.name} {names.BASELINE}" in subject]
        return bool(told) and told[-1].startswith("DRIFT OVER:")

    def _judged(self, since: float) -> dict[str, Any] | None:
        """The newest verdict on what serves, if it is on a window that began since then."""
        client, bucket = self._world.sandbox.client("s3"), self._world.outputs()["BucketName"]
        prefix = f"{names.monitored(self._world.name, names.RESULTS, names.BASELINE)}/"
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        newest = max(key for key in keys if key.endswith("/drift.json"))
        verdict: dict[str, Any] = json.load(client.get_object(Bucket=bucket, Key=newest)["Body"])
        return verdict if since <= verdict["since"] < verdict["until"] else None  # the same: of no window yet

    def _champion(self, package: str) -> str | None:
        """The version in MLflow that its alias points at, once it is the package's."""
        url = self._world.sandbox.mlflow_url
        seen = mlflow.aliased(url, self._world.name, "champion") if url else None
        ours = {"key": names.PACKAGE_TAG, "value": package} in (seen or {}).get("tags", ())
        return str(seen["version"]) if seen and ours else None

    def _ringing(self) -> list[str]:
        prefix = names.drift_alarm(self._world.name, "")
        client = self._world.sandbox.client("cloudwatch")
        return [
            a["AlarmName"] for a in client.describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")["MetricAlarms"]
        ]

    def _leg(self, what: str, at: float | None = None) -> None:
        clock = self._world.sandbox.clock
        since = (clock.now() if at is None else at) - self._began
        self._legs.append({"leg": what, "minutes": round(since / 60, 1), "real_s": round(clock.real(since), 1)})
        self._stage.title(f"{since / 60:6.1f} min  {what}")

    def _until(self, question: Callable[[], T], what: str) -> T:
        deadline = time.monotonic() + PATIENCE
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise NotClosed(f"{what}: not within {PATIENCE:.0f} s; messages: {'; '.join(self._subjects()[-3:])}")
            time.sleep(POLL)
        return answer
