"""What a failed story leaves to read: the ledger, the executions, the notifications, the logs."""

import json
from collections.abc import Iterable
from pathlib import Path

from sandbox.demo.world import ENDPOINT
from slipway import names
from tests.stories.site import Site

VERDICTS = 5  # of the last lines of a history; earlier ones are left out


def account(site: Site, lines: int = 30) -> str:
    """The recent past of a site as text. A part that can't be had says why, so that the others still show."""
    parts = {
        "endpoint": lambda: [json.dumps(site.endpoint(), default=str), json.dumps(site.world.dataplane())],
        "releases": lambda: _releases(site),
        "executions": lambda: _executions(site, lines),
        "drift": lambda: _verdicts(site),
        "notifications": lambda: [f"{m['at']:.0f} {m['subject']}" for m in site.messages()[-lines:]],
        "gateway.log": lambda: _tail(site.world.sandbox.logs / "gateway.log", lines),
        "dataplane.log": lambda: _tail(site.world.sandbox.logs / "dataplane.log", lines),
    }
    told = []
    for title, part in parts.items():
        try:
            told += [f"--- {title}", *part()]
        except Exception as error:
            told.append(f"not to be had: {error!r}")
    return "\n".join(told)


def _releases(site: Site) -> Iterable[str]:
    for release in sorted(site.releases(), key=lambda r: r["created_at"])[-2:]:
        shown = {key: value for key, value in release.items() if key not in ("plan", "evidence", "probe")}
        yield json.dumps(shown)
        lines = site.history(release["id"])
        for line in [line for line in lines[:-VERDICTS] if line["what"] != "verdict"] + lines[-VERDICTS:]:
            yield f"    {line['at']:.0f} {line['what']:12} {line['weight']:3g} % {line['by']}: {line['reason'][:200]}"


def _executions(site: Site, lines: int) -> Iterable[str]:
    for execution in site.executions()[:3]:
        yield f"{execution['executionArn']} {execution['status']} {execution['input']} {execution.get('output', '')}"
    running = site.executions()[0]["executionArn"]
    events = site.client("stepfunctions").get_execution_history(
        executionArn=running, reverseOrder=True, maxResults=lines
    )
    for event in reversed(events["events"]):
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        yield f"    {event['timestamp']:%H:%M:%S} {event['type']} {json.dumps(details, default=str)[:300]}"


def _verdicts(site: Site) -> Iterable[str]:
    s3, bucket = site.client("s3"), site.world.outputs()["BucketName"]
    below = names.monitored(ENDPOINT, names.RESULTS)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{below}/").get("Contents", ())
    for key in sorted(item["Key"] for item in listed if item["Key"].endswith("/drift.json")):
        verdict = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        yield f"{key.removeprefix(below)} {verdict['remedy']} {'; '.join(verdict['reasons'])}"
        yield from (f"    {f['scale']} windows: {f['says']}" for f in verdict["findings"] if f["alarming"])


def _tail(file: Path, lines: int) -> list[str]:
    return file.read_text(errors="replace").splitlines()[-lines:]
