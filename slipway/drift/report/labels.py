"""Labels: how soon they come, of how many rows, and from whom."""

from collections.abc import Sequence
from itertools import accumulate

from slipway.drift.profile import DELAYS, Labelled, Source, add_labelled
from slipway.drift.report.markup import Html, aside, element, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.words import count, lasting, moment, part, percent

MOST_SOURCES = 10
MATURE = 0.95
WIDTH, HEIGHT, TOP, FOOT, LEFT = 360, 150, 10, 22, 34


def labels(seen: Seen) -> Html:
    if not seen.labels:
        told = "No window has its labels yet: neither concept nor label drift could be looked for."
        return section("labels", "Labels", element("p", told))
    now = seen.labelled[0]
    for labelled in seen.labelled[1:]:
        now = add_labelled(now, labelled)
    usual = seen.baseline.whole.labelled
    return section("labels", "Labels", _delays(now, usual), _coverage(seen), _counts(now, usual), _sources(now, usual))


def _delays(now: Labelled, usual: Labelled) -> Html:
    series = [("now", "now", now.delays), ("baseline", "usual-line", usual.delays)]
    drawn = [(name, kind, _cumulated(delays)) for name, kind, delays in series if sum(delays)]
    if not drawn:
        return element("p", "When labels came was not recorded, so there is no curve of their delays.")
    said = "; ".join(f"{name}: {_mature(shares)}" for name, _, shares in drawn)
    curves = [element("path", d=_curve(shares), class_=kind) for _, kind, shares in drawn]
    return element(
        "figure",
        element("figcaption", element("b", "Delay of labels"), f" · share that had come, {said}"),
        element(
            "svg",
            *(_level(share) for share in (0.0, 0.5, 1.0)),
            *(
                element("text", _short(end), x=f"{_x(k):.0f}", y=HEIGHT - 6, text_anchor="middle")
                for k, end in enumerate(DELAYS)
            ),
            *curves,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"Share of labels by their delay. {said}",
        ),
        aside(
            element("span", "", class_="key dashed-key"),
            " baseline  ",
            element("span", "", class_="key now-key"),
            f" {count(now.n, 'label')} now",
        ),
        class_="single",
    )


def _cumulated(delays: Sequence[int]) -> list[float]:
    """By the ends of DELAYS; what came later is missing from the last."""
    whole = sum(delays)
    return [n / whole for n in accumulate(delays)][: len(DELAYS)]


def _mature(shares: Sequence[float]) -> str:
    ends = [end for share, end in zip(shares, DELAYS, strict=True) if share >= MATURE]
    return f"{MATURE:.0%} within {lasting(ends[0])}" if ends else f"{percent(shares[-1])} within {lasting(DELAYS[-1])}"


def _curve(shares: Sequence[float]) -> str:
    return "M" + "L".join(f"{_x(k):.1f} {_y(share):.1f}" for k, share in enumerate(shares))


def _x(k: int) -> float:
    return LEFT + 12 + (WIDTH - LEFT - 30) * k / (len(DELAYS) - 1)


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - FOOT) * (1 - share)


def _short(seconds: float) -> str:
    return lasting(seconds).replace(" min", "m").replace(" ", "")


def _level(share: float) -> Html:
    y = f"{_y(share):.1f}"
    text = element("text", f"{share:.0%}", x=LEFT - 4, y=float(y) + 4, text_anchor="end")
    return element("g", element("path", d=f"M{LEFT} {y}H{WIDTH}", class_="axis"), text)


def _coverage(seen: Seen) -> Html:
    """By window: rows that have their label."""
    pairs = [(w.since, w.profile.labelled.n, w.profile.rows) for w in seen.labels]
    n, rows = sum(pair[1] for pair in pairs), sum(pair[2] for pair in pairs)
    bars = [
        element(
            "rect",
            x=10 * k,
            y=f"{40 * (1 - min(1.0, m / max(m, of, 1))):.1f}",
            width=9,
            height=f"{40 * min(1.0, m / max(m, of, 1)):.1f}",
        )
        for k, (_, m, of) in enumerate(pairs)
    ]
    newest = f"newest such window, {moment(pairs[-1][0])}: {part(pairs[-1][1], pairs[-1][2])}"
    said = f"{part(n, rows)} rows of {count(len(pairs), 'window')} have their label; {newest}"
    chart = element(
        "svg",
        *bars,
        viewBox=f"0 0 {10 * len(pairs)} 40",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
        class_="cover now-bar",
    )
    waiting = sum(window.since > pairs[-1][0] for window in seen.with_rows)
    later = f" {count(waiting, 'newer window')} still {'waits' if waiting == 1 else 'wait'}." if waiting else ""
    caption = element("figcaption", element("b", "Coverage"), f" · {said}.{later}")
    return element("figure", caption, chart, class_="single")


def _counts(now: Labelled, usual: Labelled) -> Html:
    rows: list[tuple[object, ...]] = [
        ("labels counted", f"{now.n:,}", f"{usual.n:,}"),
        ("of them positive", *(part(side.positives, side.n) for side in (now, usual))),
        ("further labels that agree", f"{now.agreed:,}", f"{usual.agreed:,}"),
        ("further labels that contradict", f"{now.disagreed:,}", f"{usual.disagreed:,}"),
        ("replaced later", f"{now.changed:,}", f"{usual.changed:,}"),
    ]
    known = {one.reason: one.n for one in usual.rejected}
    rejected = sorted(now.rejected, key=lambda one: -one.n)[:MOST_SOURCES]
    rows += [
        (f"not counted: {short(one.reason, 80)}", f"{one.n:,}", f"{known.get(one.reason, 0):,}") for one in rejected
    ]
    losses = [f"{side.log_loss.mean:.4f}" if side.log_loss.n else "none" for side in (now, usual)]
    rows.append(("mean log-loss, nats", *losses))
    return table("Labels", ("", "now", "baseline"), rows)


def _sources(now: Labelled, usual: Labelled) -> Html:
    if not now.sources:
        return Html("")
    known = {source.name: source for source in usual.sources}
    shown = sorted(now.sources, key=lambda source: -source.residual.n)[:MOST_SOURCES]
    rows: list[tuple[object, ...]] = [
        (short(source.name or "unnamed", 60), f"{source.residual.n:,}", _gap(source), _gap(known.get(source.name)))
        for source in shown
    ]
    left = f" (the {len(shown)} with most of {len(now.sources):,})" if len(now.sources) > len(shown) else ""
    return table(f"Who or what gave labels{left}", ("source", "labels", "label less score", "baseline"), rows)


def _gap(source: Source | None) -> str:
    return f"{source.residual.total / source.residual.n:+.3f}" if source and source.residual.n else "none"
