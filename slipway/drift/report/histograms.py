"""Histograms of the columns that moved most: the newest windows over what the baseline makes expect of them."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from slipway.drift.contrasts import faults
from slipway.drift.naming import windows as words
from slipway.drift.reference import Feature, Kind
from slipway.drift.report import levels
from slipway.drift.report.markup import Html, aside, element, join, section, short
from slipway.drift.report.seen import Compared, Seen
from slipway.drift.report.words import number, percent
from slipway.stats.means import Moments

MOST = 8
SLOTS = 30  # equal parts of the range between a number's outermost cuts
FEW = 24  # cells up to here are drawn as they are
WIDTH, HEIGHT, TOP, FOOT = 320, 150, 8, 20


def histograms(seen: Seen) -> Html:
    shown = list(seen.ranked[:MOST])
    score = len(seen.names) - 1
    shown += [score] if score not in shown else []
    figures = [_figure(compared) for i in shown if (compared := seen.compared(i)) and sum(compared.then.cells)]
    if not figures:
        return section("histograms", "Distributions", element("p", "No rows to draw."))
    legend = aside(
        element("span", "", class_="key usual-key"),
        " baseline, of like hours where it has them   ",
        element("span", "", class_="key now-key"),
        " now. Heights are shares of the rows that have a value; a number's outermost parts hold all beyond the marks.",
    )
    return section("histograms", "Distributions", legend, element("div", *figures, class_="grid"))


def _figure(compared: Compared) -> Html:
    draw = levels.bars if compared.feature.kind is Kind.CATEGORY else _steps
    said = [_moments(compared), *_faults(compared)]
    return element(
        "figure",
        element("figcaption", element("b", short(compared.name, 60)), f" · {words(compared.windows)}"),
        draw(compared) if compared.usual else aside("No row has a value to draw."),
        *(aside(line) for line in said if line),
    )


def _steps(compared: Compared) -> Html:
    usual, now, ticks = slots(compared)
    highest = max(*usual, *now, 1e-9)
    inner = HEIGHT - TOP - FOOT
    step = WIDTH / len(usual)

    def path(shares: Sequence[float]) -> str:
        tops = [
            f"V{HEIGHT - FOOT - inner * share / highest:.1f}H{step * (k + 1):.1f}" for k, share in enumerate(shares)
        ]
        return f"M0 {HEIGHT - FOOT}{''.join(tops)}V{HEIGHT - FOOT}"

    apart = max((abs(a - b), k) for k, (a, b) in enumerate(zip(usual, now, strict=True)))[1]
    label = (
        f"Histogram of {short(compared.name, 60)}; largest difference in part {apart + 1} of {len(usual)}: "
        f"{percent(now[apart])}, {percent(usual[apart])} in the baseline"
    )
    marks = [
        element("text", text, x=f"{min(max(step * at, 0), WIDTH):.0f}", y=HEIGHT - 5, text_anchor=anchor)
        for at, text, anchor in ticks
    ]
    return element(
        "svg",
        element("title", label),
        element("path", d=path(usual) + "Z", class_="usual"),
        element("path", d=path(now), class_="now"),
        element("path", d=f"M0 {HEIGHT - FOOT}H{WIDTH}", class_="axis"),
        *marks,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
    )


Tick = tuple[float, str, str]  # slots from the left, text, anchor


def slots(compared: Compared) -> tuple[list[float], list[float], list[Tick]]:
    """Shares by slot, usual and now, and what stands below them. Many cells: those between the outermost cuts spread
    evenly, what lies beyond in a slot of its own at either end."""
    edges = compared.feature.edges
    if len(edges) < FEW:
        return list(compared.usual), list(compared.shares), _cuts(compared.feature)
    width = (edges[-1] - edges[0]) / SLOTS
    borders = [edges[0] + k * width for k in range(SLOTS)] + [edges[-1]]
    found = []
    for shares in (compared.usual, compared.shares):
        below = [_below(edges, list(accumulate(shares)), border) for border in borders]
        found.append([below[0], *(b - a for a, b in pairwise(below)), 1 - below[-1]])
    middle = (edges[0] + edges[-1]) / 2
    ends = (1.0, number(edges[0]), "start"), (SLOTS + 1.0, number(edges[-1]), "end")
    return found[0], found[1], [ends[0], (SLOTS / 2 + 1, number(middle), "middle"), ends[1]]


def _below(edges: Sequence[float], cumulated: Sequence[float], border: float) -> float:
    """The distribution function at a border within the cuts, by straight lines between them."""
    k = max(j for j, edge in enumerate(edges) if edge <= border)
    if k == len(edges) - 1:
        return cumulated[k]
    part = (border - edges[k]) / (edges[k + 1] - edges[k])
    return cumulated[k] + part * (cumulated[k + 1] - cumulated[k])


def _cuts(feature: Feature) -> list[Tick]:
    """Some of the cuts between a few cells."""
    n = len(feature.edges)
    every = max(1, -(-n // 5))
    return [(k + 1.0, number(feature.edges[k]), "middle") for k in range(0, n, every)]


def _moments(compared: Compared) -> str:
    if compared.feature.kind is Kind.CATEGORY or not compared.then.moments.n:
        return ""
    return f"{_spread(compared.now.moments)}; {_spread(compared.then.moments)} in the baseline"


def _spread(moments: Moments) -> str:
    if not moments.n:
        return "no value"
    deviation = f" ± {number(math.sqrt(moments.variance))}" if moments.n > 1 else ""
    return f"mean {number(moments.mean)}{deviation}"


def _faults(compared: Compared) -> list[Html]:
    now, then = compared.now, compared.then
    told = []
    for look in faults(compared.feature):
        k, usual = getattr(now, look), getattr(then, look)
        if k or usual:
            before = percent(usual / then.rows) if then.rows else "none"
            told.append(f"{look.value.replace('_', ' ')} {percent(k / now.rows)}, {before} in the baseline")
    return [join("; ".join(told))] if told else []
