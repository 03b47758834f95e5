"""The users of one endpoint: a Poisson process of requests that doesn't wait for answers."""

import argparse
import asyncio
import json
import logging
import math
import random
import resource
import signal
import sys
import uuid
from contextlib import suppress
from time import perf_counter
from urllib.parse import urlsplit

import boto3

from sandbox import clock
from sandbox.traffic.client import Call, Pool
from sandbox.traffic.labels import Delays, GroundTruth
from sandbox.traffic.outcomes import Outcomes
from sandbox.traffic.rows import Rows
from sandbox.traffic.signing import SIGNATURE_AGE, signed_head

TICK = 0.001  # seconds: the loop's timers know no less. A shorter delay spins, and is not the endpoint's latency.

log = logging.getLogger(__name__)


class Users:
    """Made from the options of `python -m sandbox.traffic`; `run` sends, records and reports."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._rows = Rows(
            options.rows, target=options.target, dropped=[name for name in options.drop.split(",") if name]
        )
        self._run = uuid.uuid4().hex[:12]
        self._gaps = random.Random(options.seed)
        self._delays = Delays(
            share=options.label_share, median=options.label_delay, spread=options.label_spread, seed=options.seed
        )
        self._clicks, self._moods = dict(options.clicks), random.Random(options.seed)
        self._truth = None
        if options.bucket:
            self._truth = GroundTruth(boto3.client("s3"), options.bucket, options.endpoint, clock.from_env())
        self.outcomes = Outcomes()
        self._stopped = asyncio.Event()
        address = urlsplit(options.url)
        self._pool = Pool(address.hostname or "", address.port or 80, options.connections, options.timeout, self._done)

    async def run(self) -> None:
        """Send until stopped. Raises OSError where the data plane does not listen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        self._sign()
        await self._pool.open()
        self._cpu_before = _cpu_seconds()
        self._began = self._due = perf_counter()
        self._send_due()
        while not self._stopped.is_set() and not self._over():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1.0)
            await self._each_second()
        self._timer.cancel()
        await self._pool.close()
        await self._flush()
        self._report(self.outcomes.summary() | {"final": True, "cpu_us_per_request": self._cpu()})

    def _over(self) -> bool:
        return self._options.seconds is not None and perf_counter() - self._began >= self._options.seconds

    async def _each_second(self) -> None:
        self._pool.expire()
        if perf_counter() - self._signed_at > SIGNATURE_AGE:
            self._sign()
        await self._flush()
        self._report(self.outcomes.snapshot())

    def _send_due(self) -> None:
        now = perf_counter()
        while self._due <= now:
            late = now - self._due > 2 * TICK
            self._pool.submit(self._call(self.outcomes.sent, self._due if late else now))
            self.outcomes.sent += 1
            self._due += self._gaps.expovariate(self._rate())
        delay = math.ceil((self._due - now) / TICK) * TICK
        self._timer = asyncio.get_running_loop().call_later(delay, self._send_due)

    def _rate(self) -> float:
        """Requests a second, by now."""
        row, rate = self._options.then or (math.inf, 0.0)
        return float(rate if self._options.start + self.outcomes.sent >= row else self._options.rate)

    def _call(self, number: int, due: float) -> Call:
        body = self._rows.line(self._options.start + number)
        payload = self._head % (self._inference_id(number), len(body)) + body
        return Call(number, due, payload, label_delay=self._delays.draw())

    def _inference_id(self, number: int) -> bytes:
        return b"%b-%d" % (self._run.encode(), number)

    def _done(self, call: Call) -> None:
        if call.failure:
            self.outcomes.lost[call.failure] += 1
            return
        self.outcomes.record(call.status, call.variant, perf_counter() - call.due)
        if self._truth and call.label_delay is not None and 200 <= call.status < 300:
            label = self._rows.label(self._options.start + call.number)
            outcomes = {}
            if call.variant in self._clicks:
                outcomes["clicked"] = int(self._moods.random() < self._clicks[call.variant])
            source = self._rows.source(self._options.start + call.number)
            self._truth.add(self._inference_id(call.number).decode(), label, call.label_delay, outcomes, source)

    async def _flush(self) -> None:
        if self._truth:
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._truth.flush)
            except Exception as error:  # labels wait for the next second; users don't
                log.warning("ground truth not written: %s", error)

    def _sign(self) -> None:
        self._head = signed_head(self._options.url, self._options.endpoint)
        self._signed_at = perf_counter()

    def _cpu(self) -> float:
        """Microseconds of this process's CPU time for each request sent."""
        return round(1e6 * (_cpu_seconds() - self._cpu_before) / max(self.outcomes.sent, 1), 1)

    def _report(self, numbers: dict[str, object]) -> None:
        elapsed = perf_counter() - self._began
        line = {"seconds": round(elapsed, 2), "in_flight": self._pool.pending, **numbers}
        line["labels_written"] = self._truth.written if self._truth else 0
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
