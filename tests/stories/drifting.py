"""Traffic that keeps its distribution until a story says otherwise, and the serving model's baseline on it."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

from monitoring import baseline
from sandbox.demo import baseline as demo
from sandbox.demo.world import ENDPOINT
from slipway import codec, names
from tests.stories.site import Site, until

ROWS, GOLDEN, SEED, RATE = 20_000, 100, 11, 250.0
SHORT = {"window_minutes": 5, "settle_minutes": 1}
FLUSHED = 120.0  # virtual seconds until the data plane has written what it captured


@dataclass
class Drifting:
    """A watched endpoint. important: the feature its model uses most."""

    site: Site
    out: Path
    rows: pd.DataFrame
    important: str

    def send(self, rows: pd.DataFrame) -> None:
        """From now on users send these rows."""
        path = self.out / f"{len(list(self.out.iterdir()))}.parquet"
        rows.to_parquet(path)
        self.site.world.start_users(RATE, path)

    def verdicts(self) -> list[dict[str, Any]]:
        """Of the baseline variant, oldest first."""
        found = self.objects(names.monitored(ENDPOINT, names.RESULTS, names.BASELINE), "/drift.json")
        return [json.loads(body) for _, body in sorted(found.items())]

    def objects(self, prefix: str, suffix: str = "") -> dict[str, bytes]:
        s3, bucket = self.site.client("s3"), self.site.world.outputs()["BucketName"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", ()) if item["Key"].endswith(suffix)]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def alarm(self, detector: str) -> str:
        name = names.drift_alarm(ENDPOINT, detector)
        (alarm,) = self.site.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def subjects(self) -> list[str]:
        return [message["subject"] for message in self.site.messages() if f"{ENDPOINT} baseline" in message["subject"]]

    def evaluate_on(self, rows: pd.DataFrame) -> str:
        """Says that the serving model was evaluated on these rows, of now; where what is found out about them lies."""
        served = self.site.served()[names.BASELINE]
        version = names.package_version(ENDPOINT, served)
        timed = rows.assign(event_time=self.site.now())
        demo.evaluated_on(self.site.world, _artifact(self.site, served), version, timed)
        return names.monitored(ENDPOINT, names.BASELINES, version)


def prepare(site: Site, out: Path) -> Drifting:
    """The endpoint with a baseline of what it serves."""
    rows = pd.read_parquet(site.world.slice("stream")).sample(ROWS, random_state=SEED, ignore_index=True)
    return Drifting(site, out, rows, _baseline(site, out, rows))


def watch(site: Site, out: Path) -> Drifting:
    """The same with steady traffic, and three verdicts on it."""
    made = prepare(site, out)
    made.send(made.rows)
    begun = site.now()
    until(lambda: site.now() > begun + FLUSHED, "what earlier users sent is captured")
    delete(site, f"{names.CAPTURE}/{ENDPOINT}/{names.BASELINE}/")  # a watch begins with the traffic of a week
    site.deploy(monitor="slipway", drift={**SHORT, "holdout_hours": 0.2})
    until(lambda: len(made.verdicts()) >= 3, "three windows have their verdict")
    return made


def unwatch(site: Site) -> None:
    """No monitoring any more, and the usual users. What it counted stays: another story need not count it again."""
    site.world.cdk.run("destroy", f"{names.PREFIX}-monitoring", "--force", "-c", site.context())
    site.settings |= {"monitor": "off"}
    site.world.start_users(RATE)


def forget(site: Site) -> None:
    """Removes what monitoring kept of the endpoint, unlabelled windows among it, and the retrainings that wait for
    their labels."""
    states = site.client("stepfunctions")
    machine = site.machine(names.RETRAINING)
    for execution in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        states.stop_execution(executionArn=execution["executionArn"], cause="its story is over")
    delete(site, f"{names.MONITORING}/{ENDPOINT}/")


def delete(site: Site, prefix: str) -> None:
    s3, bucket = site.client("s3"), site.world.outputs()["BucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=item["Key"])


def _baseline(site: Site, out: Path, rows: pd.DataFrame) -> str:
    """Writes the serving model's baseline into the bucket; the name of its most important feature."""
    s3, bucket, served = site.client("s3"), site.world.outputs()["BucketName"], site.served()[names.BASELINE]
    kept_in, _, key = _artifact(site, served).removeprefix("s3://").partition("/")
    s3.download_file(kept_in, key, str(out / "model.tar.gz"))
    with tarfile.open(out / "model.tar.gz") as archive:
        archive.extract("model.ubj", out, filter="data")
    booster = xgboost.Booster(model_file=out / "model.ubj")
    inputs = rows.drop(columns=["Class", "Time"]).round(6)
    scored = rows.assign(score=booster.predict(xgboost.DMatrix(inputs)))
    scored.to_parquet(out / "scored.parquet")
    gains = booster.get_score(importance_type="total_gain")
    version = names.package_version(ENDPOINT, served)
    plan = baseline.Plan(version, tuple(inputs), score="score", label="Class", importances=gains)
    built = baseline.build([out / "scored.parquet"], plan)
    pairs = zip(inputs[:GOLDEN].to_numpy().tolist(), scored["score"][:GOLDEN].astype(float), strict=True)
    files = {
        "reference.json": codec.dumps(built.reference),
        "windows.jsonl": "\n".join(map(codec.dumps, built.windows)),
        "golden.jsonl": "\n".join(json.dumps({"row": row, "score": score}) for row, score in pairs),
    }
    for file, text in files.items():
        s3.put_object(Bucket=bucket, Key=names.monitored(ENDPOINT, names.BASELINES, version, file), Body=text)
    return max(gains, key=lambda name: gains[name])


def _artifact(site: Site, model: str) -> str:
    return str(site.client("sagemaker").describe_model(ModelName=model)["PrimaryContainer"]["ModelDataUrl"])
