"""The story of drift in which nothing drifts: a day and a weekend, a spike of traffic, a promotion in the middle."""

import time

from sandbox import changes
from sandbox.demo import baseline
from sandbox.demo.drift_told import ANSWERS
from sandbox.demo.teller import POLL, Teller
from sandbox.demo.watched import RATE, traffic
from sandbox.demo.world import CANDIDATE, ENDPOINT
from slipway import names

DAY = 18_000  # rows
NEWS = ("UNWATCHED", *ANSWERS)


class Silence(Teller):
    """The last of the stories told in a sandbox: from then on another model serves."""

    def play(self) -> None:
        baseline.make(self.world, self.world.first_model(), names.FIRST, by_hour=True)
        self.calm()
        known, since = len(self.watched.told()), self.now()
        package = self._day(since)
        self.until(lambda: self._promoted(package), "the release has ended as PROMOTED")
        settled = self.now()
        self.until(lambda: any(v["since"] > settled for v in self.watched.verdicts()), "the last windows are judged")
        self._note(since)
        self._sum_up(known, since)

    def _day(self, since: float) -> str:
        """The scenes in turn, while a better model is released; its package."""
        day = changes.staffed(traffic(self.world.slice("stream"), DAY))
        package = ""
        for number, scene in enumerate(self.story.scenes):
            hours = day.iloc[int(scene.begin * len(day)) : int(scene.end * len(day))]
            part = hours.sample(frac=scene.rate, replace=scene.rate > 1, random_state=number).sort_index()
            self.stage.say(f"{scene.says}: {len(part):,} rows")
            self.watched.send(part, scene.rate, begin=0)
            until = time.monotonic() + len(hours) / RATE
            if number == 1:
                package = self._release()
            while time.monotonic() < until:
                self._note(since)
                time.sleep(2 * POLL)
        return package

    def _release(self) -> str:
        artifact = self.world.train("candidate", CANDIDATE)
        package = self.world.register(artifact)
        baseline.make(self.world, artifact, package.rpartition("/")[2], by_hour=True)
        self.world.approve(package)
        self.stage.say(f"approved {package}")
        return package

    def _promoted(self, package: str) -> bool:
        client = self.world.sandbox.client("sagemaker")
        seen = client.describe_endpoint(EndpointName=ENDPOINT)
        config = client.describe_endpoint_config(EndpointConfigName=seen["EndpointConfigName"])
        version = package.rpartition("/")[2]
        served = [names.package_version(ENDPOINT, v["ModelName"]) for v in config["ProductionVariants"]]
        return served == [version] and seen["EndpointStatus"] == "InService"

    def _note(self, since: float) -> None:
        for name in self.watched.ringing():
            if (alarm := f"ALARM {name}") not in self.told.unexpected:
                self.told.unexpected.append(alarm)
                newest = self.watched.judged(since)[-1:]
                self.stage.say(f"UNEXPECTED {alarm}: {[verdict['reasons'] for verdict in newest]}")

    def _sum_up(self, known: int, since: float) -> None:
        told, both = self.told, [v for role in names.ROLES for v in self.watched.judged(since, role)]
        loud = [verdict for verdict in both if self.watched.alarming(verdict)]
        told.unexpected += [
            f"{verdict['remedy']}: {f['says']}" for verdict in loud for f in self.watched.alarming(verdict)
        ]
        subjects = [str(message["subject"]) for message in self.watched.told()[known:]]
        told.unexpected += [s for s in subjects if "drift" in s or s.startswith(NEWS)]
        told.remedy = loud[0]["remedy"] if loud else "NOTHING"
        told.rows = self.watched.rows(since, self.now(), labelled=False)
        told.says = f"{len(both)} verdicts, {len(loud)} with an alarm; package promoted"
        self.stage.say(told.says)
