"""Who answers a request: production variants by weight, a copy of it to the shadow."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sandbox.dataplane.metrics import Meter
from sandbox.dataplane.spec import PRODUCTION, SHADOW, Capture, Faults
from sandbox.dataplane.supervisor import Container


class Counters:
    """What one model behind one variant did since it was first deployed there; for reports."""

    def __init__(self) -> None:
        self.routed = 0  # production requests that came here by weight
        self.targeted = 0  # production requests that asked for this variant
        self.shadow_copies = 0
        self.shadow_dropped = 0
        self.answered_2xx = 0
        self.answered_4xx = 0
        self.answered_5xx = 0
        self.last_routed_at: float | None = None  # virtual Unix seconds
        self.last_request_at: float | None = None  # by weight or by target, not shadow

    def as_dict(self) -> dict[str, Any]:
        """With `requests`: production requests, however they came here."""
        return {"requests": self.routed + self.targeted, **vars(self)}


class Target:
    """A variant in service: a running container under a name."""

    def __init__(self, endpoint: str, variant: str, container: Container, counters: Counters, meter: Meter) -> None:
        self.endpoint = endpoint
        self.variant = variant
        self.encoded_name = variant.encode()
        self.container = container
        self.counters = counters
        self.meter = meter
        self.faults = Faults()


class Routing:
    """One endpoint's routing. Weights and members never change: a new state is a new object."""

    def __init__(self, members: Sequence[tuple[str, float, Target]], capture: Capture | None) -> None:
        """`members`: (kind, weight, target)."""
        production = [(weight, target) for kind, weight, target in members if kind == PRODUCTION]
        self.capture = capture
        self.by_name = {target.encoded_name: target for _, target in production}
        self.shadow = next((target for kind, _, target in members if kind == SHADOW), None)
        self._targets = [target for _, target in production]
        self._bounds = list(accumulate(weight for weight, _ in production))
        shadow_weight = sum(weight for kind, weight, _ in members if kind == SHADOW)
        # A shadow's weight says what part of the production variant's requests it sees.
        self.shadow_share = min(1.0, shadow_weight / self._bounds[-1]) if self._bounds[-1] else 0.0

    def choose(self, rng: random.Random) -> Target | None:
        """A production variant, with chance weight / sum of weights; None if all weights are 0."""
        total = self._bounds[-1]
        if not total:
            return None
        return self._targets[bisect_right(self._bounds, rng.random() * total)]
