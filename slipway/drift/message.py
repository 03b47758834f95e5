"""What is told of drift: when it begins and when it is over, to people and to machines."""

from collections.abc import Iterable
from typing import Any

from slipway import codec, names
from slipway.drift.findings import Drift, Finding, Remedy

MOST_FINDINGS = 20  # of one event; EventBridge and SNS take 256 KB
MOST_REASONS = 100
_DO = {
    Remedy.ROLL_BACK: "ROLL BACK",
    Remedy.REPAIR_DATA: "REPAIR DATA",
    Remedy.RELABEL: "LABEL AGAIN",
    Remedy.RETRAIN: "RETRAIN",
    Remedy.REFRESH_HOLDOUT: "REFRESH HOLDOUT",
    Remedy.NOTHING: "DRIFT",
}


def alarming(drift: Drift | None) -> list[Finding]:
    return [finding for finding in drift.findings if finding.alarming] if drift else []


def news(before: Drift | None, after: Drift) -> str:
    """The kind of event that `after` is, coming after `before`; empty where it says nothing new.

    A further feature that shifts for the same cause is not new; another remedy is.
    """
    if alarming(after):
        known = {(finding.detector, finding.cause) for finding in alarming(before)}
        further = {(finding.detector, finding.cause) for finding in alarming(after)} - known
        return names.DRIFT_DETECTED if further or before is None or before.remedy is not after.remedy else ""
    return names.DRIFT_ENDED if alarming(before) else ""


def concerns_people(before: Drift | None, after: Drift) -> bool:
    """Whether there is, or was, something to do: what needs no remedy need not wake anybody."""
    newly = after if alarming(after) else before
    return newly is not None and newly.remedy is not Remedy.NOTHING


def detail(endpoint: str, variant: str, version: str, drift: Drift, evidence: str) -> dict[str, Any]:
    """The event's detail. evidence: S3 address of the whole verdict."""
    return {
        "endpoint": endpoint,
        "variant": variant,
        "package_version": version,
        "since": drift.since,
        "until": drift.until,
        "remedy": drift.remedy.value,
        "blocks_retraining": drift.blocks_retraining,
        "reasons": _reasons(drift),
        "findings": [codec.encode(finding) for finding in alarming(drift)[:MOST_FINDINGS]],
        "evidence": evidence,
    }


def subject(endpoint: str, variant: str, kind: str, drift: Drift) -> str:
    if kind == names.DRIFT_ENDED:
        return f"DRIFT OVER: {endpoint} {variant}"
    causes = ", ".join(dict.fromkeys(finding.cause.value for finding in alarming(drift)))
    return f"{_DO[drift.remedy]}: {endpoint} {variant} drifts: {causes}"


def body(endpoint: str, variant: str, version: str, drift: Drift, evidence: str) -> str:
    """Plain text, readable on a phone."""
    rows = [*_reasons(drift), *([""] if drift.reasons else [])]
    rows += [
        f"endpoint   {endpoint}, variant {variant}, package version {version}",
        f"remedy     {drift.remedy}",
        f"retraining {'blocked until this is settled' if drift.blocks_retraining else 'not blocked'}",
        f"evidence   {evidence}, and report.html beside it",
        "runbook    docs/runbooks/drift.md",
    ]
    rows += _section("found", (f"{f.detector:14} {f.named}" for f in alarming(drift)[:MOST_FINDINGS]))
    return "\n".join([*rows, *_section("could be seen", drift.power), *_section("limits", drift.limits)])


def _reasons(drift: Drift) -> list[str]:
    """The first ones, which are those of the remedy; the verdict holds all."""
    more = len(drift.reasons) - MOST_REASONS
    return [reason[:500] for reason in drift.reasons[:MOST_REASONS]] + ([f"and {more:,} more"] if more > 0 else [])


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", title, *(f"  {line}" for line in found)] if found else []


def effects(features: Iterable[str], drift: Drift) -> dict[str, float]:
    """The strongest alarming effect on each of these features, 0 where there is none."""
    found = dict.fromkeys(features, 0.0)
    for finding in alarming(drift):
        if finding.subject in found:
            found[finding.subject] = max(found[finding.subject], finding.effect)
    return found
