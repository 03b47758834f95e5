"""Notifications: outcome first in the subject, reason and numbers in the body."""

import json

from slipway import names
from slipway.phases import JUDGED, Phase
from slipway.release import Entry, Release

_SAYS = {
    Phase.SHADOW: "STARTED",
    Phase.SETTLING: "PROMOTING",
    Phase.PROMOTED: "PROMOTED",
    Phase.ROLLING_BACK: "ROLLING BACK",
    Phase.ROLLED_BACK: "ROLLED BACK",
}


def subject(release: Release, line: Entry) -> str:
    what = _SAYS.get(line.phase, "STARTED" if release.step == 0 else "ADVANCED")
    if line.what == "verdict":
        what = "HELD"
    elif line.what not in Phase.__members__:
        what = f"OPERATOR {line.what.upper()}"
    where = {Phase.SHADOW: " in shadow", Phase.CANARY: f" at {line.weight:g} %", Phase.BAKE: " baking at 100 %"}
    return f"{what}: {release.endpoint} release {release.id}{where.get(line.phase, '')}"


def body(release: Release, line: Entry) -> str:
    """Plain text, readable on a phone."""
    rows = [
        line.reason,
        "",
        f"endpoint   {release.endpoint}",
        f"release    {release.id}",
        f"package    {release.package}",
        f"phase      {line.phase}, candidate at {line.weight:g} % of the traffic",
        f"by         {line.by}",
    ]
    if release.step == 0 and line.what in JUDGED and release.outlook:
        rows += ["", *release.outlook.split("; ")]
    if line.verdict:
        rows += ["", f"verdict    {line.verdict.decision}"]
        rows += [f"  {finding.guardrail:12} {finding.says}" for finding in line.verdict.findings]
    if release.phase in JUDGED:
        rows += ["", "To stop it:", _abort(release.id)]
    return "\n".join(rows)


def _abort(release_id: str) -> str:
    payload = json.dumps({"release_id": release_id, "act": "abort", "by": "you", "reason": "why"})
    invoke = f"aws lambda invoke --function-name {names.function('operate')}"
    return f"echo '{payload}' | {invoke} --payload fileb:///dev/stdin /dev/stdout"


def refused(endpoint: str, package: str, reason: str) -> tuple[str, str]:
    return f"REFUSED: {endpoint} {package.rsplit('/', 1)[-1]}", f"Package {package} was not released: {reason}\n"
