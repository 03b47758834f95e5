"""Rates of alarming windows, and delays until a fault is found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from bench.drift_quality import concepts, peers
from bench.drift_quality.counting import Counter, Rows
from bench.drift_quality.rules import RULES, ours, windows
from bench.drift_quality.worlds import World, faults
from slipway.drift.calibration import Baseline, learn
from slipway.drift.findings import Detector, Drift, Finding, Window

BASELINE = 30  # windows
BEFORE = 4  # healthy windows before a fault begins
ALONE = 3  # runs, and windows of each, for rules that look at each window alone
SEED = 20_261_122


@dataclass(frozen=True)
class Row:
    """found: share of runs; delay: median windows until then, None if half are not found; named: of the runs found,
    those whose first alarm names what was done. windows: looked at, of healthy traffic."""

    world: str
    rows: int
    rule: str
    fault: str
    found: float
    delay: float | None = None
    named: float | None = None
    windows: int = 0


@dataclass(frozen=True)
class Size:
    """Effort for windows of `rows`: healthy streams of `windows`, runs of each fault, windows each lasts at most."""

    rows: int
    streams: int
    windows: int
    runs: int
    lasts: int
    peers: int  # windows of each kind for the peers, which take long

    def part(self, share: float) -> "Size":
        streams, runs = max(1, round(self.streams * share)), max(2, round(self.runs * share))
        return replace(self, streams=streams, runs=runs, peers=round(self.peers * share))


def world_rows(world: World, size: Size) -> list[Row]:
    rng = np.random.default_rng([SEED, size.rows, *map(ord, world.name)])
    reference = world.baseline(BASELINE * size.rows, rng)
    counter = world.counter(reference)
    baseline = _learn(counter, reference)
    found = [_quiet(world, size, rng)]
    healthy = [world.draw(size.rows, rng) for _ in range(max(size.peers, 10))]
    broken = {
        name: [[fault(world.draw(size.rows, rng), rng) for _ in range(size.lasts)] for _ in range(size.runs)]
        for name, fault in faults(world).items()
    }
    before = windows([counter.profile(world.draw(size.rows, rng)) for _ in range(BEFORE)])
    expected = world.names[world.shifted]
    for name, runs in broken.items():
        subject = world.names[len(reference.numbers[0])] if "category" in name else expected
        verdicts = [_until(baseline, before, [counter.profile(rows) for rows in run]) for run in runs]
        found.append(_row(world.name, size.rows, "slipway", name, verdicts, _names(subject)))
    for rule, flag in RULES.items():
        found.append(_rate(world.name, size.rows, rule, [flag(reference, rows) for rows in healthy]))
        for name, runs in broken.items():
            flags = [[flag(reference, rows) for rows in run[:ALONE]] for run in runs[:ALONE]]
            found.append(_first(world.name, size.rows, rule, name, flags))
    return found + _peers(world, size, reference, healthy, broken)


def concept_rows(size: Size) -> list[Row]:
    rng = np.random.default_rng([SEED, size.rows])
    reference = concepts.draw(BASELINE * size.rows, rng)
    counter = concepts.counter(reference)
    baseline = _learn(counter, reference)
    world = World("labels", [], [], concepts.draw, concepts.draw, 0, 1.0)
    found = [_quiet(world, size, rng)]
    for name in [*concepts.CONCEPTS, *concepts.POLICIES]:
        verdicts, flags = [], {"log-loss z .001": [], "Model Monitor quality": []}
        for _ in range(size.runs):
            before = windows([counter.profile(concepts.draw(size.rows, rng)) for _ in range(BEFORE)])
            run = [concepts.draw(size.rows, rng, name) for _ in range(size.lasts)]
            verdicts.append(_until(baseline, before, [counter.profile(rows) for rows in run]))
            flags["log-loss z .001"].append([concepts.log_loss_z(reference, rows) for rows in run])
            flags["Model Monitor quality"].append([concepts.model_quality(reference, rows) for rows in run])
        wanted = Detector.LABEL if name in concepts.POLICIES else Detector.CONCEPT
        found.append(_row("labels", size.rows, "slipway", name, verdicts, _detects(wanted)))
        found += [_first("labels", size.rows, rule, name, by_run) for rule, by_run in flags.items()]
    healthy = [concepts.draw(size.rows, rng) for _ in range(100)]
    for rule, flag in (("log-loss z .001", concepts.log_loss_z), ("Model Monitor quality", concepts.model_quality)):
        found.append(_rate("labels", size.rows, rule, [flag(reference, rows) for rows in healthy]))
    return found


def _learn(counter: Counter, rows: Rows) -> Baseline:
    parts = [rows.take(part) for part in np.array_split(np.arange(len(rows)), BASELINE)]
    return learn(counter.reference, windows([counter.profile(part) for part in parts]))


def _quiet(world: World, size: Size, rng: np.random.Generator) -> Row:
    """Healthy streams: each has a baseline of its own, and every window is a chance to alarm."""
    alarms = 0
    for _ in range(size.streams):
        rows = world.baseline(BASELINE * size.rows, rng)
        counter = world.counter(rows) if world.names else concepts.counter(rows)
        baseline, history = _learn(counter, rows), []
        for _ in range(size.windows):
            history = windows([*(w.profile for w in history), counter.profile(world.draw(size.rows, rng))])[-32:]
            alarms += any(finding.alarming for finding in ours(baseline, history).findings)
    seen = size.streams * size.windows
    return Row(world.name, size.rows, "slipway", "none", alarms / seen, windows=seen)


def _until(baseline: Baseline, before: list[Window], profiles: list) -> tuple[int, Drift] | None:
    """Windows until the first alarm, and what it says."""
    for n in range(1, len(profiles) + 1):
        drift = ours(baseline, windows([*(w.profile for w in before), *profiles[:n]]))
        if any(finding.alarming for finding in drift.findings):
            return n, drift
    return None


def _names(subject: str) -> Callable[[Finding], bool]:
    return lambda finding: finding.subject == subject


def _detects(detector: Detector) -> Callable[[Finding], bool]:
    return lambda finding: finding.detector is detector


def _row(
    world: str,
    rows: int,
    rule: str,
    fault: str,
    verdicts: list[tuple[int, Drift] | None],
    right: Callable[[Finding], bool],
) -> Row:
    seen = [verdict for verdict in verdicts if verdict]
    named = [right(drift.findings[0]) for _, drift in seen]
    return Row(
        world,
        rows,
        rule,
        fault,
        len(seen) / len(verdicts),
        _median([n for n, _ in seen], len(verdicts)),
        sum(named) / len(named) if named else None,
    )


def _first(world: str, rows: int, rule: str, fault: str, flags: list[list[bool]]) -> Row:
    delays = [run.index(True) + 1 for run in flags if any(run)]
    return Row(world, rows, rule, fault, len(delays) / len(flags), _median(delays, len(flags)))


def _rate(world: str, rows: int, rule: str, flags: list[bool]) -> Row:
    return Row(world, rows, rule, "none", sum(flags) / len(flags), windows=len(flags))


def _median(delays: list[int], runs: int) -> float | None:
    whole = sorted([*delays, *[float("inf")] * (runs - len(delays))])
    middle = median(whole) if whole else float("inf")
    return None if middle == float("inf") else middle


def _peers(
    world: World, size: Size, reference: Rows, healthy: list[Rows], broken: dict[str, list[list[Rows]]]
) -> list[Row]:
    """Each window by itself: peers keep nothing from one to the next."""
    if not size.peers:
        return []
    cases = {"none": healthy[: size.peers]}
    cases |= {name: [run[0] for run in runs[: size.peers]] for name, runs in broken.items()}
    found = []
    for fault, by_rule in peers.flags(reference, cases).items():
        for rule, flags in by_rule.items():
            if fault == "none":
                found.append(_rate(world.name, size.rows, rule, flags))
            else:
                found.append(_first(world.name, size.rows, rule, fault, [[flag] for flag in flags]))
    return found
