"""The stories of drift: what physically happens to a watched endpoint, and beside it what should be made of that."""

from dataclasses import dataclass, field
from typing import Any

from sandbox import changes
from sandbox.changes import Change


@dataclass(frozen=True)
class Scene:
    """A part of the day, from one share of its rows to another, with so many times the usual users."""

    says: str
    rate: float
    begin: float
    end: float


@dataclass(frozen=True)
class DriftStory:
    """change: of the rows that users send or of their labels. fault: of the variant that serves. holdout: the slice
    that models are evaluated on from then on. labelled: whether it takes labels to see it. scenes: of a healthy day,
    with a promotion in the middle, instead of all that.

    remedy, causes, blocks: expected; any of the causes may be named.
    """

    name: str
    says: str
    remedy: str
    causes: tuple[str, ...] = ()
    blocks: bool = False
    change: Change | None = None
    fault: dict[str, Any] = field(default_factory=dict)
    holdout: str = ""
    labelled: bool = False
    scenes: tuple[Scene, ...] = ()


SCENES = (
    Scene("the night, at half the traffic", 0.5, 0.0, 0.08),
    Scene("the day", 1.0, 0.08, 0.45),
    Scene("a spike: twice the traffic", 2.0, 0.45, 0.6),
    Scene("the evening", 1.0, 0.6, 1.0),
    Scene("a weekend's night, at a quarter of the traffic", 0.25, 0.0, 0.08),
    Scene("a weekend's day, at half the traffic", 0.5, 0.08, 0.4),
)
DRIFTS = {
    story.name: story
    for story in (
        DriftStory(
            "drift-feature",
            "other users come: the most important feature moves by a standard deviation",
            "RETRAIN",
            ("distribution",),
            change=changes.shifted("V14", 1.0),
        ),
        DriftStory(
            "drift-units",
            "a client sends amounts in cents",
            "REPAIR_DATA",
            ("units",),
            blocks=True,
            change=changes.multiplied("Amount", 100.0),
        ),
        DriftStory(
            "drift-concept",
            "fraudsters go for large amounts: a tenth of the payments above 200 euros are frauds now",
            "RETRAIN",
            ("concept",),
            change=changes.turned("Amount", 200.0, 0.1),
            labelled=True,
        ),
        DriftStory(
            "drift-label",
            "one of the two offices that label adopts another policy: a payment in fifty more is called a fraud",
            "RELABEL",
            ("annotator", "label_policy"),
            blocks=True,
            change=changes.new_policy("south", 0.02),
            labelled=True,
        ),
        DriftStory(
            "drift-infra",
            "the container's XGBoost becomes one that can't read the model's intercept and takes 0.5",
            "ROLL_BACK",
            ("replay",),
            blocks=True,
            fault={"base_score": 0.5},
        ),
        DriftStory(
            "drift-eval",
            "models are evaluated on a morning's rows, which are not like the traffic",
            "REFRESH_HOLDOUT",
            ("stale_holdout",),
            holdout="champion-validation",
        ),
        DriftStory(
            "drift-none",
            "a healthy day and a weekend, with a spike of traffic and a promotion in the middle: silence",
            "NOTHING",
            scenes=SCENES,
        ),
    )
}
