"""Keeps what each invocation did until the next flush, then ships it: capture files and metrics."""

from functools import partial

from sandbox.clock import Clock
from sandbox.dataplane import capture, metrics
from sandbox.dataplane.container_logs import ContainerLogs
from sandbox.dataplane.metrics import Datum, Meter
from sandbox.dataplane.shipper import Shipper
from sandbox.dataplane.sinks import Sink

_FLUSH_RECORDS = 1000


class Recorder:
    """Used on the event loop only; the shipper's thread does the slow half."""

    def __init__(self, clock: Clock, sink: Sink, shipper: Shipper) -> None:
        self._clock = clock
        self._sink = sink
        self._shipper = shipper
        self._records: list[capture.Record] = []
        self._meters: dict[tuple[str, str], Meter] = {}

    def now(self) -> float:
        """Virtual Unix seconds."""
        return self._clock.now()

    def meter(self, endpoint: str, variant: str) -> Meter:
        """The one meter of a variant, over all its models."""
        return self._meters.setdefault((endpoint, variant), Meter(endpoint, variant))

    def keep(self, record: capture.Record) -> None:
        self._records.append(record)
        if len(self._records) >= _FLUSH_RECORDS:
            self._flush_capture()

    def put_logs(self, logs: ContainerLogs) -> None:
        self._shipper.ship(partial(logs.ship, self._sink, self.now()))

    def put_instance_metrics(self, data: list[Datum]) -> None:
        self._shipper.ship(partial(self._sink.put_metrics, metrics.INSTANCE_NAMESPACE, data))

    def flush(self) -> None:
        """Ship everything recorded so far; returns at once."""
        self._flush_capture()
        drained = [(meter, minutes) for meter in self._meters.values() if (minutes := meter.drain())]
        if drained:
            self._shipper.ship(partial(self._put_metrics, drained))

    def _flush_capture(self) -> None:
        if self._records:
            records, self._records = self._records, []
            self._shipper.ship(partial(self._put_records, records))

    def _put_records(self, records: list[capture.Record]) -> None:
        for url, body in capture.objects(records).items():
            self._sink.put_object(url, body)

    def _put_metrics(self, drained: list[tuple[Meter, dict[int, metrics.Sums]]]) -> None:
        self._sink.put_metrics(
            metrics.NAMESPACE, [d for meter, minutes in drained for d in metrics.data(meter, minutes)]
        )
