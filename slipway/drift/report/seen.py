"""What a report is drawn from: the windows that the verdict looked at, and each column beside what was usual for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from slipway.drift import naming
from slipway.drift.calibration import Baseline, Season, columns
from slipway.drift.findings import Detector, Drift, Finding, Window
from slipway.drift.labelled import labelled
from slipway.drift.profile import Column, Labelled
from slipway.drift.reference import Feature

WINDOWS = 32  # the longest scale of the detectors


@dataclass(frozen=True)
class Compared:
    """A column of the newest windows together. usual: shares of its cells that the baseline makes expect of just those
    windows, empty where either has no row with a cell. then: the whole baseline's column."""

    feature: Feature
    name: str
    windows: int
    now: Column
    then: Column
    usual: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the cells, now; empty without rows that have one."""
        whole = sum(self.now.cells)
        return tuple(cell / whole for cell in self.now.cells) if whole else ()


@dataclass(frozen=True)
class Seen:
    """windows: the baseline's model's, oldest first, the newest 32. foreign: windows left out, of another reference or
    from before the model served. labels: of those windows that have any, the newest 32, which may be older."""

    baseline: Baseline
    drift: Drift
    windows: tuple[Window, ...]
    labels: tuple[Window, ...]
    foreign: int

    @classmethod
    def of(cls, baseline: Baseline, history: Sequence[Window], drift: Drift) -> "Seen":
        own = [w for w in history if w.profile.reference == baseline.reference.id and w.since >= baseline.since]
        mature = [window for window in own if window.profile.labelled.n]
        return cls(baseline, drift, tuple(own[-WINDOWS:]), tuple(mature[-WINDOWS:]), len(history) - len(own))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns: features, then the score."""
        return (*(feature.name for feature in self.baseline.reference.features), naming.score(self.baseline.reference))

    @cached_property
    def with_rows(self) -> tuple[Window, ...]:
        return tuple(window for window in self.windows if window.profile.rows)

    @property
    def labelled(self) -> list[Labelled]:
        return labelled(self.labels)

    @cached_property
    def by_column(self) -> dict[int, list[Finding]]:
        """Findings on features and scores, by column; the one with the most to say first, columns and findings."""
        index = {name: i for i, name in reversed(list(enumerate(self.names)))}
        found: dict[int, list[Finding]] = {}
        for finding in self.drift.findings:
            if finding.detector is Detector.FEATURE and finding.subject in index:
                found.setdefault(index[finding.subject], []).append(finding)
        return found

    @cached_property
    def ranked(self) -> tuple[int, ...]:
        """Columns in the order of their findings; those without one last."""
        return (*self.by_column, *(i for i in range(len(self.names)) if i not in self.by_column))

    @property
    def others(self) -> list[Finding]:
        """Findings that are about no column."""
        own = {id(finding) for findings in self.by_column.values() for finding in findings}
        return [finding for finding in self.drift.findings if id(finding) not in own]

    def compared(self, i: int) -> Compared | None:
        """At the scale of its strongest finding; None without windows that have rows."""
        findings = self.by_column.get(i)
        windows = self.with_rows[-findings[0].scale :] if findings else self.with_rows[-1:]
        if not windows:
            return None
        parts = [columns(window.profile)[i] for window in windows]
        now, then = sum(parts[1:], parts[0]), columns(self.baseline.whole)[i]
        usual = self._usual(i, windows) if sum(now.cells) and sum(then.cells) else ()
        return Compared(self.baseline.features[i], self.names[i], len(windows), now, then, usual)

    def _usual(self, i: int, windows: Sequence[Window]) -> tuple[float, ...]:
        counts = [(sum(columns(window.profile)[i].cells), self._season(i, window)) for window in windows]
        cells = [columns(season.profile)[i].cells for _, season in counts]
        n = sum(count for count, _ in counts)
        weights = [count / n / sum(theirs) for (count, _), theirs in zip(counts, cells, strict=True)]
        return tuple(math.fsum(w * c for w, c in zip(weights, cell, strict=True)) for cell in zip(*cells, strict=True))

    def _season(self, i: int, window: Window) -> Season:
        """Like hours; all of them where those have no row of this column."""
        season = self.baseline.season((window.since + window.until) / 2)
        whole = Season(season.key, self.baseline.windows, self.baseline.whole)
        return season if sum(columns(season.profile)[i].cells) else whole
