"""The tables of the bench, as text."""

from collections.abc import Callable

from bench.calibration.traffic import BASE_ERRORS
from slipway.stats.fixed import information_limit

Row = dict
ALPHA = 0.05
LIMITED = {"errors 1 %": 0.01, "errors 2 %": 0.02, "errors 5 %": 0.05}


def traffic_tables(rows: list[Row]) -> str:
    parts = []
    for rate in _distinct(rows, "rate"):
        here = [row for row in rows if row["rate"] == rate]
        innocent, guilty = ([row for row in here if row["guilty"] is side] for side in (False, True))
        parts += [
            _table(f"{rate:g} requests/s, innocent: rolled back, %", innocent, _percent),
            _table(f"{rate:g} requests/s, guilty: rolled back, % [candidate requests, minutes]", guilty, _detection),
            _table(f"{rate:g} requests/s: step found good before any rollback, %", here, _advanced),
        ]
    return "\n\n".join(part for part in parts if part)


def quality_tables(rows: list[Row]) -> str:
    parts = [
        _table(
            f"{rate:g} requests/s, labels: rolled back, % (within 2 h, %) [minutes]",
            [row for row in rows if row["rate"] == rate],
            _labelled,
        )
        for rate in _distinct(rows, "rate")
    ]
    return "\n\n".join(parts)


def limit_line(rows: list[Row]) -> str:
    """How near our judge comes to the least that any test needs on average."""
    known = [row for row in rows if row["rule"] == "ours" and over_limit(row) is not None]
    parts = [f"{row['family']} at {row['rate']:g}/s {over_limit(row)}" for row in known]
    return f"ours, median exposure / information limit: {', '.join(parts) or 'not run'}"


def over_limit(row: Row) -> float | None:
    """Median exposure over the least any test could need on average, where that is known."""
    if row["family"] not in LIMITED or row["exposed"] is None:
        return None
    return round(row["exposed"] / information_limit(BASE_ERRORS, LIMITED[row["family"]], ALPHA), 2)


def _table(title: str, rows: list[Row], show: Callable[[Row], str]) -> str:
    if not rows:
        return ""
    cells = {(row["rule"], row["family"]): show(row) for row in rows}
    rules, families = _distinct(rows, "rule"), _distinct(rows, "family")
    widths = [max(len(family), *(len(cells[rule, family]) for rule in rules)) for family in families]
    first = max(len(rule) for rule in rules)
    lines = [title, "  ".join([" " * first, *(f.rjust(w) for f, w in zip(families, widths, strict=True))])]
    for rule in rules:
        shown = (cells[rule, family].rjust(width) for family, width in zip(families, widths, strict=True))
        lines.append("  ".join([rule.ljust(first), *shown]))
    return "\n".join(lines)


def _percent(row: Row) -> str:
    return f"{100 * row['roll_back']:.3g}"


def _detection(row: Row) -> str:
    """Those rolled back before the fault began come after a plus sign."""
    early = f" +{100 * row['early']:.3g}" if row["early"] else ""
    if row["exposed"] is None:
        return _percent(row) + early
    return f"{_percent(row)}{early} [{_short(row['exposed'])}, {row['minutes']:.0f}]"


def _labelled(row: Row) -> str:
    minutes = "" if row["minutes"] is None else f" [{row['minutes']:.0f}]"
    return f"{_percent(row)} ({100 * row['within_2_h']:.3g}){minutes}"


def _advanced(row: Row) -> str:
    return f"{100 * row['advanced']:.3g}"


def _short(count: int) -> str:
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 10_000 else f"{count / 1000:.0f}k"


def _distinct(rows: list[Row], key: str) -> list:
    return list(dict.fromkeys(row[key] for row in rows))
