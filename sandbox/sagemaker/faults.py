"""Physical faults of the control plane, switched through POST /_sandbox/sagemaker/faults.

Body: {"endpoint": "fraud", "next_update": "fail", "throttle": 3, "duplicate_events": true, "maintenance": true};
`endpoint` says whom `next_update`, `throttle` and `maintenance` concern (absent: every endpoint). An empty body, or
DELETE, clears all faults.
"""

import threading
from typing import Any

# What the next UpdateEndpoint or UpdateEndpointWeightsAndCapacities meets:
#   fail             the endpoint ends as Failed; only DeleteEndpoint works then
#   silent_rollback  InService again on the old config and weights, FailureReason empty
#   rollback_failed  UpdateRollbackFailed
#   hang             stays Updating until the faults are cleared
#   refuse           the call itself is refused: ResourceLimitExceeded
NEXT_UPDATE = ("fail", "silent_rollback", "rollback_failed", "hang", "refuse")
_KINDS = {"endpoint": str, "next_update": str, "throttle": int, "duplicate_events": bool, "maintenance": bool}
ANY = "*"


class Faults:
    """The switches that are on. Reading one that fires once also consumes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.clear()

    def clear(self) -> None:
        """Switch everything off; updates that hang go on."""
        with self._lock:
            self.next_update: dict[str, str] = {}
            self.throttle: dict[str, int] = {}
            self.maintenance: set[str] = set()
            self.duplicate_events = False
            self._released.set()

    def switch(self, wanted: dict[str, Any]) -> None:
        """Turn switches on or off as the module's body says; nothing wanted clears all. ValueError on a bad body."""
        if not wanted:
            return self.clear()
        for key, value in wanted.items():
            if key not in _KINDS or not isinstance(value, _KINDS[key]):
                raise ValueError(f"unknown fault {key}={value!r}; known: {', '.join(_KINDS)}")
        if wanted.get("next_update", "fail") not in NEXT_UPDATE:
            raise ValueError(f"next_update must be one of {', '.join(NEXT_UPDATE)}")
        endpoint = wanted.get("endpoint", ANY)
        with self._lock:
            if "next_update" in wanted:
                self.next_update[endpoint] = wanted["next_update"]
            if "throttle" in wanted:
                self.throttle[endpoint] = wanted["throttle"]
            if "maintenance" in wanted:
                (self.maintenance.add if wanted["maintenance"] else self.maintenance.discard)(endpoint)
            self.duplicate_events = wanted.get("duplicate_events", self.duplicate_events)
        return None

    def state(self) -> dict[str, Any]:
        with self._lock:
            return {
                "next_update": dict(self.next_update),
                "throttle": dict(self.throttle),
                "maintenance": sorted(self.maintenance),
                "duplicate_events": self.duplicate_events,
            }

    def in_maintenance(self, endpoint: str) -> bool:
        return bool(self.maintenance & {endpoint, ANY})

    def take_update(self, endpoint: str) -> str | None:
        """The fault that this update of the endpoint meets."""
        with self._lock:
            fault = self.next_update.pop(endpoint, None) or self.next_update.pop(ANY, None)
            if fault == "hang":
                self._released.clear()
            return fault

    def take_throttle(self, endpoint: str) -> bool:
        """Whether this call is one of the `throttle` calls to refuse."""
        with self._lock:
            for key in (endpoint, ANY):
                if self.throttle.get(key, 0) > 0:
                    self.throttle[key] -= 1
                    return True
            return False

    def wait_for_release(self) -> None:
        """Block until the faults are cleared."""
        self._released.wait()


FAULTS = Faults()
