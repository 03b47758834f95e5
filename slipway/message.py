"""Notifications: outcome first in the subject, reason and numbers in the body."""

from slipway import names
from slipway.phases import Phase
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
    if line.verdict:
        rows += ["", f"verdict    {line.verdict.decision}: {line.verdict.reason}"]
        rows += [f"  {finding.guardrail:10} {finding.says}" for finding in line.verdict.findings]
    rows += ["", f"Stop it:   aws lambda invoke --function-name {names.function('operate')} --payload ..."] * (
        not release.ended and release.phase is not Phase.ROLLING_BACK
    )
    return "\n".join(rows)


def refused(endpoint: str, package: str, reason: str) -> tuple[str, str]:
    return f"REFUSED: {endpoint} {package.rsplit('/', 1)[-1]}", f"Package {package} was not released: {reason}\n"
