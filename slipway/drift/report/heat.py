"""Over time: how far each column was, window by window, from what is usual at that hour."""

from collections.abc import Sequence
from itertools import pairwise

from slipway.drift.block import Track, shape
from slipway.drift.calibration import columns
from slipway.drift.contrasts import FAULTS, contrasts
from slipway.drift.findings import Window
from slipway.drift.reference import Kind
from slipway.drift.report.markup import Html, element, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.words import effect, lasting, moment

MOST = 25
BY_CHANCE = 0.01  # share of healthy cells that have a colour
SHADES = (0.05, 0.1, 0.2)  # effects from which the next shade begins
NO_ROWS = "empty"


def heat(seen: Seen) -> Html:
    """A row a column, a cell a window: no colour while chance explains it."""
    if not seen.with_rows:
        return Html("")
    rows: list[tuple[object, ...]] = []
    for i in seen.ranked[:MOST]:
        looks = [_look(seen, i, window) for window in seen.windows]
        known = [look[0] for look in looks if look]
        if known:
            newest = effect(looks[-1][0]) if looks[-1] else "no rows"
            rows.append(
                (short(seen.names[i], 40), strip([_shade(seen, look) for look in looks]), newest, effect(max(known)))
            )
    first, last = seen.windows[0], seen.windows[-1]
    head = ("column", f"{moment(first.since)} to {moment(last.until)} UTC", "newest", "largest")
    return section("time", "Over time", _legend(seen), table(_caption(seen, len(rows)), head, rows, "heat"))


def strip(shades: Sequence[str]) -> Html:
    """Cells side by side, a class each."""
    cells = [
        element(
            "path", d="".join(f"M{10 * k} 0h9v20h-9z" for k, own in enumerate(shades) if own == shade), class_=shade
        )
        for shade in sorted(set(shades))
    ]
    words = ", ".join(f"{k + 1}: {shade}" for k, shade in enumerate(shades) if shade not in ("s0", NO_ROWS))
    label = f"Windows with a shade: {words}" if words else "No window has a shade"
    view = f"0 0 {10 * len(shades)} 20"
    return element(
        "svg", *cells, viewBox=view, preserveAspectRatio="none", role="img", aria_label=label, class_="strip"
    )


def _look(seen: Seen, i: int, window: Window) -> tuple[float, float] | None:
    """(effect, p-value) of whatever speaks loudest; None without rows."""
    baseline, feature = seen.baseline, seen.baseline.features[i]
    found: list[tuple[float, float]] = []
    whole = shape(baseline, i, [window], 1, levels=feature.kind is Kind.CATEGORY)
    if whole:
        found.append((whole.distance, whole.p_value))
    then = columns(baseline.whole)[i]
    # The faults come first among a column's contrasts.
    for contrast, spread in zip(contrasts(feature, then)[: len(FAULTS)], baseline.spreads[i], strict=False):
        if getattr(columns(window.profile)[i], contrast.look):
            gained = Track.of(baseline, i, contrast, spread, [window]).newest(1)
            if gained and gained.value > 0:
                found.append((gained.value, gained.p_value))
    return max(found, key=lambda look: (look[1] <= BY_CHANCE, look[0]), default=None)


def _shade(seen: Seen, look: tuple[float, float] | None) -> str:
    if look is None:
        return NO_ROWS
    if look[1] > BY_CHANCE or look[0] < 0.01:
        return "s0"
    return f"s{1 + sum(look[0] >= least for least in SHADES)}"


def _caption(seen: Seen, rows: int) -> str:
    gaps = [b.since - a.until for a, b in pairwise(seen.windows)]
    apart = f"; up to {lasting(max(gaps))} apart" if gaps and max(gaps) > 0 else ""
    length = lasting(seen.windows[-1].until - seen.windows[-1].since)
    return f"Effect by window: {rows} of {len(seen.names):,} columns, {len(seen.windows)} windows of {length}{apart}"


def _legend(seen: Seen) -> Html:
    names = ["within chance", *(f"to {least:g}" for least in SHADES), f"{SHADES[-1]:g} or more", "no rows"]
    keys = [
        element("span", element("i", "", class_=f"key {shade}-key"), f" {name}")
        for shade, name in zip(("s0", "s1", "s2", "s3", "s4", NO_ROWS), names, strict=True)
    ]
    note = "One window in a hundred is shaded by chance; a column of shades, or a row of them, is not."
    return element("p", *keys, element("span", note), class_="legend faint")
