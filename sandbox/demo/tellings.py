"""What the loop is told of: payments of which one feature shifts, and a bank's contacts with their real drift."""

import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

from sandbox import contacts, data
from sandbox.demo.stories import LOOPS, Story
from sandbox.demo.world import PAYMENTS, PLAN, Dataset, World

SEED = 11
HEALTHY, DRAWN, FRAUDS = 7_500, 150_000, 0.1
SHIFT = 2.0  # standard deviations
# Waiting times fit a demonstration; how sure detectors, gate and judge must be is the default.
WATCHED = {"window_minutes": 30, "settle_minutes": 1, "label_hours": 1}
RETRAINED = {"approval": "automatic", "window_days": 1, "label_hours": 1}
JUDGED = {key: value for key, value in PLAN.items() if key != "guardrails"}
# What a slow stream has requests for.
SHORT = [
    {"phase": "SHADOW", "minutes": 15, "requests": 300},
    {"phase": "CANARY", "weight": 50, "minutes": 15, "requests": 200},
    {"phase": "BAKE", "weight": 100, "minutes": 15, "requests": 300},
]
# Whether a customer has signed is a fact: whoever looks it up again finds the same.
FACTS = {"anchors.json": json.dumps({"rows": 200, "changed": 0})}


@dataclass(frozen=True)
class Telling:
    """rows: of the world and the champion's artifact, the rows that healthy traffic is like, and those that users send.

    settings: of the endpoint in cdk.json. speed: of the clock. rate: requests a real second; traffic: further options
    of the users. drifts_at: the first request that is unlike the healthy rows, 0 where nobody chose it. ordered:
    healthy rows come in the order of their time. beside: further files of the champion's baseline.
    """

    story: Story
    dataset: Dataset
    source: Callable[..., Path]
    rows: Callable[[World, Path], tuple[pd.DataFrame, pd.DataFrame]]
    settings: Mapping[str, Any]
    plan: Mapping[str, Any]
    speed: float
    rate: float
    traffic: tuple[str, ...] = ()
    drifts_at: int = 0
    ordered: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)


def payments(world: World, champion: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drawn with more frauds among them, so that labels are enough within hours. The feature that the champion relies
    on most is shifted. A drawn row may come twice, in training and holdout too: it shows that the loop closes, not how
    good a challenger is."""
    rows = pd.read_parquet(world.slice("stream"))
    share = {1: FRAUDS / rows["Class"].sum(), 0: (1 - FRAUDS) / (rows["Class"] == 0).sum()}
    weights = rows["Class"].map(share)
    drawn = rows.sample(HEALTHY + DRAWN, replace=True, weights=weights, random_state=SEED, ignore_index=True).round(6)
    healthy, sent = drawn[:HEALTHY], drawn[HEALTHY:].reset_index(drop=True)
    name = important(champion)
    sent.loc[HEALTHY:, name] += SHIFT * healthy[name].std()
    return healthy, sent


def contacted(world: World, _: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As they came: 2008, then 2009 and 2010."""
    return pd.read_parquet(world.slice("healthy")), pd.read_parquet(world.slice("stream"))


def important(artifact: Path) -> str:
    """The feature that a model's trees gain most by."""
    with tarfile.open(artifact) as archive:
        member = archive.extractfile("model.ubj")
        assert member is not None
        booster = xgboost.Booster(model_file=bytearray(member.read()))
    gains = booster.get_score(importance_type="total_gain")
    return max(gains, key=lambda name: gains[name])


TELLINGS = {
    telling.story.name: telling
    for telling in (
        Telling(
            LOOPS["drift-fraud"],
            PAYMENTS,
            data.fraud,
            payments,
            # 60 % of the requests get a label, half of these within half an hour.
            {"monitor": "slipway", "drift": WATCHED, "retraining": {**RETRAINED, "matured": 0.5}},
            JUDGED,
            speed=60.0,
            rate=150.0,
            drifts_at=HEALTHY,
        ),
        Telling(
            LOOPS["drift-bank"],
            Dataset("bank", contacts.TARGET, contacts.TIME, contacts.slices),
            data.bank,
            contacted,
            # Trained again on as many customers who signed as 2008 had.
            {
                "monitor": "slipway",
                "drift": WATCHED,
                "retraining": {**RETRAINED, "least_positives": 1400},
            },
            {**JUDGED, "steps": SHORT},
            speed=120.0,
            rate=80.0,
            # Of the 17,482 contacts 12,000 come until May 2009, the others in the 18 months after.
            traffic=("--label-share", "1", "--label-delay", "600", "--then", "12000=12"),
            ordered=True,
            beside=FACTS,
        ),
    )
}
