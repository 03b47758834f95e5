"""Features and scores: has their distribution moved, or has the way they arrive?

Each column by itself, over the newest 1, 2, 4, ... windows: a large change shows in one window, a small one that lasts
in many. Two distributions can agree in every column and still differ: a classifier that tries to tell their rows apart
sees that, in a job, and its result is an argument here.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from slipway.drift import naming, units
from slipway.drift.block import Shape, Track, shape
from slipway.drift.calibration import Baseline, columns
from slipway.drift.candidate import Candidate, splits, strongest, test
from slipway.drift.contrasts import FAULTS, SHAPE, Contrast, Look, contrasts
from slipway.drift.findings import Cause, Detector, Finding, Settings, TwoSample, Window
from slipway.drift.profile import Column
from slipway.drift.reference import Kind

JOINT_SHARE = 0.1  # of the detector's alpha
JOINT_FLOOR = 0.55  # area under the curve of a classifier that tells old rows from recent ones
# Few windows can't show how rarely a large change comes by itself; one that dwarfs them all needs no such scale.
GROSS, GROSS_TIMES, GROSS_WINDOWS = 0.25, 3.0, 5
CLEAR = 3.3  # errors of a distance that chance reaches once in a hundred, after Kolmogorov

Seen = tuple[Contrast | None, Candidate]  # None: the whole distribution function


def features(baseline: Baseline, history: Sequence[Window], settings: Settings, alpha: float) -> list[Finding]:
    """One finding a column on its distribution, and one on each fault that shows."""
    part = alpha * (1 - JOINT_SHARE) / len(baseline.features) / len(settings.scales)
    found = []
    for i in (i for i in range(len(baseline.features)) if baseline.holds(i)):
        best = _strongest(baseline, i, history, settings, part)
        other = units.changed(baseline, i, history)
        if other:
            found.append(other)
            best = (seen for seen in best if seen[0] and seen[0].look in FAULTS and seen[0].look != Look.FRACTIONAL)
        found += [_finding(baseline, i, seen, history) for seen in best]
    return naming.swapped(baseline, history, found)


def joint(told: TwoSample | None, alpha: float) -> list[Finding]:
    if told is None:
        return []
    bar = alpha * JOINT_SHARE
    alarming = told.p_value <= bar and told.auc >= JOINT_FLOOR
    says = (
        f"a classifier tells {told.recent:,} recent rows from {told.older:,} of the baseline with an AUC of "
        f"{told.auc:.2f} (can't tell: 0.50)"
    )
    where, p_value = "all features together", told.p_value
    return [Finding(Detector.FEATURE, Cause.JOINT, where, 1, told.auc, JOINT_FLOOR, p_value, bar, alarming, says)]


def _strongest(
    baseline: Baseline, i: int, history: Sequence[Window], settings: Settings, alpha: float
) -> Iterator[Seen]:
    """The strongest on the distribution, and the strongest of each fault that alarms."""
    scales = [scale for scale in settings.scales if scale <= len(history)]
    least = baseline.least(history[-1], settings.scales)
    levels = baseline.features[i].kind is Kind.CATEGORY
    blocks = {scale: shape(baseline, i, history[-scale:], levels=levels) for scale in scales if scale >= least}
    shapes = {scale: seen for scale, seen in blocks.items() if seen}

    def ended(scale: int) -> bool:
        return _ended(baseline, i, history[-scale:], levels=levels)

    far = baseline.farthest[i] if baseline.windows >= GROSS_WINDOWS else 1.0
    moved: list[Seen] = [(None, c) for c in _shaped(shapes, ended, settings, alpha * SHAPE, far, levels=levels)]
    whole = columns(baseline.whole)[i]
    present = [whole, *(columns(window.profile)[i] for window in history)]
    for contrast, spread in zip(contrasts(baseline.features[i], whole), baseline.spreads[i], strict=True):
        if contrast.look in FAULTS and not any(getattr(column, contrast.look) for column in present):
            continue
        track = Track.of(baseline, i, contrast, spread, history)
        if contrast.look in FAULTS:
            noted = test(track.newest, scales, settings.rate_floor, alpha * contrast.alpha)
            best = strongest(candidate for candidate in noted if candidate.value > 0)  # less of a fault is none
            if best and best.alarming:
                yield contrast, best
            continue
        for found in test(track.newest, shapes, settings.floor, alpha * contrast.alpha):
            # A number's effect has one unit, whatever looked at it.
            moved.append((contrast, found if levels else replace(found, effect=shapes[found.scale].distance)))
    if moved:
        yield max(moved, key=lambda seen: seen[1].strength)


def _shaped(
    shapes: dict[int, Shape],
    ended: Callable[[int], bool],
    settings: Settings,
    bar: float,
    farthest: float,
    *,
    levels: bool,
) -> Iterator[Candidate]:
    """Levels have their own tests: of their shares together, only what is gross counts."""
    for scale, seen in shapes.items():
        gross = seen.distance >= max(GROSS, GROSS_TIMES * farthest) and seen.chance <= bar
        if gross or not levels:
            p_value = 1.0 if levels else seen.p_value
            over = (gross or p_value <= bar) and ended(scale)
            yield Candidate(scale, seen.distance, settings.floor, p_value, bar, seen.distance, over, gross)


def _ended(baseline: Baseline, i: int, block: Sequence[Window], *, levels: bool) -> bool:
    """As `slipway.drift.candidate.ended`; a distance is never 0, so half as much is almost nothing."""
    for less in splits(len(block)):
        older, newer = (shape(baseline, i, part, levels=levels) for part in (block[:-less], block[-less:]))
        if older and newer:
            clear = older.distance > CLEAR * math.hypot(older.error, newer.error)
            if clear and newer.distance < older.distance / 2:
                return True
    return False


def _finding(baseline: Baseline, i: int, seen: Seen, history: Sequence[Window]) -> Finding:
    (contrast, c), feature, whole = seen, baseline.features[i], columns(baseline.whole)[i]
    block = _sum([columns(window.profile)[i] for window in history[-c.scale :]])
    if contrast and contrast.look in FAULTS:
        cause, says = naming.fault(contrast.look, contrast.mean(block)[1], contrast.mean(whole)[1])
    else:
        level = contrast.cell if contrast and contrast.look is Look.LEVEL else None
        faulty = c.alarming and not baseline.is_score(i)
        cause, says = naming.moved(feature, block, whole, c.effect, level, faulty=faulty)
    says += f"; {naming.windows(c.scale)}" + ("; it has ended" if c.over else "")
    if c.alarming and c.p_value > c.bar:
        says += f"; no window of the baseline moved further than {baseline.farthest[i]:.3f}"
    name = naming.subject(baseline, i)
    return Finding(Detector.FEATURE, cause, name, c.scale, c.effect, c.floor, c.p_value, c.bar, c.alarming, says)


def _sum(parts: Sequence[Column]) -> Column:
    return sum(parts[1:], parts[0])
