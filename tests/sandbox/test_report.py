"""The demo's report: an A/B test's lift over time."""

import re

import pytest

from sandbox.demo import report
from sandbox.demo.watch import Told, _lifts


def lift(outcome: str, low: float, estimate: float, high: float, p: float = 0.5) -> dict:
    counts = {"candidate_n": 400, "baseline_n": 410, "p_value": p}
    return {"outcome": outcome, "relative": [low, estimate, high], **counts}


def look(at: float, *lifts: dict) -> dict:
    return {"what": "verdict", "verdict": {"at": at, "lifts": [*lifts]}}


@pytest.fixture
def page(tmp_path) -> str:
    nothing = {**lift("clicked", 0, 0, 0), "relative": None}
    history = [
        {"what": "CREATED", "verdict": None},
        look(0.0, nothing),
        look(60.0, lift("clicked", -9.0, 0.5, 9.0), lift("a<b", -0.1, 0.0, 0.1)),
        look(120.0, lift("clicked", 0.1, 0.3, 0.5, p=0.004)),
    ]
    told = Told("abtest", "PROMOTED", "PROMOTED", lifts=_lifts(history))
    return report.write(tmp_path, report.summary([told], 1.0, 2.0, 60.0), []).read_text()


def test_each_outcome_is_drawn_with_its_last_numbers(page: str) -> None:
    titles = re.findall("<title>(.*?)</title>", page)[1:]
    assert titles == [
        "clicked: lift +30.0%, +10.0% to +50.0%, p 0.004, 810 reports",
        "a&lt;b: lift +0.0%, -10.0% to +10.0%, p 0.5, 810 reports",
    ]


def test_a_drawing_has_a_point_for_each_look_that_knew_something_and_stays_inside(page: str) -> None:
    lines = [points.split() for points in re.findall("<polyline points='(.*?)'", page)]
    bands = [points.split() for points in re.findall("<polygon points='(.*?)'", page)]
    assert ([len(line) for line in lines], [len(band) for band in bands]) == ([2, 1], [4, 2])
    for x, y in (map(float, point.split(",")) for line in lines + bands for point in line):
        assert 0 <= x <= 640 and 0 <= y <= 220


def test_a_release_without_a_test_has_no_drawing(tmp_path) -> None:
    result = report.summary([Told("good", "PROMOTED", "PROMOTED")], 1.0, 2.0, 60.0)
    assert "<svg" not in report.write(tmp_path, result, []).read_text()
