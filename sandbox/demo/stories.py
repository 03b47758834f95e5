"""The stories that can be told. A story says what physically happens and what a good release tool should make of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Story:
    """candidate: a kind of `sandbox.candidates`. fault: physics switched on for the candidate once its share of the
    users' requests reaches `at_weight` percent. plan: what differs from the demo's own."""

    name: str
    says: str
    expected: str
    candidate: str = "good"
    fault: dict[str, Any] = field(default_factory=dict)
    at_weight: float = 0.0
    plan: dict[str, Any] = field(default_factory=dict)


AB_TEST = [
    {"phase": "SHADOW", "minutes": 10, "requests": 1000},
    {"phase": "CANARY", "weight": 50, "minutes": 20, "requests": 1000, "goal": "superior"},
    {"phase": "BAKE", "weight": 100, "minutes": 10, "requests": 1000},
]
STORIES = {
    story.name: story
    for story in (
        Story("good", "a better model, trained on more data, is released to everybody", "PROMOTED"),
        Story(
            "outage",
            "at 25 % of the traffic the candidate's container starts to fail: alarm and judge race to roll it back",
            "ROLLED_BACK",
            fault={"error_rate": 1.0},
            at_weight=25,
        ),
        Story(
            "slowdown",
            "at 5 % of the traffic the candidate becomes 25 ms slower: the judge rolls it back",
            "ROLLED_BACK",
            fault={"extra_latency_ms": 25.0},
            at_weight=5,
        ),
        Story("errors", "the candidate's code fails on some real inputs: seen in shadow", "ROLLED_BACK", "errors"),
        Story("nan", "the candidate answers NaN for some real inputs: seen in shadow", "ROLLED_BACK", "nan"),
        Story("slow", "the candidate waits 30 ms in every request: seen in shadow", "ROLLED_BACK", "slow"),
        Story("swapped", "the candidate takes its features in another order: seen in shadow", "ROLLED_BACK", "swapped"),
        Story("worse", "the candidate learnt from wrong labels: seen in shadow", "ROLLED_BACK", "worse"),
        Story(
            "abtest",
            "half of the users get the candidate until their clicks show whether it is better",
            "PROMOTED",
            plan={"steps": AB_TEST, "outcomes": [{"name": "clicked", "planned": 2000}]},
        ),
        Story("leak", "the candidate works until its connections are used up", "ROLLED_BACK", "leak"),
    )
}
# Told by sandbox.demo.loop, in a sandbox each: nobody registers or approves anything.
LOOPS = {
    story.name: story
    for story in (
        Story("drift-fraud", "a feature of card payments shifts; in the end a better model serves", "PROMOTED"),
        Story("drift-bank", "a bank's customers of 2009 are no longer those of 2008; the same", "PROMOTED"),
    )
}
LOOP = "drift"  # both
DEFAULT = ("good", "outage", "slowdown")
