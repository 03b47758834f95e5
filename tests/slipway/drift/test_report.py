"""The report of drift: a page that holds together whatever the names, the windows and the verdict."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.drift_quality.counting import Counter, Rows
from slipway.drift.calibration import Baseline, Season, columns, columns_of, learn
from slipway.drift.contrasts import contrasts
from slipway.drift.detect import detect
from slipway.drift.deviation import Spread
from slipway.drift.findings import Anchors, Cause, Detector, Drift, Finding, Holdout, Probe, Remedy, Window
from slipway.drift.profile import Column, Count, Profile, Source, empty
from slipway.drift.reference import Feature, Kind, Reference
from slipway.drift.report import histograms, words
from slipway.drift.report.markup import element
from slipway.drift.report.page import render
from slipway.drift.report.seen import Compared
from slipway.drift.seasons import Cycle
from tests.slipway.drift.conftest import HOUR, START, World, in_hours, number, relabel, shift

SECTIONS = ("verdict", "features", "histograms", "time", "findings", "residuals", "labels", "power", "counts")
MOST_BYTES = 300_000
NASTY = "</title><script>alert(\"1\")</script> & 'x' \x00\u202e"


class Page(HTMLParser):
    """Reads strictly: every element is closed, in order; ids are unique; nothing is fetched and nothing runs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.labels: list[str] = []
        assert page.startswith("<!doctype html>\n") and len(page.encode()) < MOST_BYTES
        self.feed(page)
        self.close()
        assert not self.open and len(self.ids) == len(set(self.ids))
        assert not {"script", "link", "img", "iframe", "object", "base", "form"} & self.tags
        assert {link[1:] for link in self.links} <= set(self.ids)
        assert not re.search(r"https?:|url\(|@import|//", re.sub(r">[^<]*<", "><", page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs) and not any(name.startswith("on") or name == "src" for name in given)
        self.tags.add(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.labels += [given["aria-label"] or ""] if "aria-label" in given else []
        if tag == "svg":
            assert given["role"] == "img"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _page(baseline: Baseline, history: Sequence[Window], **more: object) -> Page:
    now = history[-1].until if history else START
    drift = detect(baseline, history, now=now, **more)  # type: ignore[arg-type]
    page = render(baseline, history, drift, now, of="fraud, variant baseline")
    assert page == render(baseline, history, drift, now, of="fraud, variant baseline")
    return Page(page)


def _shifted(world: World, healthy: int = 6, moved: int = 4, labels: bool = True) -> list[Window]:
    return world.windows(*[None] * healthy, *[shift(0, 0.5)] * moved, labels=labels)


def test_a_page_has_every_section_and_begins_with_what_to_do(world: World) -> None:
    page = _page(world.baseline, _shifted(world))
    assert tuple(page.ids) == SECTIONS and [link[1:] for link in page.links] == list(SECTIONS)
    assert "Drift of fraud, variant baseline" in page.text
    verdict = page.text.index("Retrain: the traffic")
    assert verdict < page.text.index("amount: distribution moved by") < page.text.index("The five detectors")
    assert "Retraining is not blocked." in page.text
    assert "alarms in 80% of the cases" in page.text and "infrastructure: no golden rows were replayed" in page.text


def test_the_feature_that_moved_is_ranked_first_and_the_quiet_ones_follow(world: World) -> None:
    page = _page(world.baseline, _shifted(world))
    ranked = page.text[page.text.index("strongest evidence first") :]
    assert ranked.index("amount") < ranked.index("age") and "of 5 alarm" in ranked
    assert "50.0 % of the model's gain" in ranked


def test_windows_after_a_shift_are_marked_and_those_before_are_not(world: World) -> None:
    page = _page(world.baseline, _shifted(world, 6, 4))
    assert "4 of 10 windows unusual: 7, 8, 9, 10" in page.labels
    healthy = _page(world.baseline, world.windows(*[None] * 10))
    marked = [int(found[1]) for label in healthy.labels if (found := re.match(r"(\d+) of 10 windows unusual", label))]
    assert len(marked) == 5 and sum(marked) <= 2


def test_nothing_to_do_is_said_of_healthy_traffic(world: World) -> None:
    page = _page(world.baseline, world.windows(*[None] * 4))
    assert "Nothing to do: no drift was found." in page.text and "● alarm" not in page.text


def test_names_levels_and_reasons_are_data_and_never_markup(learned: tuple[Counter, Baseline]) -> None:
    counter, baseline = learned
    levels = (NASTY, "green", "x" * 5000, "")
    features = [replace(f, name=f"{NASTY}{i}") for i, f in enumerate(counter.reference.features)]
    reference = replace(
        counter.reference, package=NASTY, features=(*features[:-1], replace(features[-1], levels=levels))
    )
    profile = replace(baseline.whole, rejected=(Count(NASTY, 3),), records=baseline.whole.records + 3)
    labelled = replace(profile.labelled, sources=(Source(NASTY, profile.labelled.by_score[0]),))
    windows = in_hours([replace(profile, labelled=labelled)] * 3)
    probe = Probe(START, NASTY, (0.1,), (0.9,))
    page = _page(
        learn(reference, windows), windows, probes=[probe], holdout=Holdout(1e9, 5, new_levels=((NASTY, 0.5),))
    )
    shown = "</title><script>alert(\"1\")</script> & 'x' \\x00\\u202e"
    assert page.text.count(shown) > 20 and "x" * 400 not in page.text


@given(st.text(max_size=200))
def test_any_text_stays_text(text: str) -> None:
    class Read(HTMLParser):
        found: list[object]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found = [*getattr(self, "found", []), tag, attrs]

    read = Read()
    read.feed(element("p", text, title=text))
    assert [part for part in read.found if isinstance(part, str)] == ["p"]
    if text.isprintable():
        assert read.found[1] == [("title", text)]


def test_residuals_show_where_labels_left_the_scores(world: World) -> None:
    def among_the_old(rows: Rows, rng: np.random.Generator) -> np.ndarray:
        return np.where((rows.numbers[:, 1] > 57) & (rng.random(len(rows)) < 0.5), 1.0, rows.labels)

    page = _page(world.baseline, world.windows(*[relabel(among_the_old)] * 6, labels=True))
    rows = page.text[page.text.index("Label less score, against the baseline") :]
    assert re.search(r"age ([+-]0\.\d\d |[▲▼][+-]\d\.\d\d )+▲\+0\.[3-9]\d · (amount|visits|colour)", rows)


def test_label_delays_and_coverage_are_told_in_words(world: World) -> None:
    def waiting(window: Window, delays: tuple[int, ...], n: int) -> Window:
        labelled = replace(window.profile.labelled, delays=delays, n=n)
        return replace(window, profile=replace(window.profile, labelled=labelled))

    windows = world.windows(*[None] * 4, labels=True)
    labelled = [waiting(window, (0, 0, 100, 850, 0, 50, 0, 0, 0, 0), 1000) for window in windows[:1]]
    labelled += [waiting(window, (0, 0, 100, 350, 0, 50, 0, 0, 0, 0), 500) for window in windows[1:2]]
    page = _page(world.baseline, [*labelled, *world.windows(*[None] * 4)[2:]])
    assert "now: 95% within 3 d" in page.text
    assert "1,500 of 2,000 (75.0 %) rows of 2 windows have their label" in page.text
    assert "500 of 1,000 (50.0 %). 2 newer windows still wait." in page.text


def test_counts_add_up_also_when_a_reason_was_not_kept(world: World) -> None:
    profile = replace(world.profile(), records=1010, rejected=(Count("json", 7),))
    page = _page(world.baseline, in_hours([profile]))
    for line in ("records read 1,010 1,010", "= accepted 1,000", "+ rejected: json 7 7", "reason not kept 3 3"):
        assert line in page.text
    assert "requests the endpoint counted 1,010 1,010" in page.text


NULL = number(0, lambda values, _: np.full(len(values), np.nan))
INFINITE = number(0, lambda values, _: np.full(len(values), np.inf))
DEGENERATE: dict[str, Callable[[World], list[Window]]] = {
    "no window": lambda world: [],
    "no traffic": lambda world: [_silent(world, 0)],
    "capture stopped": lambda world: [*world.windows(None), _silent(world, 9000)],
    "another model's": lambda world: in_hours([replace(world.profile(), reference="another")]),
    "all null": lambda world: world.windows(NULL, NULL),
    "all infinite": lambda world: world.windows(INFINITE),
    "one row": lambda world: world.windows(None, n=1, labels=True),
    "unknown requests": lambda world: [replace(window, requests=None) for window in world.windows(None)],
    "faulty at last": lambda world: world.windows(None, None, NULL, labels=True),
}


def _silent(world: World, requests: int) -> Window:
    return Window(START + HOUR, START + 2 * HOUR, empty(world.counter.reference), requests)


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_page_comes_of_anything(world: World, name: str) -> None:
    page = _page(world.baseline, DEGENERATE[name](world))
    assert set(page.ids) >= {"verdict", "features", "histograms", "labels", "power", "counts"}
    assert ("Nothing can be said" in page.text) is (name in ("no window", "no traffic", "another model's"))
    if name == "all null":
        assert "No row has a value to draw." in page.text and "nulls 100.0 %, 0.0 % in the baseline" in page.text


def test_an_uncalibrated_baseline_says_so(world: World) -> None:
    baseline = learn(world.counter.reference, world.windows(None, None, labels=True))
    page = _page(baseline, world.windows(None, shift(0, 3.0), labels=True), anchors=Anchors(200, 3))
    assert "uncalibrated: the baseline has 2 windows of its own" in page.text


def test_probes_and_holdout_that_left_all_bounds_are_shown(world: World) -> None:
    probe = Probe(START, "baseline", (0.1, 0.2), (float("nan"), None))
    page = _page(world.baseline, world.windows(None), probes=[probe], holdout=Holdout(1e9, 100))
    assert "Roll back" in page.text and "by up to inf" in page.text and "by rule" in page.text


def test_two_hundred_features_fit_the_page() -> None:
    rng = np.random.default_rng(5)
    names = [f"{i}_{'a_very_long_name_of_a_feature_' * 4}" for i in range(200)]

    def rows(by: float = 0.0) -> Rows:
        scores = rng.random(200)
        labels = (rng.random(200) < scores).astype(float)
        return Rows(rng.normal(size=(200, 200)) + by, np.zeros((200, 0), int), scores, labels)

    healthy = [rows(), rows()]
    counter = Counter.of(healthy[0], names, [])
    baseline = learn(counter.reference, in_hours([counter.profile(part) for part in healthy]))
    history = in_hours([counter.profile(rows(3.0))] * 32)
    drift = detect(baseline, history[-1:], now=START)
    page = Page(render(baseline, history, drift, START))
    assert "Not shown: 171 columns, 170 of them alarming" in page.text
    assert "more reasons in the verdict itself" in page.text


def test_ten_thousand_categories_fit_the_page() -> None:
    levels = tuple(f"level {i}" for i in range(10_000))
    features = (Feature("merchant", Kind.CATEGORY, levels=levels), Feature("constant"))
    reference = Reference("id", "package", features, Feature("score", edges=(0.5,)))

    def profile(first: int) -> Profile:
        nothing, n = empty(reference), first + 9_999
        merchant = replace(nothing.columns[0], cells=(first, *(1,) * 9_999))
        columns = (merchant, replace(nothing.columns[1], cells=(n,)))
        return replace(nothing, columns=columns, scores=replace(nothing.scores, cells=(n, 0)), accepted=n, rows=n)

    whole, some = profile(50), Spread()
    spreads = tuple((some,) * len(contrasts(f, c)) for f, c in zip(columns_of(reference), columns(whole), strict=True))
    seasons, far, sizes = (Season(0, 1, whole),), (0.1,) * 3, ((0.0, 0.0),) * 3
    baseline = Baseline(reference, 1, whole, Cycle.NONE, seasons, spreads, (some,) * 3, far, sizes, (), some)
    moved = Finding(Detector.FEATURE, Cause.DISTRIBUTION, "merchant", 1, 0.33, 0.02, 0.0, 1e-6, True, "level 0 moved")
    drift = Drift(START, START, START + HOUR, Remedy.RETRAIN, False, ("merchant: level 0 moved",), (moved,))
    page = Page(render(baseline, in_hours([profile(5000)] * 32), drift, START))
    assert "9,992 others" in page.text and "33.3 % / 0.5 %" in page.text
    assert any(label.startswith("32 of 32 windows unusual") for label in page.labels)


COUNTS = st.lists(st.integers(0, 50), min_size=31, max_size=31).filter(any)


@given(COUNTS, COUNTS)
def test_a_histogram_loses_no_row_and_keeps_the_middle(now: list[int], then: list[int]) -> None:
    feature = Feature("x", edges=tuple(float(i**2) for i in range(30)))
    usual = tuple(cell / sum(then) for cell in then)
    compared = Compared(feature, "x", 1, Column(tuple(now)), Column(tuple(then)), usual)
    before, after, _ = histograms.slots(compared)
    for slots, cells in ((before, then), (after, now)):
        assert math.fsum(slots) == pytest.approx(1) and min(slots) >= -1e-12
        assert (slots[0], slots[-1]) == pytest.approx((cells[0] / sum(cells), cells[-1] / sum(cells)))


@given(st.integers(-(10**10), 10**11))
def test_dates_are_the_calendars(at: int) -> None:
    assert words.moment(at) == datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M").rjust(16, "0")


def test_a_share_that_is_not_whole_never_looks_whole() -> None:
    assert words.percent(0.0) == "0.0 %" and words.percent(1.0) == "100.0 %"
    assert words.percent(1e-9) == "< 0.1 %" and words.percent(1 - 1e-9) == "> 99.9 %"
