"""What asks for an immediate rollback: an alarm's state change, or an operator's abort; both as EventBridge events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway import names


class NotOurs(ValueError):
    """An event that names no alarm and no release of ours."""


@dataclass(frozen=True)
class Request:
    """A reason to roll an endpoint's release back. `release_id` is empty when the event only names the endpoint."""

    endpoint: str
    release_id: str
    by: str
    reason: str


def failure(state: Mapping[str, Any]) -> str:
    """The reason in a workflow state that a Catch sent to the rollback."""
    error = state.get("error", {})
    return f"the workflow failed: {error.get('Error', 'unknown')}: {error.get('Cause', 'no cause given')[:300]}"


def parse(event: Mapping[str, Any]) -> Request | None:
    """The request an event makes; None for a candidate's alarm that did not go to ALARM.

    Source: "Alarm events and EventBridge" in the CloudWatch user guide.
    """
    detail = event.get("detail", {})
    if event.get("detail-type") == names.ABORT_REQUESTED:
        release_id = str(detail["release_id"])
        return Request(names.endpoint_of(release_id), release_id, str(detail["by"]), str(detail["reason"]))
    name = str(detail.get("alarmName", ""))
    suffix = f"-{names.CANDIDATE}"
    if not (name.startswith(f"{names.PREFIX}-") and name.endswith(suffix)):
        raise NotOurs(f"{event.get('detail-type')!r} with alarm {name!r} names no candidate's composite alarm")
    state = detail.get("state", {})
    if state.get("value") != "ALARM":
        return None
    endpoint = name.removeprefix(f"{names.PREFIX}-").removesuffix(suffix)
    return Request(
        endpoint, "", f"alarm {name}", f"alarm {name} went to ALARM: {state.get('reason', 'no reason given')}"
    )
