"""Captured traffic of a small model, its baseline, and the events that S3 sends."""

import json
import random
from datetime import UTC, datetime
from typing import Any

from lambdas import plan_windows
from lambdas.aws import counted
from lambdas.aws.clients import client
from monitoring import stream
from slipway import codec, names
from slipway.drift.profile import Profile
from slipway.drift.reference import Feature, Kind, Reference
from tests.lambdas.world import BUCKET, CONTEXT

HOUR = 3600.0
EDGES = tuple(-2 + i / 5 for i in range(21))
REFERENCE = Reference(
    "ref-first",
    "first",
    (Feature("V1", edges=EDGES, importance=0.7), Feature("Kind", Kind.CATEGORY, levels=("a", "b"), importance=0.3)),
    Feature("score", edges=tuple(i / 10 for i in range(1, 10))),
)
MONITOR: dict[str, Any] = {"endpoint": "fraud", "window_minutes": 60, "settle_minutes": 10, "label_hours": 2}


def plan(monitor: dict[str, Any] = MONITOR, execution: str = "") -> dict[str, Any]:
    """What an execution of the workflow is told to do; without an ARN it is one that has ended since."""
    return plan_windows.handler({"monitor": monitor, "execution": execution}, CONTEXT)


def put(key: str, body: str) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def get(key: str) -> str:
    return str(client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())


def delete(key: str) -> None:
    client("s3").delete_object(Bucket=BUCKET, Key=key)


def keys(prefix: str) -> list[str]:
    listed = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def baseline(reference: Reference = REFERENCE, version: str = "first", golden: int = 0, windows: int = 0) -> None:
    """The files of a package's baseline, with windows of 200 rows each."""
    put(f"monitoring/fraud/baselines/{version}/reference.json", codec.dumps(reference))
    own = [stream.profile(lines(HOUR * i, 200, seed=i), reference)[0] for i in range(windows)]
    put(f"monitoring/fraud/baselines/{version}/windows.jsonl", "\n".join(map(codec.dumps, own)))
    rows = [json.dumps({"row": [i / 10, "a"], "score": 0.1}) for i in range(golden)]
    if rows:
        put(f"monitoring/fraud/baselines/{version}/golden.jsonl", "\n".join(rows))


def line(at: float, row: str, score: float, id: str) -> str:
    def part(data: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}

    return json.dumps(
        {
            "captureData": {"endpointInput": part(row), "endpointOutput": part(str(score))},
            "eventMetadata": {
                "eventId": id,
                "inferenceId": id,
                "inferenceTime": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
            },
            "eventVersion": "0",
        },
        separators=(",", ":"),
    )


def lines(at: float, rows: int, shift: float = 0.0, seed: int = 0) -> list[str]:
    chance = random.Random(f"{at}{shift}{seed}")
    return [
        line(at, f"{chance.gauss(shift, 1):.4f},{chance.choice('ab')}", chance.random(), f"{seed}-{at:.0f}-{i}")
        for i in range(rows)
    ]


def capture(at: float, rows: int = 20, shift: float = 0.0, variant: str = "baseline", seed: int = 0) -> str:
    """Puts an object of captured traffic; its key."""
    moment = datetime.fromtimestamp(at, UTC)
    key = f"{names.CAPTURE}/fraud/{variant}/{moment:%Y/%m/%d/%H/%M-%S}-000-{seed}.jsonl"
    put(key, "\n".join(lines(at, rows, shift, seed)))
    return key


def created(key: str) -> dict[str, Any]:
    return {"detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}}


def window(start: float, kind: str = names.PROFILES, variant: str = "baseline") -> Profile:
    return codec.loads(Profile, get(counted.window_key("fraud", kind, variant, start)))
