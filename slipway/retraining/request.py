"""What starts an execution, as a trigger; what a run is told by those who may approve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.retraining.run import Cause, Kind, State, Trigger

NOBODY = "somebody"  # who starts an execution with {} does not say who; CloudTrail knows
ANSWERS = ("approve", "reject")
_DECIDED = {"Approved": "approve", "Rejected": "reject"}
_FORM = '{"run_id": "...", "answer": "approve", "by": "you", "reason": "why"}'
DAY, HOUR = 86400.0, 3600.0


class BadRequest(ValueError):
    """An input that can't be understood; the message says what to send."""


class NothingAsked(Exception):
    """No run waits for this answer."""


def endpoint(given: Mapping[str, Any], known: Sequence[str]) -> str:
    """Which endpoint an execution's input means; the only one where none is named. Raises BadRequest."""
    named = given["drift"]["endpoint"] if "drift" in given else given.get("endpoint") or ""
    if not named and len(known) == 1:
        return known[0]
    if named not in known:
        what = f"{named!r} is no endpoint of ours" if named else "there are several"
        raise BadRequest(f'endpoint: {what}; name one of {", ".join(known)}, as in {{"endpoint": "{known[0]}"}}')
    return str(named)


def trigger(given: Mapping[str, Any], name: str, at: float, *, window_days: float, label_hours: float) -> Trigger:
    """Of an endpoint, from an execution's input. at: when that began, unix seconds.

    `{"drift": detail}` of a drift's event; `{"trigger": "schedule"}` or `{"trigger": "labels"}`; else a person's, who
    may say `by` and `reason`. Raises BadRequest.
    """
    if "drift" in given:
        return _of_drift(given["drift"], at)
    unknown = set(given) - {"endpoint", "trigger", "by", "reason", "at"}
    if unknown:
        raise BadRequest(f"{', '.join(sorted(unknown))}: unknown; send {{}}, or any of endpoint, by, reason")
    try:
        kind = Kind(given.get("trigger", Kind.PERSON))
    except ValueError:
        raise BadRequest(f"trigger: expected schedule, labels or none, got {given['trigger']!r}") from None
    until = at - label_hours * HOUR
    reason = given.get("reason") or f"started by {'hand' if kind is Kind.PERSON else kind}"
    by = str(given.get("by") or NOBODY) if kind is Kind.PERSON else ""
    return Trigger(name, kind, until - window_days * DAY, until, at, str(reason), by=by)


def _of_drift(detail: Mapping[str, Any], at: float) -> Trigger:
    causes = [Cause(f["detector"], f["cause"], f["subject"], f["says"]) for f in detail["findings"]]
    reason = "; ".join(detail["reasons"]) or detail["remedy"]
    since, until = float(detail["since"]), float(detail["until"])
    return Trigger(
        detail["endpoint"], Kind.DRIFT, since, until, max(at, until), reason, tuple(causes), detail["remedy"]
    )


@dataclass(frozen=True)
class Answer:
    """Of a person, who names a run or its endpoint; or of the registry, which names the endpoint and the package."""

    answer: str
    by: str
    reason: str
    run_id: str = ""
    endpoint: str = ""
    package: str = ""


def answer(event: Mapping[str, Any]) -> Answer:
    """From a person's payload, or EventBridge's `SageMaker Model Package State Change`. Raises BadRequest."""
    if "detail" in event:
        detail = event["detail"]
        why = detail.get("ApprovalDescription") or "no reason given"
        said = _DECIDED[detail["ModelApprovalStatus"]]
        group, arn = detail["ModelPackageGroupName"], detail["ModelPackageArn"]
        return Answer(said, "the registry", why, endpoint=group, package=arn)
    if unknown := set(event) - {"run_id", "endpoint", "answer", "by", "reason"}:
        raise BadRequest(f"{', '.join(sorted(unknown))}: unknown; send {_FORM}")
    if event.get("answer") not in ANSWERS:
        raise BadRequest(f"answer: expected one of {', '.join(ANSWERS)}, got {event.get('answer')!r}; send {_FORM}")
    for key in ("by", "reason"):
        if not str(event.get(key, "")).strip():
            raise BadRequest(f"{key}: missing; send {_FORM}")
    if bool(event.get("run_id")) == bool(event.get("endpoint")):
        raise BadRequest(f"run_id: give either it or endpoint; send {_FORM}")
    return Answer(**{key: str(value) for key, value in event.items()})


def decided(state: Mapping[str, Any]) -> tuple[State, str]:
    """How a run ends, from the workflow's state after the question: answered, not in time, or never asked."""
    if "silence" in state:
        return State.REJECTED, "nobody answered in time; the version still waits in the registry"
    said = state.get("answer", {"answer": "approve", "by": "the gate", "reason": "approval is automatic"})
    end = State.APPROVED if said["answer"] == "approve" else State.REJECTED
    return end, f"{said['by']}: {said['reason']}"
