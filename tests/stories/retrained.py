"""Retrainings as people start, see and answer them, and the traffic that they are made of."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site, until

DAY = 86400.0
ROWS, POSITIVES = 2400, 400


class Past:
    """Traffic of the four weeks that labels have had time for, in Data Capture's and Model Monitor's layouts."""

    def __init__(self, site: Site, rows: Path) -> None:
        self._site, self._s3 = site, site.client("s3")
        self._bucket = site.world.outputs()["BucketName"]
        frame = pd.read_parquet(rows)
        frauds = frame[frame["Class"] == 1].sample(POSITIVES, random_state=7)
        others = frame[frame["Class"] == 0].sample(ROWS - POSITIVES, random_state=7)
        self._rows = pd.concat([frauds, others]).sample(frac=1, random_state=7).drop(columns="Time")

    def write(self, mislabelled: float = 0.0) -> None:
        """Replaces what is there; mislabelled: share of the rows, the oldest, whose labels are drawn by lot."""
        self.forget()
        now = self._site.now()
        times = np.linspace(now - 27 * DAY, now - 4 * DAY, len(self._rows))
        truth = self._rows["Class"].to_numpy(copy=True)
        truth[: int(mislabelled * ROWS)] = np.random.default_rng(7).integers(0, 2, int(mislabelled * ROWS))
        lines: dict[str, list[str]] = {}
        for at, values, label in zip(times, self._rows.drop(columns="Class").to_numpy(), truth, strict=True):
            asked, known = (datetime.fromtimestamp(moment, UTC) for moment in (at, at + 3600))
            id = str(uuid.uuid4())
            capture = f"{names.CAPTURE}/{ENDPOINT}/baseline/{asked:%Y/%m/%d/%H}/00-00-000-past.jsonl"
            lines.setdefault(capture, []).append(json.dumps(_captured(id, asked, values)))
            told = f"{names.GROUND_TRUTH}/{ENDPOINT}/{known:%Y/%m/%d/%H}/00-00-000-past.jsonl"
            lines.setdefault(told, []).append(json.dumps(_label(id, label)))
        for key, body in lines.items():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body="\n".join(body).encode())

    def forget(self) -> None:
        for prefix in (names.CAPTURE, names.GROUND_TRUTH):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{prefix}/")
            for key in [item["Key"] for page in pages for item in page.get("Contents", ())]:
                if key.endswith("past.jsonl"):
                    self._s3.delete_object(Bucket=self._bucket, Key=key)


def _captured(id: str, at: datetime, values: np.ndarray) -> dict[str, Any]:
    sent = {"observedContentType": "text/csv", "mode": "INPUT", "encoding": "CSV"}
    got = {"observedContentType": "text/csv", "mode": "OUTPUT", "encoding": "CSV", "data": "0.01"}
    row = ",".join(repr(float(value)) for value in values)
    return {
        "captureData": {"endpointInput": {**sent, "data": row}, "endpointOutput": got},
        "eventMetadata": {"eventId": id, "inferenceId": id, "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


def _label(id: str, label: int) -> dict[str, Any]:
    return {
        "groundTruthData": {"data": str(int(label)), "encoding": "CSV"},
        "eventMetadata": {"eventId": id},
        "eventVersion": "0",
    }


def start(site: Site, **given: str) -> str:
    states = site.client("stepfunctions")
    machine = site.machine(names.RETRAINING)
    return str(states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"])


def see(site: Site, execution: str) -> dict[str, Any]:
    return dict(site.client("stepfunctions").describe_execution(executionArn=execution))


def ended(site: Site, execution: str) -> dict[str, Any]:
    until(lambda: see(site, execution)["status"] != "RUNNING", "the retraining has ended")
    return see(site, execution)


def answer(site: Site, run_id: str, said: str, why: str) -> None:
    payload = json.dumps({"run_id": run_id, "answer": said, "by": "ana@example.com", "reason": why})
    told = str(site.world.out / "answer.json")
    site.aws("lambda", "invoke", "--function-name", "slipway-answer", "--payload", payload, told)


def run_of(site: Site, execution: str) -> dict[str, Any] | None:
    return next((run for run in site.runs() if run["execution"] == execution), None)


def in_state(site: Site, execution: str, state: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        seen, told = run_of(site, execution), see(site, execution)
        assert told["status"] in ("RUNNING", "SUCCEEDED"), told.get("cause")
        return seen if seen and seen["state"] == state else None

    return until(there, f"the run is {state}")


def assert_stopped(site: Site, execution: str) -> None:
    run = until(lambda: (run_of(site, execution) or {}).get("state") == "STOPPED" and run_of(site, execution), "told")
    assert run["reasons"][0] == "stopped by hand: a mistake"
