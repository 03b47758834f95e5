"""The drift report: one page that needs nothing else, to be read on a screen, on a phone, or on paper."""

from collections.abc import Sequence

from slipway.drift.calibration import Baseline
from slipway.drift.findings import Drift, Window
from slipway.drift.report.counts import counts, trust
from slipway.drift.report.heat import heat
from slipway.drift.report.histograms import histograms
from slipway.drift.report.labels import labels
from slipway.drift.report.markup import Html, element, join, short
from slipway.drift.report.ranking import others, ranking
from slipway.drift.report.residual_map import residual_map
from slipway.drift.report.seen import Seen
from slipway.drift.report.style import STYLE
from slipway.drift.report.summary import summary
from slipway.drift.report.words import moment

_PARTS = (
    ("verdict", "Verdict", summary),
    ("features", "Features", ranking),
    ("histograms", "Distributions", histograms),
    ("time", "Over time", heat),
    ("findings", "Other findings", others),
    ("residuals", "Labels against scores", residual_map),
    ("labels", "Labels", labels),
    ("power", "What could be seen", trust),
    ("counts", "Counts", counts),
)


def render(baseline: Baseline, history: Sequence[Window], drift: Drift, now: float, *, of: str = "") -> str:
    """The page as HTML, less than 300 KB whatever the verdict and the windows.

    baseline, history: what `slipway.drift.detect.detect` made `drift` of. now: unix seconds. of: what is watched, such
    as "fraud, variant baseline".
    """
    seen = Seen.of(baseline, history, drift)
    made = [(name, title, draw(seen)) for name, title, draw in _PARTS]
    links = (element("a", title, href=f"#{name}") for name, title, body in made if body)
    title = short(f"Drift of {of}" if of else "Drift", 120)
    body = element(
        "body",
        element("header", element("h1", title), element("nav", *links, aria_label="Sections")),
        element("main", *(body for _, _, body in made)),
        element("footer", _made(seen, now), class_="faint"),
    )
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", f"{title}: {drift.remedy.value}"),
        element("style", Html(STYLE)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _made(seen: Seen, now: float) -> Html:
    reference = seen.baseline.reference
    return join(
        f"Made {moment(now)}, of the verdict of {moment(seen.drift.at)}; all times are UTC. ",
        f"Model package {short(reference.package, 150)}, reference {short(reference.id, 80)}. ",
        "What was too much for this page is in the verdict's own file beside it.",
    )
