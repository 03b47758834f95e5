"""The streaming engine: captured lines in, a `Profile` out, in pure Python and the memory of one batch.

Small enough for a Lambda function per captured object. The other engines hand it whatever they can't count themselves.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from monitoring.columns import ABSENT, ColumnCounter, Value
from monitoring.records import Reason, Record, Refused, Replayed, parse
from slipway.drift.profile import Count, Profile, unlabelled
from slipway.drift.reference import Reference

BATCH = 512  # records counted at once: columns are cheaper than rows
SKEW = 3600.0  # seconds that an inference time may lie outside the window: objects are written minutes later


class Quarantined(NamedTuple):
    reason: str
    line: str


Quarantine = Callable[[Quarantined], object]
Within = tuple[float, float] | None  # since, until: unix seconds


class Tally:
    """Counts rows and records into a `Profile`."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.columns = [ColumnCounter(feature) for feature in reference.features]
        self.scores = ColumnCounter(reference.scores)
        self._rejected: Counter[str] = Counter()
        self._accepted = self._rows = self._positives = self._surplus = 0
        self._first, self._last = math.inf, -math.inf

    def add(
        self, rows: Sequence[Sequence[Value]], scores: Sequence[Value], records: int, times: Sequence[float] = ()
    ) -> None:
        """Rows in the order of the features and one score each, of so many accepted records; their inference times."""
        self._accepted += records
        self._first, self._last = min(self._first, *times, math.inf), max(self._last, *times, -math.inf)
        if not rows:
            return
        self._rows += len(rows)
        for counter, values in zip(self.columns, self._transposed(rows), strict=True):
            counter.add(values)
        self._positives += sum(score >= self.reference.threshold for score in self.scores.add(scores))

    def reject(self, reason: str) -> None:
        self._rejected[reason] += 1

    def profile(self) -> Profile:
        return Profile(
            self.reference.id,
            tuple(counter.column() for counter in self.columns),
            self.scores.column(),
            records=self._accepted + self._rejected.total(),
            accepted=self._accepted,
            rows=self._rows,
            positives=self._positives,
            surplus=self._surplus,
            rejected=tuple(Count(reason, n) for reason, n in sorted(self._rejected.items())),
            first=self._first if self._first <= self._last else None,
            last=self._last if self._first <= self._last else None,
            labelled=unlabelled(self.reference),
        )

    def _transposed(self, rows: Sequence[Sequence[Value]]) -> Iterable[Sequence[Value]]:
        width = len(self.columns)
        if any(len(row) != width for row in rows):
            self._surplus += sum(max(0, len(row) - width) for row in rows)
            rows = [[*row[:width], *[ABSENT] * (width - len(row))] for row in rows]
        return zip(*rows, strict=True)


def profile(
    lines: Iterable[bytes | str], reference: Reference, within: Within = None
) -> tuple[Profile, list[Quarantined]]:
    """Lines of captured objects, counted; and those that are not, with the reason.

    within: the window the lines should belong to; a record more than `SKEW` outside it is refused.
    """
    tally = Tally(reference)
    quarantined: list[Quarantined] = []
    for _ in batches(lines, tally, quarantined.append, within):
        pass
    return tally.profile(), quarantined


def batches(
    lines: Iterable[bytes | str], tally: Tally, quarantine: Quarantine, within: Within = None
) -> Iterator[list[Record]]:
    """The records of the lines, batch by batch, each already counted."""
    records = accepted(lines, tally, quarantine, within)
    while batch := list(islice(records, BATCH)):
        rows = [row for record in batch for row in record.rows]
        scores = [score for record in batch for score in record.scores]
        tally.add(rows, scores, len(batch), [record.at for record in batch])
        yield batch


def accepted(lines: Iterable[bytes | str], tally: Tally, quarantine: Quarantine, within: Within) -> Iterator[Record]:
    """The records of the lines; those refused are counted, the others not yet."""
    names = [feature.name for feature in tally.reference.features]
    for line in lines:
        line = line.encode() if isinstance(line, str) else line
        if not line.strip():
            continue
        try:
            record = parse(line, names)
            if within and not within[0] - SKEW <= record.at < within[1] + SKEW:
                raise Refused(Reason.CLOCK_SKEW)
        except Replayed:
            continue
        except Refused as refused:
            tally.reject(refused.reason)
            quarantine(Quarantined(refused.reason, text_of_line(line)))
        else:
            yield record


def text_of_line(line: bytes) -> str:
    return line.strip().decode(errors="replace")
