"""Periodic work of the extensions, run on the server's event loop so that it never races with a request."""

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)
_jobs: list[tuple[float, Callable[[], None]]] = []


def every(seconds: float, job: Callable[[], None]) -> None:
    """Run `job` each `seconds` real seconds once the server runs. A job that raises is logged and tried again."""
    _jobs.append((seconds, job))


def start() -> list[asyncio.Task[None]]:
    """Start all jobs on the running loop; cancel the returned tasks to stop them."""
    return [asyncio.create_task(_repeat(seconds, job)) for seconds, job in _jobs]


async def _repeat(seconds: float, job: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            job()
        except Exception:
            logger.exception("background job %s failed", job)
