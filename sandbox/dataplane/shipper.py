"""Carries what the router recorded to a sink, on a thread of its own: the answer path never waits for AWS."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

_WAITING = 240  # jobs; a minute or two of flushes that the sink didn't take
_RETRY_S = (0.2, 1.0, 5.0)


class Shipper:
    """Runs jobs one after another. A job that keeps failing is dropped, counted and logged."""

    def __init__(self) -> None:
        self.dropped = 0
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def ship(self, job: Callable[[], None]) -> None:
        """Never blocks. `job` may raise OSError, BotoCoreError or ClientError and is then tried again."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float) -> None:
        """Carry out what is waiting, for at most `timeout_s` real seconds."""
        with suppress(queue.Full):
            self._jobs.put(None, timeout=timeout_s)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while job := self._jobs.get():
            self._attempt(job)

    def _attempt(self, job: Callable[[], None]) -> None:
        for pause in (*_RETRY_S, None):
            try:
                return job()
            except (OSError, BotoCoreError, ClientError) as error:
                if pause is None:
                    self.dropped += 1
                    log.warning("capture or metrics dropped: %s", error)
                    return None
                time.sleep(pause)
        return None
