"""One story of drift, told: something changes, it is seen and named, it ends, and the alarm is over."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import pandas as pd

from sandbox import changes
from sandbox.demo.console import Stage
from sandbox.demo.drift_told import ANSWERS, DriftTold
from sandbox.demo.drifts import DriftStory
from sandbox.demo.watched import Watched, traffic
from sandbox.demo.world import World
from slipway import names

QUIET, LABELLED = 2, 2  # windows before something happens
POLL, PATIENCE, NEWS = 1.0, 240.0, 20.0  # real seconds; NEWS: between two lines of progress
T = TypeVar("T")


class NotSo(RuntimeError):
    """What a story waits for did not happen in time, or what must not happen did."""


def healthy(world: World) -> pd.DataFrame:
    """The stream's day without its hours: any minute is like any other."""
    rows = changes.staffed(traffic(world.slice("stream")))
    return rows.sample(frac=1, random_state=changes.SEED, ignore_index=True)


class Teller:
    """after: another story, whose windows may have to go out of sight first; without one nothing may alarm yet."""

    def __init__(self, world: World, watched: Watched, stage: Stage, story: DriftStory, *, after: bool) -> None:
        self.world, self.watched, self.stage, self.story, self._after = world, watched, stage, story, after
        self._healthy = healthy(world)
        self.told = DriftTold(story)

    def tell(self) -> DriftTold:
        began = time.monotonic()
        self.stage.title(f"story {self.story.name}: {self.story.says}")
        try:
            self.play()
        except NotSo as error:
            self.told.unexpected.append(str(error))
            self.stage.say(f"UNEXPECTED {error}")
        self.told.wall_s = time.monotonic() - began
        return self.told

    def play(self) -> None:
        """Raises NotSo."""
        if self.story.holdout:
            self.watched.evaluate_on(self._fresh())
        self.calm()
        began = self.now()
        self._begin()
        agreed = self._seen(began)
        ringing = self.until(self.watched.ringing, "an alarm rings")
        self.stage.say(f"ALARM {', '.join(ringing)}")
        self.told.retraining = self.until(lambda: self._answer(agreed), "retraining has answered")
        self.stage.say(f"retraining: {self.told.retraining}")
        ended = self.now()
        self._end()
        self.until(lambda: self._over(ended), "the alarm is over")
        self.told.over_after = (self.now() - ended) / 60
        self.stage.say(f"alarm OK after {self.told.over_after:.0f} virtual minutes")

    def calm(self) -> None:
        """Windows that nothing happened in; with labels, where it takes them. Raises NotSo."""
        needs, since = LABELLED if self.story.labelled else 0, self.now()

        def quiet() -> bool:
            found = self.watched.judged(since)
            loud = [verdict for verdict in found if self.watched.alarming(verdict)]
            if loud and not self._after:
                raise NotSo(f"an alarm before anything happens: {loud[-1]['reasons']}")
            newest = found[-QUIET:]
            over = not any(verdict in loud for verdict in newest) and not self.watched.ringing()
            return len(newest) == QUIET and over

        self.until(quiet, "windows are judged, and nothing alarms")
        self.until(lambda: self.watched.labelled() >= needs, "windows have labels")
        judged, labelled = len(self.watched.verdicts()), self.watched.labelled()
        self.stage.say(f"{judged} windows judged, {labelled} with labels: quiet")

    def until(self, question: Callable[[], T | None], what: str) -> T:
        """Raises NotSo."""
        began = told = time.monotonic()
        while not (answer := question()):
            now = time.monotonic()
            if now > began + PATIENCE:
                raise NotSo(f"after {PATIENCE:.0f} s still not so: {what}")
            if now > told + NEWS:
                told = now
                self.stage.say(f"waiting until {what}: {self.watched.news()}")
            time.sleep(POLL)
        return answer

    def now(self) -> float:
        return self.world.sandbox.clock.now()

    def _seen(self, began: float) -> float:
        """Waits for a verdict on what has begun, and until two in a row agree; when the first of these was given.

        The first one on a few rare labels may be in doubt whether the concept moved or the labels.
        """
        told = self.told
        found = self.until(lambda: self._alarming(began)[:1], "drift is seen")[0]
        told.detected_after = (found["at"] - began) / 60
        told.rows = self.watched.rows(began, found["until"], labelled=self.story.labelled)
        self.stage.say(f"seen: {found['remedy']}: {found['reasons'][0]}")
        first, found = self.until(lambda: self._agreeing(began), "two verdicts agree")
        told.remedy, told.blocked = found["remedy"], found["blocks_retraining"]
        told.cause, told.says = self._leading(found)
        self.stage.say(f"{found['remedy']}, retraining {'blocked' if told.blocked else 'not blocked'}: {told.says}")
        return float(first["at"])

    def _alarming(self, since: float) -> list[dict[str, Any]]:
        return [verdict for verdict in self.watched.judged(since) if self.watched.alarming(verdict)]

    def _agreeing(self, since: float) -> tuple[dict[str, Any], dict[str, Any]] | None:
        pairs = pairwise(self._alarming(since))
        return next((pair for pair in pairs if pair[0]["remedy"] == pair[1]["remedy"]), None)

    def _begin(self) -> None:
        story = self.story
        if story.change:
            self.watched.send(story.change(self._healthy))
        if story.fault:
            self.world.inject(names.BASELINE, story.fault)
        if story.holdout:
            self.watched.evaluate_on(pd.read_parquet(self.world.slice(story.holdout)))

    def _end(self) -> None:
        story = self.story
        if story.change:
            self.watched.send(self._healthy)
        if story.fault:
            self.world.inject(names.BASELINE, {})
        if story.holdout:
            self.watched.evaluate_on(self._fresh())

    def _fresh(self) -> pd.DataFrame:
        return pd.read_parquet(self.world.slice("stream"))

    def _over(self, since: float) -> bool:
        """Whether the newest verdict was given since then, without an alarm, and none rings."""
        newest = self.watched.judged(since)[-1:]
        return bool(newest) and not self.watched.alarming(newest[0]) and not self.watched.ringing()

    @staticmethod
    def _leading(found: dict[str, Any]) -> tuple[str, str]:
        """The cause and words of the finding that the remedy is for."""
        alarming = [finding for finding in found["findings"] if finding["alarming"]]
        reason = found["reasons"][0]
        first = next((finding for finding in alarming if reason.endswith(finding["says"])), alarming[0])
        return first["cause"], reason

    def _answer(self, since: float) -> str:
        """Retraining's, to people."""
        for message in self.watched.told():
            if message["at"] >= since and str(message["subject"]).startswith(ANSWERS):
                lines = [line for line in str(message["body"]).splitlines() if line]
                return f"{message['subject']}: {lines[0].removeprefix('- ')}" if lines else str(message["subject"])
        return ""
