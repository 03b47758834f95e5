"""Real streams as they came: the second day of card transactions after the first, the bank's years after 2008."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bench.drift_quality.counting import Counter, Rows
from bench.drift_quality.rules import RULES, ours
from bench.drift_quality.worlds import bank_rows, fraud_in_order
from sandbox import data
from slipway.drift.calibration import learn
from slipway.drift.findings import Window

MIDNIGHT = 1_378_000_800.0  # of the first day, about: the data count from its first transaction
HALF_HOUR = 1800.0
CONTACTS = 500  # rows a window of the bank's


@dataclass(frozen=True)
class Stream:
    """flagged: of `windows` after the baseline's, by rule; first: what ours says at its first alarm."""

    name: str
    windows: int
    flagged: dict[str, int]
    first: str


def in_order() -> list[Stream]:
    rows, seconds = fraud_in_order()
    borders = np.searchsorted(seconds, np.arange(0, seconds[-1] + HALF_HOUR, HALF_HOUR))
    half_hours = [rows.take(slice(a, b)) for a, b in pairwise(borders)]
    timed = [
        replace(part, at=(MIDNIGHT + i * HALF_HOUR, MIDNIGHT + (i + 1) * HALF_HOUR - 1))
        for i, part in enumerate(half_hours)
    ]
    contacts, names, levels = bank_rows(2008, 2010)
    parts = [contacts.take(slice(i, i + CONTACTS)) for i in range(0, len(contacts) - CONTACTS, CONTACTS)]
    first = len(bank_rows(2008, 2008)[0]) // CONTACTS
    return [
        _watch("fraud, day 2 after day 1", timed, 48, list(data.FRAUD_FEATURES), [], HALF_HOUR),
        _watch("bank, 2009 and 2010 after 2008", parts, first, names, levels, 3600.0),
    ]


def _watch(
    name: str, parts: list[Rows], first: int, names: Sequence[str], levels: Sequence[Sequence[str]], length: float
) -> Stream:
    parts = [replace(part, labels=None) for part in parts]
    reference = Rows(*(np.concatenate([getattr(p, kind) for p in parts[:first]]) for kind in ("numbers", "levels")))
    counter = Counter.of(reference, names, levels, [1 / len(names)] * len(names))
    times = [part.at[0] if part.at else i * length for i, part in enumerate(parts)]
    windows = [Window(at, at + length, counter.profile(part)) for at, part in zip(times, parts, strict=True)]
    baseline = learn(counter.reference, windows[:first])
    flagged = {"slipway": 0} | dict.fromkeys(RULES, 0)
    said = ""
    for i in range(first, len(parts)):
        drift = ours(baseline, windows[first : i + 1])
        alarming = [finding for finding in drift.findings if finding.alarming]
        flagged["slipway"] += bool(alarming)
        said = said or (f"window {i - first + 1}, {alarming[0].subject}: {alarming[0].says}" if alarming else "")
        for rule, flag in RULES.items():
            flagged[rule] += int(flag(reference, parts[i]))
    return Stream(name, len(parts) - first, flagged, said)
