"""The lift of an A/B test over time, as an SVG drawing for the report."""

import html
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 26, 28
MOST_PERCENT = 200.0  # first looks can say next to nothing


def lift(points: Sequence[dict[str, Any]]) -> str:
    """points: one outcome's lifts in order of time, as verdicts hold them, each with its look's time `at` (seconds)."""
    began, ended = points[0]["at"], points[-1]["at"]
    series = [[max(-MOST_PERCENT, min(MOST_PERCENT, 100 * end)) for end in point["relative"]] for point in points]
    low, high = min(0.0, *(s[0] for s in series)), max(0.0, *(s[2] for s in series))

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - began) / max(ended - began, 1.0)

    def y(percent: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - percent) / max(high - low, 1e-9)

    lows, means, highs = (
        [f"{x(point['at']):.1f},{y(values[i]):.1f}" for point, values in zip(points, series, strict=True)]
        for i in range(3)
    )
    ticks = "".join(
        f"<text x='{LEFT - 6}' y='{y(value) + 4:.1f}' text-anchor='end'>{value:+.0f} %</text>"
        for value in {low, 0.0, high}
    )
    last = points[-1]
    title = f"{html.escape(last['outcome'])}: lift {last['relative'][1]:+.1%}, {last['relative'][0]:+.1%} to "
    title += (
        f"{last['relative'][2]:+.1%}, p {last['p_value']:.2g}, {last['candidate_n'] + last['baseline_n']:,} reports"
    )
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' style='max-width:{WIDTH}px;width:100%;font:11px system-ui'>"
        f"<title>{title}</title><text x='{LEFT}' y='14' font-weight='600'>{title}</text>"
        f"<polygon points='{' '.join([*lows, *reversed(highs)])}' fill='#0969da' opacity='.15'></polygon>"
        f"<polyline points='{' '.join(means)}' fill='none' stroke='#0969da' stroke-width='2'></polyline>"
        f"<path d='M{LEFT} {y(0):.1f}H{WIDTH - RIGHT}' stroke='#57606a' stroke-dasharray='4'></path>{ticks}"
        f"<text x='{WIDTH - RIGHT}' y='{HEIGHT - 8}' text-anchor='end'>{(ended - began) / 60:.0f} minutes</text></svg>"
    )
