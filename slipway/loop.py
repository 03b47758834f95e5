"""The promotion loop's small change: what Step Functions carries from one state to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway import phases
from slipway.phases import Phase
from slipway.release import Release

# An execution ends at 25,000 events; a look costs about 11, and a retried one more.
LOOKS = 1500

_NEXT = {
    Phase.CREATED: "shift",
    Phase.SETTLING: "settle",
    Phase.ROLLING_BACK: "roll_back",
    Phase.PROMOTED: "promoted",
    Phase.ROLLED_BACK: "rolled_back",
}


@dataclass(frozen=True)
class Turn:
    """Where the state machine goes next, and how long it waits before.

    next: shift | judge | settle | roll_back | admit | promoted | rolled_back | refused | duplicate | hand_over
    """

    release_id: str
    phase: str
    next: str
    wait_seconds: int
    looks: int
    reason: str = ""
    model_package_arn: str = ""


def queued(package: str, state: Mapping[str, Any], wait: int, reason: str) -> Turn:
    """Another turn at admission, later; a queue too long for one execution goes on in another."""
    looks = int(state.get("looks", 0)) + 1
    return Turn("", "QUEUED", "hand_over" if looks >= LOOKS else "admit", wait, looks, reason, package)


def turn(release: Release, state: Mapping[str, Any], next_: str = "", wait: int = 0) -> Turn:
    """The next turn for a release: where its phase leads, or `next_` while the phase is one the judge judges."""
    looks = int(state.get("looks", 0)) + 1
    where = next_ if release.phase in phases.JUDGED and next_ else _NEXT.get(release.phase, next_ or "shift")
    if looks >= LOOKS and not release.ended:
        where = "hand_over"
    return Turn(release.id, release.phase.value, where, wait, looks, release.reason)
