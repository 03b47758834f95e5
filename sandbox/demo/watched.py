"""A watched endpoint from outside: what its users send, what was made of it, and what people are told."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sandbox.demo import baseline
from sandbox.demo.world import ENDPOINT, World
from slipway import names

RATE = 150.0  # requests a real second
# Labels come within the hour that monitoring waits for them at least.
LABELS, NO_LABELS = ("--label-delay", "600"), ("--label-share", "0")
SEED = 5


class Watched:
    """The endpoint of a world that is deployed with monitoring."""

    def __init__(self, world: World, *, labelled: bool) -> None:
        self._world, self._options = world, LABELS if labelled else NO_LABELS
        self._s3, self._bucket = world.sandbox.client("s3"), world.outputs()["BucketName"]
        self._sent = self._rows_sent = 0
        self._seen: dict[str, tuple[str, Any]] = {}  # by key: the version of an object, and what it holds

    def send(self, rows: pd.DataFrame, rate: float = 1.0, begin: int | None = None) -> None:
        """From now on users send these rows, so many times as fast as usual; from where those before stopped, unless
        told where to begin."""
        self._sent += 1
        if self._world.users:
            self._world.stop()
            self._rows_sent += self._world.users.latest.get("sent", 0)
        path = self._world.out / "sent" / f"{self._sent}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path)
        begin = self._rows_sent if begin is None else begin
        self._world.start_users(RATE * rate, path, "--start", str(begin), *self._options)

    def verdicts(self, variant: str = names.BASELINE) -> list[dict[str, Any]]:
        """Oldest first."""
        return self._read(names.RESULTS, variant, "/drift.json")

    def judged(self, since: float, variant: str = names.BASELINE) -> list[dict[str, Any]]:
        """Verdicts given since then, oldest first."""
        return [verdict for verdict in self.verdicts(variant) if verdict["at"] > since]

    @staticmethod
    def alarming(verdict: dict[str, Any]) -> list[dict[str, Any]]:
        """Its findings that alarm."""
        return [finding for finding in verdict["findings"] if finding["alarming"]]

    def news(self) -> str:
        """The newest verdict in a few words."""
        verdicts, ringing = self.verdicts(), ", ".join(self.ringing()) or "none"
        newest = f"the newest says {verdicts[-1]['remedy']}" if verdicts else "no verdict yet"
        return f"{len(verdicts)} windows judged, {newest}; {self.labelled()} with labels; alarms: {ringing}"

    def rows(self, since: float, until: float, *, labelled: bool) -> int:
        """Of the windows that lie (partly) between two moments, or their rows with a label."""
        kind = names.LABELLED if labelled else names.PROFILES
        found = self._read(kind, names.BASELINE, ".json")
        within = [w for w in found if w["last"] and w["last"] > since and w["first"] < until]
        return sum(w["labelled"]["n"] if labelled else w["rows"] for w in within)

    def labelled(self) -> int:
        """Windows that have labels."""
        return sum(w["labelled"]["n"] > 0 for w in self._read(names.LABELLED, names.BASELINE, ".json"))

    def ringing(self) -> list[str]:
        """Alarms of drift in ALARM, by detector."""
        prefix = names.drift_alarm(ENDPOINT, "")
        seen = self._world.sandbox.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")
        return [alarm["AlarmName"].removeprefix(prefix) for alarm in seen["MetricAlarms"]]

    def told(self) -> list[dict[str, Any]]:
        """Notifications so far, oldest first."""
        file = self._world.sandbox.logs / "notifications.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def evaluate_on(self, rows: pd.DataFrame) -> None:
        """Says that the champion was evaluated on these rows, the newest of which are of now, to be compared with what
        its users send."""
        moments = self._world.sandbox.clock.now() + rows["Time"] - rows["Time"].max()
        timed = rows.drop(columns="Time").assign(event_time=moments)
        baseline.evaluated_on(self._world, self._world.first_model(), names.FIRST, timed)

    def _read(self, kind: str, variant: str, suffix: str) -> list[dict[str, Any]]:
        keys = self._keys(f"{names.monitored(ENDPOINT, kind, variant)}/")
        return [self._document(key, keys[key]) for key in sorted(keys) if key.endswith(suffix)]

    def _document(self, key: str, version: str) -> dict[str, Any]:
        if self._seen.get(key, ("", None))[0] != version:
            self._seen[key] = version, json.loads(self._text(key))
        return dict(self._seen[key][1])

    def _keys(self, prefix: str) -> dict[str, str]:
        """Key -> version."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}

    def _text(self, key: str) -> str:
        return str(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode())


def traffic(stream: Path, rows: int | None = None) -> pd.DataFrame:
    """So many rows of the stream that its baseline was not made of, or all of them, in its order."""
    others = pd.read_parquet(stream).iloc[1::2]
    chosen = others if rows is None else others.sample(rows, random_state=SEED)
    return chosen.sort_index(ignore_index=True)
