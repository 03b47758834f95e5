"""Which features moved, by effect and evidence; and whatever else was found."""

from slipway.drift.findings import Detector, Finding
from slipway.drift.report.markup import Html, aside, element, join, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.summary import state
from slipway.drift.report.words import chance, count, effect, percent

QUIET, QUIET_OTHERS = 10, 5  # that are listed after the alarming ones
MOST = 30  # rows of either table
BAR = 4.5  # em, of the largest effect


def ranking(seen: Seen) -> Html:
    found = seen.by_column
    if not found:
        return section("features", "Features", element("p", "No feature could be compared: there are no rows."))
    loud = sum(findings[0].alarming for findings in found.values())
    shown = list(found.items())[: min(MOST, loud + QUIET)]
    # Shares and distances end at 1; a bar in an empty or tiny range would shout.
    longest = max(0.1, *(f.effect for _, findings in shown for f in findings))
    rows = [_row(seen, i, findings, longest) for i, findings in shown]
    caption = f"Features and scores, strongest evidence first: {loud:,} of {len(found):,} alarm"
    return section(
        "features",
        "Features",
        aside(
            "Effect: how far the distribution moved, as the largest distance of two distribution functions, or of a "
            "level's share; for faults, the share of rows gained. It alarms from its floor on, where chance explains "
            "it less often than the bar allows.",
        ),
        table(caption, ("feature", "effect", "chance"), rows, "ranking"),
        aside(_rest(seen, len(shown))),
    )


def others(seen: Seen) -> Html:
    """Findings about no single column."""
    found = seen.others
    loud = sum(finding.alarming for finding in found)
    shown = found[: min(MOST, loud + QUIET_OTHERS)]
    rows: list[tuple[object, ...]] = [
        (join(state(f), element("small", f.detector.value)), join(f.named, element("small", _evidence(f))))
        for f in shown
    ]
    if not rows:
        return Html("")
    left = f" (the strongest {len(shown)} of {len(found):,})" if len(found) > len(shown) else ""
    title = "Labels, platform, holdout, records"
    return section("findings", title, table(f"All other findings{left}", ("detector", "what was found"), rows))


def _row(seen: Seen, i: int, findings: list[Finding], longest: float) -> tuple[object, ...]:
    first = findings[0]
    importance = seen.baseline.features[i].importance
    used = f", {percent(importance)} of the model's gain" if importance else ""
    name = join(
        element("b", short(seen.names[i], 60)),
        element("small", state(first), f" · {first.cause.value}{used}"),
        *(element("small", finding.says) for finding in findings if finding is first or finding.alarming),
    )
    width = f"width:{BAR * min(1.0, max(0.0, first.effect) / longest):.2f}em"
    bar = element("span", "", class_="bar loud-bar" if first.alarming else "bar", style=width)
    size = join(bar, effect(first.effect), element("small", f"floor {effect(first.floor)}"))
    if first.p_value is None:
        return name, size, element("span", "by rule", class_="faint")
    return name, size, join(chance(first.p_value), element("small", f"bar {chance(first.bar)}"))


def _evidence(finding: Finding) -> str:
    if finding.p_value is None:
        return "by rule: nothing is left to chance"
    told = f"chance {chance(finding.p_value)}, bar {chance(finding.bar)}"
    # The others' effects have units that only their sentence names.
    own = finding.detector in (Detector.CONCEPT, Detector.LABEL)
    return f"effect {effect(finding.effect)}, floor {effect(finding.floor)}; {told}" if own else told


def _rest(seen: Seen, shown: int) -> str:
    left = [findings[0] for findings in seen.by_column.values()][shown:]
    silent = len(seen.names) - len(seen.by_column)
    said = ""
    if left:
        loud = sum(finding.alarming for finding in left)
        most = max(left, key=lambda finding: finding.effect)
        said = (
            f"Not shown: {count(len(left), 'column')}, {loud:,} of them alarming; largest effect {effect(most.effect)}"
        )
        said += f" ({short(most.subject, 60)}). "
    return said + (f"Nothing to compare in {count(silent, 'column')}: constant, or without values." if silent else "")
