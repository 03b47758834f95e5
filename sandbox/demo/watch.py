"""Watching a release from outside, as a user could: the ledger's items, the endpoint, the data plane's counters."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.demo.stories import Story
from sandbox.demo.world import World
from slipway import names

POLL = 0.2  # real seconds
ENDED = ("PROMOTED", "ROLLED_BACK")


class NoRelease(RuntimeError):
    """An approved package did not become a release in time."""


@dataclass
class Visit:
    """A stay in one phase at one weight. entered_at: virtual unix seconds; requests: answered by the candidate."""

    phase: str
    weight: float
    entered_at: float
    requests: int = 0


@dataclass
class Told:
    """How a story went. Speeds are in virtual seconds, the clock of alarms and of the release."""

    name: str
    expected: str
    outcome: str = ""
    reason: str = ""
    visits: list[Visit] = field(default_factory=list)
    decided_by: str = ""
    decided_at: float | None = None
    zero_at: float | None = None
    last_candidate_request_at: float | None = None
    exposed: int = 0
    lost: int = 0
    wall_s: float = 0.0
    lifts: list[dict[str, Any]] = field(default_factory=list)  # of an A/B test's outcomes, look by look
    legs: list[dict[str, Any]] = field(default_factory=list)  # of a loop: what, and when since the drift began

    @property
    def decision_to_zero_s(self) -> float | None:
        """From the alarm's state change (or the verdict) until the endpoint showed the candidate at weight 0."""
        if self.decided_at is None or self.zero_at is None:
            return None
        return max(0.0, self.zero_at - self.decided_at)


@dataclass
class Scene:
    """What is on stage now, for the console."""

    story: str = ""
    release: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    status: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)  # those in ALARM


class Watcher:
    """Follows one release until it has ended, injecting the story's fault on the way."""

    def __init__(self, world: World, story: Story, scene: Scene, each_look: Callable[[], None] = lambda: None) -> None:
        self._world, self._story, self._scene = world, story, scene
        self._ledger = world.sandbox.client("dynamodb")
        self.told = Told(story.name, story.expected)
        self._injected = False
        self._each_look = each_look
        scene.story, scene.release, scene.history = story.name, {}, []

    def follow(self, package_arn: str, patience: float = 60.0) -> Told:
        """Real seconds of patience until a release of the package exists. Raises NoRelease."""
        began = time.monotonic()
        answered = self._candidate_requests()
        lost = self._lost()
        while not self._scene.release:
            if time.monotonic() - began > patience:
                raise NoRelease(f"{package_arn} was approved {patience:.0f} s ago, and no release of it exists")
            time.sleep(POLL)
            self._scene.release = self._find(package_arn) or {}
        while self._scene.release["phase"] not in ENDED:
            self._look(answered)
            time.sleep(POLL)
        self._look(answered)
        return self._end(began, answered, lost)

    def _look(self, answered: int) -> None:
        scene, told = self._scene, self.told
        release = scene.release = self._find(scene.release["package"]) or scene.release
        weight = _weight(release)
        exposed = self._candidate_requests() - answered
        if not told.visits or (told.visits[-1].phase, told.visits[-1].weight) != (release["phase"], weight):
            told.visits.append(Visit(release["phase"], weight, release["entered_at"]))
        told.visits[-1].requests = exposed - sum(visit.requests for visit in told.visits[:-1])
        self._see_endpoint()
        self._see_alarms()
        scene.history = self._history(release["id"])
        self._each_look()
        if self._story.fault and not self._injected and weight >= self._story.at_weight and release["in_place_at"]:
            self._world.inject(names.CANDIDATE, self._story.fault)
            self._injected = True

    def _see_endpoint(self) -> None:
        seen = self._world.sandbox.client("sagemaker").describe_endpoint(EndpointName=self._world.name)
        total = sum(v["CurrentWeight"] for v in seen["ProductionVariants"]) or 1.0
        weights = {v["VariantName"]: 100 * v["CurrentWeight"] / total for v in seen["ProductionVariants"]}
        self._scene.weights, self._scene.status = weights, seen["EndpointStatus"]
        if self._scene.release["phase"] == "ROLLING_BACK" and not weights.get(names.CANDIDATE):
            self.told.zero_at = self.told.zero_at or self._world.sandbox.clock.now()

    def _see_alarms(self) -> None:
        client = self._world.sandbox.client("cloudwatch")
        kinds = ["MetricAlarm", "CompositeAlarm"]
        seen = client.describe_alarms(AlarmNamePrefix=names.PREFIX, StateValue="ALARM", AlarmTypes=kinds)
        self._scene.alarms = [alarm["AlarmName"] for kind in kinds for alarm in seen.get(f"{kind}s", [])]

    def _end(self, began: float, answered: int, lost: int) -> Told:
        told, release = self.told, self._scene.release
        if self._injected:
            self._world.inject(names.CANDIDATE, {})
        decision = next((line for line in self._scene.history if line["what"] == "ROLLING_BACK"), None)
        if decision:
            told.decided_by, told.decided_at = decision["by"], self._alarm_time(decision) or decision["at"]
        if not any(visit.weight for visit in told.visits):
            told.zero_at = None  # it never had any
        told.outcome, told.reason = release["phase"], release["reason"]
        told.exposed = self._candidate_requests() - answered
        told.lost = self._lost() - lost
        told.last_candidate_request_at = self._last_candidate_request(release["candidate"])
        told.lifts = _lifts(self._scene.history)
        told.wall_s = time.monotonic() - began
        return told

    def _alarm_time(self, decision: dict[str, Any]) -> float | None:
        """When the alarm that decided changed its state."""
        if not decision["by"].startswith("alarm "):
            return None
        pages = self._world.sandbox.client("cloudwatch").describe_alarm_history(
            AlarmName=decision["by"].removeprefix("alarm "),
            AlarmTypes=["CompositeAlarm"],
            HistoryItemType="StateUpdate",
        )
        stamps = [
            item["Timestamp"].timestamp() for item in pages["AlarmHistoryItems"] if "to ALARM" in item["HistorySummary"]
        ]
        return max((stamp for stamp in stamps if stamp <= decision["at"] + 1), default=None)

    def _find(self, package_arn: str) -> dict[str, Any] | None:
        """The newest release of a package, as the ledger holds it."""
        items = self._query(f"ENDPOINT#{self._world.name}", "RELEASE#")
        found = [release for release in items if release["package"] == package_arn]
        return max(found, key=lambda release: release["created_at"], default=None)

    def _history(self, release_id: str) -> list[dict[str, Any]]:
        return self._query(f"RELEASE#{release_id}", "HISTORY#")

    def _query(self, pk: str, sk: str) -> list[dict[str, Any]]:
        pages = self._ledger.get_paginator("query").paginate(
            TableName=names.LEDGER_TABLE,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
        )
        return [json.loads(item["document"]["S"]) for page in pages for item in page["Items"]]

    def _candidate_requests(self) -> int:
        """Requests of users that went to any candidate since the sandbox began."""
        history = self._world.dataplane().get("history", [])
        return sum(counters["routed"] for counters in history if counters["variant"] == names.CANDIDATE)

    def _last_candidate_request(self, model: str) -> float | None:
        history = self._world.dataplane().get("history", [])
        times = [c["last_routed_at"] for c in history if c["variant"] == names.CANDIDATE and c["model"] == model]
        return max((moment for moment in times if moment), default=None)

    def _lost(self) -> int:
        return int(self._world.users.latest.get("lost", 0)) if self._world.users else 0


def _lifts(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with the time of its look; those of which nothing relative was known are left out."""
    verdicts = [line["verdict"] for line in history if line.get("verdict")]
    return [{"at": v["at"], **lift} for v in verdicts for lift in v.get("lifts", ()) if lift["relative"]]


def _weight(release: dict[str, Any]) -> float:
    """The share the release wants for its candidate, as its history lines say it."""
    if release["phase"] in ("SETTLING", "PROMOTED"):
        return 100.0
    steps = release["plan"]["steps"]
    judged = release["phase"] in ("SHADOW", "CANARY", "BAKE")
    return float(steps[release["step"]]["weight"]) if judged else 0.0
