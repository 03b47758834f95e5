"""Over time: how far each column was, window by window, from what is usual at that hour."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from slipway.drift.block import Track, shape
from slipway.drift.calibration import Baseline, columns
from slipway.drift.contrasts import contrasts, faults
from slipway.drift.findings import Window
from slipway.drift.reference import Kind
from slipway.drift.report.markup import Html, element, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.words import effect, lasting, moment

MOST = 40
BY_CHANCE = 0.01  # share of healthy cells that are marked
LEAST = 0.01  # effect
SHADES = (0.05, 0.1, 0.2)  # effects from which the next shade begins
NO_ROWS = "empty"


@dataclass(frozen=True)
class Look:
    """One column of one window. p_rows: of its effect if windows were all alike; p_value: given how they differ."""

    effect: float
    p_rows: float
    p_value: float

    @property
    def shade(self) -> str:
        if self.p_rows > BY_CHANCE or self.effect < LEAST:
            return "s0"
        return f"s{1 + sum(self.effect >= least for least in SHADES)}"

    @property
    def unusual(self) -> bool:
        return self.p_value <= BY_CHANCE and self.shade != "s0"


def heat(seen: Seen) -> Html:
    """A row a column, a cell a window."""
    if not seen.with_rows:
        return Html("")
    rows: list[tuple[object, ...]] = []
    for i in seen.ranked[:MOST]:
        looks = [_look(seen.baseline, i, window) for window in seen.windows]
        known = [look.effect for look in looks if look]
        if known:
            newest = effect(looks[-1].effect) if looks[-1] else "no rows"
            rows.append((short(seen.names[i], 40), _strip(looks), newest, effect(max(known))))
    first, last = seen.windows[0], seen.windows[-1]
    head = ("column", f"{moment(first.since)} to {moment(last.until)} UTC", "newest", "largest")
    return section("time", "Over time", _legend(), table(_caption(seen, len(rows)), head, rows, "heat"))


def _strip(looks: Sequence[Look | None]) -> Html:
    """Cells side by side; a bar below those that are unusual."""
    shades = [look.shade if look else NO_ROWS for look in looks]
    cells = [
        element(
            "path", d="".join(f"M{10 * k} 0h9v16h-9z" for k, own in enumerate(shades) if own == shade), class_=shade
        )
        for shade in sorted(set(shades))
    ]
    unusual = [k for k, look in enumerate(looks) if look and look.unusual]
    cells += [element("path", d="".join(f"M{10 * k} 18h9v4h-9z" for k in unusual), class_="unusual")] if unusual else []
    label = f"{len(unusual)} of {len(looks)} windows unusual"
    label += f": {', '.join(str(k + 1) for k in unusual)}" if unusual else ""
    view = f"0 0 {10 * len(shades)} 22"
    return element(
        "svg", *cells, viewBox=view, preserveAspectRatio="none", role="img", aria_label=label, class_="strip"
    )


def _look(baseline: Baseline, i: int, window: Window) -> Look | None:
    """Whatever speaks loudest; None without rows."""
    feature, then = baseline.features[i], columns(baseline.whole)[i]
    pairs = list(zip(contrasts(feature, then), baseline.spreads[i], strict=True))
    first = len(faults(feature))  # of a column's contrasts
    found = []
    for contrast, spread in pairs[:first]:
        if getattr(columns(window.profile)[i], contrast.look):
            gained = Track.of(baseline, i, contrast, spread, [window]).newest(1)
            if gained and gained.value > 0:
                rows = replace(gained, between=0.0).p_value
                found.append(Look(gained.value, rows, gained.p_value))
    levels = feature.kind is Kind.CATEGORY
    whole = shape(baseline, i, [window], levels=levels)
    if whole:
        # A number's location, or the level that changed most: they see what the whole distribution function does not.
        own = pairs[first + whole.at : first + whole.at + 1] if levels else pairs[first:]
        moved = [Track.of(baseline, i, contrast, spread, [window]).newest(1) for contrast, spread in own]
        tries = len(feature.levels) if levels else 1
        p_value = min([whole.p_value, *(2 * tries * deviation.p_value for deviation in moved if deviation)])
        found.append(Look(whole.distance, whole.chance, p_value))
    return max(found, key=lambda look: (look.unusual, look.shade != "s0", look.effect), default=None)


def _caption(seen: Seen, rows: int) -> str:
    gaps = [b.since - a.until for a, b in pairwise(seen.windows)]
    apart = f"; up to {lasting(max(gaps))} apart" if gaps and max(gaps) > 0 else ""
    length = lasting(seen.windows[-1].until - seen.windows[-1].since)
    return f"Effect by window: {rows} of {len(seen.names):,} columns, {len(seen.windows)} windows of {length}{apart}"


def _legend() -> Html:
    names = ["chance among rows", *(f"to {least:g}" for least in SHADES), f"{SHADES[-1]:g} or more", "no rows"]
    kinds = [f"s{k}" for k in range(len(SHADES) + 2)]
    keys = [
        element("span", element("i", "", class_=f"key {kind}-key"), f" {name}")
        for kind, name in zip([*kinds, NO_ROWS], names, strict=True)
    ]
    unusual = element(
        "span", element("i", "", class_="key unusual-key"), " more than the baseline's own windows differ"
    )
    note = "One window in a hundred is marked by chance; a row of marks, or a column of them, is not."
    return element("p", *keys, unusual, element("span", note), class_="legend faint")
