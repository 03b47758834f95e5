"""Ground truth that arrives late, in Model Monitor's format, under the hour in which it was collected."""

import heapq
import json
import random
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any

from sandbox.clock import Clock
from slipway import names


class Delays:
    """Draws when, if ever, a request's truth becomes known; the same seed draws the same."""

    def __init__(self, *, share: float, median: float, spread: float, seed: int) -> None:
        """`share` of requests get a label, after a lognormal delay: median in seconds, `spread` its log's deviation."""
        self._rng = random.Random(seed)
        self._share, self._median, self._spread = share, median, spread

    def draw(self) -> float | None:
        """Seconds, or None for never."""
        delay = self._median * self._rng.lognormvariate(0.0, self._spread)
        return delay if self._rng.random() < self._share else None


class GroundTruth:
    """Keeps labels until they are due and writes them as objects.

    One thread may call `add` while another calls `flush`: heapq's operations are atomic, and a label pushed in between
    can only make the first of the heap due earlier.
    """

    def __init__(self, s3: Any, bucket: str, endpoint: str, clock: Clock) -> None:
        self._s3, self._bucket, self._endpoint, self._clock = s3, bucket, endpoint, clock
        self._heap: list[tuple[float, str]] = []
        self.written = 0

    def add(
        self,
        inference_id: str,
        label: int,
        delay: float,
        outcomes: Mapping[str, float] = MappingProxyType({}),
        source: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Make a label, and what else came of the request, known `delay` virtual seconds from now.

        source: who gives the label, in the format's own words (`annotator`, `policyVersion`).
        """
        heapq.heappush(self._heap, (self._clock.now() + delay, _line(inference_id, label, outcomes, source)))

    def flush(self) -> None:
        """Write what is due, one object an hour of collection. Raises botocore's errors; what wasn't written stays."""
        due = self._take()
        for hour, group in groupby(due, key=lambda item: datetime.fromtimestamp(item[0], UTC).strftime("%Y/%m/%d/%H")):
            batch = list(group)
            try:
                self._put(hour, batch)
            except Exception:
                for item in due[due.index(batch[0]) :]:
                    heapq.heappush(self._heap, item)
                raise
            self.written += len(batch)

    def _take(self) -> list[tuple[float, str]]:
        now = self._clock.now()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap))
        return due

    def _put(self, hour: str, batch: list[tuple[float, str]]) -> None:
        collected = datetime.fromtimestamp(batch[-1][0], UTC)
        name = f"{collected:%M-%S}-{collected.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        self._s3.put_object(
            Bucket=self._bucket,
            Key=f"{names.GROUND_TRUTH}/{self._endpoint}/{hour}/{name}",
            Body="".join(line for _, line in batch).encode(),
        )


def _line(inference_id: str, label: int, outcomes: Mapping[str, float], source: Mapping[str, str]) -> str:
    record: dict[str, Any] = {
        "groundTruthData": {"data": str(label), "encoding": "CSV"},
        "eventMetadata": {"eventId": inference_id, **source},
        "eventVersion": "0",
    }
    if outcomes:
        record["outcomes"] = dict(outcomes)
    return json.dumps(record) + "\n"
