"""Paired evidence: both variants' answers to one request, and later its label, reduced to sums.

In shadow both variants answer the same requests, so their answers are compared one by one; in a canary each request
has one answer, and the variants are compared by their own losses. Ids are sampled by their hash: the same ones in both
variants and in the labels, and no more of them at 10,000 requests a second than at 1.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slipway import outcomes, scores
from slipway.names import BASELINE
from slipway.outcomes import OutcomeSums
from slipway.pairsums import ArmSums, LabelSums, PairSums, Rejected
from slipway.phases import Phase
from slipway.plan import Goal, Metric
from slipway.release import Release

LATE_AFTER = 900.0  # seconds between a request and the handling of its captured answer
LEAST_PROPENSITY = 0.001
OUTSIDE = -1  # the step of what was captured while no step's traffic was in place, and of labels as they come


class Cell(NamedTuple):
    """Where sums go: the minute, and the total of the step. owner: a release, or an endpoint for what belongs to none.

    minute: since 1970.
    """

    owner: str
    step: int
    minute: int


@dataclass(frozen=True)
class Line:
    """One line of a capture file. rejected: why it can't be paired (a field of `Rejected`), else empty.

    answered: it holds an answer; valid: which is one or more finite numbers; score: the one number, if a probability.
    at: time of the request, unix seconds; 0 where the line does not say.
    """

    rejected: str = ""
    answered: bool = False
    valid: bool = False
    id: str = ""
    at: float = 0.0
    score: float | None = None


@dataclass(frozen=True)
class Row:
    """A sampled answer as it waits for its counterparts. paired: the other variant answers the same request.

    tolerance, shown: of the release's guardrail on quality; bets on a label, days later, are placed by them. compares:
    the outcomes that its step compares.
    """

    id: str
    role: str
    at: float
    score: float | None
    release: str
    step: int
    paired: bool
    tolerance: float = 0.0
    shown: float = 0.05
    compares: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        return Cell(self.release, self.step, int(self.at // 60))


@dataclass(frozen=True)
class Label:
    """The truth about a request, 0 or 1. at: when it was collected, unix seconds.

    propensity: the probability, from LEAST_PROPENSITY to 1, with which it was to get a label; None: not logged.
    """

    id: str
    value: int
    at: float
    propensity: float | None = None


@dataclass(frozen=True)
class Report:
    """What came of a request, as named numbers. at: when it was collected, unix seconds."""

    id: str
    values: tuple[tuple[str, float], ...]
    at: float


@dataclass(frozen=True)
class Truth:
    """One line of ground truth. malformed: it has outcomes, and they can't be taken."""

    label: Label | None = None
    report: Report | None = None
    malformed: bool = False


@dataclass(frozen=True)
class Group:
    """What is known of one id."""

    baseline: Row | None = None
    candidate: Row | None = None
    label: Label | None = None
    report: Report | None = None


@dataclass(frozen=True)
class Claim:
    """Sums that may be added once: whoever sets the mark on `id` first has counted them for good."""

    id: str
    mark: str
    sums: Mapping[Cell, PairSums | OutcomeSums] = field(default_factory=dict)


def rate(requests_per_minute: float, target: float) -> float:
    """The share of ids to sample at this traffic, for `target` of them a minute."""
    return min(1.0, target / requests_per_minute) if requests_per_minute > 0 else 1.0


def sampled(id: str, rate: float) -> bool:
    """Whether an id is in the sample; one that is stays in it at any higher rate."""
    digest = hashlib.sha256(id.encode()).digest()
    return int.from_bytes(digest[:8], "big") < rate * 2.0**64


def keep(
    release: Release, role: str, lines: Iterable[Line], *, rate: float, key: str, written: float, now: float
) -> tuple[list[Row], Claim]:
    """The sampled rows of a capture object, and the claim that accounts for all of its lines.

    key, written: the object's, and the time its name tells; its lines are counted in that minute. A line from a time
    without a step's traffic in place is counted at OUTSIDE, and not sampled.
    """
    rows, counts, singles = [], defaultdict[int, Counter[str]](Counter), defaultdict[int, ArmSums](ArmSums)
    for line in lines:
        step = step_at(release, line.at or written)
        row = None
        if step != OUTSIDE and not line.rejected and sampled(line.id, rate):
            row = _row(release, role, step, line)
            rows.append(row)
            if not row.paired and row.score is not None:
                singles[step] += scores.of_single(row.score)
        counts[step].update(_account(line, row, now))
    minute = int(written // 60)
    arms = {step: _of(of) + singles[step] for step, of in counts.items()}
    return rows, Claim(key, "object", {Cell(release.id, step, minute): _at(role, arm) for step, arm in arms.items()})


def _row(release: Release, role: str, index: int, line: Line) -> Row:
    step, rule = release.plan.steps[index], release.plan.rule(Metric.QUALITY)
    return Row(
        id=line.id,
        role=role,
        at=line.at,
        score=line.score,
        release=release.id,
        step=index,
        paired=step.phase is Phase.SHADOW,
        tolerance=rule.tolerance,
        shown=rule.shown,
        compares=tuple(rule.name for rule in release.plan.outcomes) if step.goal is Goal.SUPERIOR else (),
    )


def _account(line: Line, row: Row | None, now: float) -> Iterator[str]:
    """What a line counts as."""
    yield "lines"
    if line.answered:
        yield "captured" if line.valid else "invalid"
    if line.rejected:
        yield line.rejected
    if row:
        yield "late" if now - row.at > LATE_AFTER else "sampled"


def _of(counts: Counter[str]) -> ArmSums:
    rejected = Rejected(**{name: counts[name] for name in vars(Rejected())})
    return ArmSums(
        lines=counts["lines"],
        captured=counts["captured"] + counts["invalid"],
        invalid=counts["invalid"],
        rejected=rejected,
        sampled=counts["sampled"] + counts["late"],
        late=counts["late"],
    )


def truths(
    endpoint: str, lines: Iterable[Truth], *, rate: float, key: str, written: float
) -> tuple[list[Label | Report], Claim]:
    """The sampled labels and reports of a ground-truth object, and the claim that accounts for its lines."""
    seen = list(lines)
    labels = [line.label for line in seen if line.label and sampled(line.label.id, rate)]
    reports = [line.report for line in seen if line.report and sampled(line.report.id, rate)]
    rejected, malformed = sum(not (line.label or line.report) for line in seen), sum(line.malformed for line in seen)
    account = LabelSums(len(seen), rejected, sampled=len(labels), reports=len(reports), malformed_reports=malformed)
    sums = PairSums(labels=account)
    kept: list[Label | Report] = [*labels, *reports]
    return kept, Claim(key, "object", {Cell(endpoint, OUTSIDE, int(written // 60)): sums})


def pair_claims(groups: Iterable[Group], threshold: float) -> Iterator[Claim]:
    """For requests that both variants answered. threshold: a score from there on is a positive decision."""
    for group in groups:
        if group.baseline and group.candidate and group.baseline.paired:
            sums = scores.of_pair(group.baseline.score, group.candidate.score, threshold)
            yield Claim(group.baseline.id, "pair", {group.baseline.cell: sums})


def label_claims(groups: Iterable[Group]) -> Iterator[Claim]:
    """For labels whose request has all the answers it gets: two in shadow, one in a canary."""
    for group in groups:
        if not group.label:
            continue
        b, c, label = group.baseline, group.candidate, group.label
        if b and c and b.paired:
            sums = scores.of_labelled_pair(
                b.score,
                c.score,
                label.value,
                label.at - b.at,
                tolerance=b.tolerance,
                shown=b.shown,
                propensity=label.propensity,
            )
            yield Claim(label.id, "label", {b.cell: sums})
        for row in (b, c):
            if row and not row.paired:
                arm = scores.of_labelled(row.score, label.value, label.propensity)
                delays = scores.delay_counts(label.at - row.at)
                sums = _at(row.role, arm, delays=delays)
                yield Claim(label.id, f"label-{row.role}", {row.cell: sums})


def report_claims(groups: Iterable[Group]) -> Iterator[Claim]:
    """For reports on requests that one variant answered, in a step that compares what was reported."""
    for group in groups:
        for row in (group.baseline, group.candidate):
            if not (group.report and row) or row.paired:
                continue
            values = {name: value for name, value in group.report.values if name in row.compares}
            if values:
                yield Claim(row.id, f"report-{row.role}", {row.cell: outcomes.report(row.role, values)})


def step_at(release: Release, at: float) -> int:
    """The step whose traffic was in place at a time (unix seconds), or OUTSIDE."""
    there = (stay.step for stay in release.stays if stay.since <= at < (math.inf if stay.until is None else stay.until))
    return next(there, OUTSIDE)


def _at(role: str, arm: ArmSums, **others: Any) -> PairSums:
    return PairSums(baseline=arm, **others) if role == BASELINE else PairSums(candidate=arm, **others)
