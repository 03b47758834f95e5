"""Where labels are not what the scores say: along the scores, and along each feature."""

from dataclasses import dataclass

from slipway.drift.concept import bin_name
from slipway.drift.deviation import Deviation
from slipway.drift.findings import Detector
from slipway.drift.labelled import Track
from slipway.drift.naming import windows as words
from slipway.drift.profile import BINS
from slipway.drift.reference import Reference
from slipway.drift.report.heat import BY_CHANCE
from slipway.drift.report.markup import Html, aside, element, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.residuals import Look, sights

MOST = 12  # features
STRONG = 0.2  # standard deviations of a label


@dataclass(frozen=True)
class Row:
    """A column's bins, the last one for what is missing or unseen; None without labels."""

    column: int
    bins: tuple[Deviation | None, ...]

    @property
    def strength(self) -> tuple[float, float]:
        seen = [deviation for deviation in self.bins if deviation]
        return min((d.p_value for d in seen), default=1.0), -max((abs(d.value) for d in seen), default=0.0)


def residual_map(seen: Seen) -> Html:
    if not seen.labels:
        return Html("")
    scale = _scale(seen)
    score, *features = _rows(seen, scale)
    features = sorted((row for row in features if any(row.bins)), key=lambda row: row.strength)
    if not any(score.bins) and not features:
        nothing = "The windows have labels, the baseline has no bins to compare them in: make the baseline with labels."
        return section("residuals", "Labels against scores", element("p", nothing))
    rows = [_cells(seen, row) for row in (score, *features[:MOST])]
    left = f", the strongest {MOST} of {len(features)} features" if len(features) > MOST else ""
    caption = f"Label less score, against the baseline; {words(scale)} with labels{left}"
    head = ("column", *(f"{j + 1}" for j in range(BINS)), "none")
    return section(
        "residuals",
        "Labels against scores",
        aside(
            "In standard deviations of a label. Bins run from the lowest tenth of a column's cells to its highest, or "
            "by level; 'none' is missing or unseen. ",
            element("span", "▲ more", class_="up legend-key"),
            " or ",
            element("span", "▼ fewer", class_="down legend-key"),
            " positives than the scores say; plain numbers are within chance, which shades one bin in a hundred.",
            _stand_for(seen.baseline.reference),
        ),
        table(caption, head, rows, "residuals"),
    )


def _stand_for(reference: Reference) -> str:
    if not reference.recalibrated:
        return ""
    return (
        " The scores are no probabilities: they are taken for what the baseline's labels were at such scores, "
        f"{reference.line}."
    )


def _scale(seen: Seen) -> int:
    """That of the strongest alarm on labels; without one, all of them."""
    own = [f for f in seen.drift.findings if f.detector in (Detector.CONCEPT, Detector.LABEL) and f.alarming]
    return min(len(seen.labels), max((f.scale for f in own[:1]), default=len(seen.labels)))


def _rows(seen: Seen, scale: int) -> list[Row]:
    """The score's first, then each feature's in order."""
    baseline = seen.baseline
    by_column: dict[int, list[Deviation | None]] = {i: [] for i in (-1, *range(len(baseline.reference.features)))}
    for sight, spread in zip(sights(baseline.whole.labelled), baseline.residuals, strict=True):
        if sight.look in (Look.SCORE, Look.BIN):
            column = sight.feature if sight.look is Look.BIN else -1
            by_column[column].append(Track.of(baseline, sight, spread, seen.labelled).newest(scale))
    return [Row(column, tuple(bins)) for column, bins in by_column.items()]


def _cells(seen: Seen, row: Row) -> tuple[object, ...]:
    feature = seen.baseline.features[row.column]
    cells = [_cell(deviation, bin_name(feature, j)) for j, deviation in enumerate(row.bins)]
    gap = [Html("")] * (BINS + 1 - len(cells))
    return (short(seen.names[row.column], 40), *cells[:-1], *gap, *cells[-1:])


def _cell(deviation: Deviation | None, where: str) -> Html:
    if deviation is None:
        return element("span", "·", class_="faint", title=f"{short(where, 60)}: no labels")
    value, text = deviation.value, f"{deviation.value:+.2f}"
    if deviation.p_value > BY_CHANCE:
        return element("span", text, class_="faint", title=short(where, 60))
    kind = ("up" if value > 0 else "down") + (" strong" if abs(value) >= STRONG else "")
    return element("span", ("▲" if value > 0 else "▼") + text, class_=kind, title=short(where, 60))
