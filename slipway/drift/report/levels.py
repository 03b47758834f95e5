"""A category's levels as pairs of bars: those whose share changed most, and the others together."""

from slipway.drift.report.markup import Html, element, short
from slipway.drift.report.seen import Compared
from slipway.drift.report.words import percent

MOST = 8
WIDTH, ROW, LEFT, LONGEST = 320, 24, 118, 92


def bars(compared: Compared) -> Html:
    rows = _rows(compared)
    highest = max(max(usual, now) for _, usual, now in rows) or 1.0
    drawn = [_pair(20 + ROW * k, *row, LONGEST / highest) for k, row in enumerate(rows)]
    name, usual, now = max(rows, key=lambda row: abs(row[2] - row[1]))
    label = (
        f"Levels of {short(compared.name, 60)}; most changed: {name}, {percent(now)}, {percent(usual)} in the baseline"
    )
    heads = element("text", "now / baseline", x=WIDTH, y=12, text_anchor="end", class_="small")
    return element(
        "svg", element("title", label), heads, *drawn, viewBox=f"0 0 {WIDTH} {26 + ROW * len(rows)}", role="img"
    )


def _rows(compared: Compared) -> list[tuple[str, float, float]]:
    """(level, usual share, share now), by what they changed; then the others."""
    pairs = list(zip(compared.feature.levels, compared.usual, compared.shares, strict=True))
    pairs.sort(key=lambda row: -abs(row[2] - row[1]))
    shown, rest = pairs[:MOST], pairs[MOST:]
    shown.sort(key=lambda row: -row[1])
    if rest:
        shown.append((f"{len(rest):,} others", sum(row[1] for row in rest), sum(row[2] for row in rest)))
    return shown


def _pair(y: int, level: str, usual: float, now: float, scale: float) -> Html:
    return element(
        "g",
        element("text", short(level or '""', 18), x=LEFT - 6, y=y + 13, text_anchor="end"),
        element("rect", x=LEFT, y=y + 2, width=f"{scale * now:.1f}", height=8, class_="now-bar"),
        element("rect", x=LEFT, y=y + 11, width=f"{scale * usual:.1f}", height=8, class_="usual"),
        element("text", f"{percent(now)} / {percent(usual)}", x=WIDTH, y=y + 13, text_anchor="end", class_="small"),
    )
