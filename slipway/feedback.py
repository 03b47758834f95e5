"""Labels as people and systems hand them in, and as the lines that monitoring and releases read.

Lines are Model Monitor's ground truth, with who labelled and by which policy beside it:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway import codec
from slipway.pairing import LEAST_PROPENSITY

MOST_LABELS = 10_000  # of one request
MOST_ID = 256  # characters


@dataclass(frozen=True)
class Label:
    """id: the inferenceId that the caller sent, else the eventId of the captured record. label: 0 or 1.

    propensity: the chance with which the request was to get a label; None where nobody chose.
    """

    id: str
    label: int
    annotator: str = ""
    policy: str = ""
    propensity: float | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.id) <= MOST_ID:
            raise ValueError(f"id: expected 1 to {MOST_ID} characters, got {len(self.id)}")
        if self.label not in (0, 1):
            raise ValueError(f"label: expected 0 or 1, got {self.label}")
        if self.propensity is not None and not LEAST_PROPENSITY <= self.propensity <= 1:
            raise ValueError(f"propensity: expected {LEAST_PROPENSITY} to 1, got {self.propensity}")


@dataclass(frozen=True)
class Request:
    """collected_at: when the labels were made, unix seconds; None is now. Give it, and a repetition changes nothing
    even an hour later."""

    endpoint: str
    labels: tuple[Label, ...]
    collected_at: float | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.labels) <= MOST_LABELS:
            raise ValueError(f"labels: expected 1 to {MOST_LABELS} of them, got {len(self.labels)}")


def parse(event: Mapping[str, Any], endpoints: tuple[str, ...], now: float) -> Request:
    """A request as it was handed in. Raises ValueError that names the field."""
    request = codec.decode(Request, event, "request")
    if request.endpoint not in endpoints:
        raise ValueError(f"request.endpoint: {request.endpoint!r} is none of {', '.join(endpoints)}")
    if request.collected_at is not None and not 0 < request.collected_at <= now:
        raise ValueError(f"request.collected_at: {request.collected_at:.0f} is no past moment in unix seconds")
    return request


def lines(request: Request) -> str:
    return "\n".join(json.dumps(_line(label), separators=(",", ":")) for label in request.labels)


def name(text: str) -> str:
    """What tells two sets of labels apart: the same ones have the same name."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _line(label: Label) -> dict[str, Any]:
    given = {"annotator": label.annotator, "policyVersion": label.policy}
    chance = {} if label.propensity is None else {"propensity": label.propensity}
    return {
        **chance,
        "groundTruthData": {"data": str(label.label), "encoding": "CSV"},
        "eventMetadata": {"eventId": label.id, **{key: value for key, value in given.items() if value}},
        "eventVersion": "0",
    }
