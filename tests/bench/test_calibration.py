"""Labels, our adapter, and the numbers of the tables."""

import numpy as np
import pytest

from bench.calibration import labels as lab
from bench.calibration import quality
from bench.calibration.bar import bars
from bench.calibration.decisions import NEVER, Cell, Decisions
from bench.calibration.ours import cells, ours
from bench.calibration.run import Task, judge_traffic, quality_rows, traffic_rows
from bench.calibration.run import traffic as drawn
from bench.calibration.tables import over_limit, quality_tables, traffic_tables


def test_the_models_have_the_aucs_they_are_said_to_have() -> None:
    for kind, expected in zip(lab.QUALITY, (0.873, 0.860, 0.829), strict=True):
        seen = lab.draw(kind, 100.0, 120, np.random.default_rng(5))
        assert quality.auc(seen.baseline, seen.label) == pytest.approx(0.873, abs=0.004)
        assert quality.auc(seen.candidate, seen.label) == pytest.approx(expected, abs=0.004)


def test_labels_come_late_or_never_and_in_order() -> None:
    minutes = 2000
    seen = lab.draw(lab.QUALITY[0], 10.0, minutes, np.random.default_rng(7))
    assert (np.diff(seen.arrival) >= 0).all() and (seen.origin <= seen.arrival).all()
    early = seen.origin < 1000
    assert early.sum() / (600 * 1000) == pytest.approx(lab.LABELLED, abs=0.01)
    assert np.median((seen.arrival - seen.origin)[early]) == pytest.approx(lab.MEDIAN_DELAY, abs=1)
    assert seen.to_candidate.mean() == pytest.approx(lab.SHARE, abs=0.005)
    part = seen.arrived(100, 200)
    assert ((seen.arrival[part] >= 100) & (seen.arrival[part] < 200)).all()


def test_a_model_that_ranks_at_random_has_an_auc_of_one_half() -> None:
    assert quality.auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == 0.75
    assert quality.auc(np.zeros(6), np.array([True, False] * 3)) == 0.5


@pytest.mark.parametrize("rule", quality.QUALITY_RULES)
def test_every_rule_on_labels_finds_a_much_worse_model(rule: str) -> None:
    much_worse = lab.Quality("noise", 6.0, guilty=True)
    assert quality.QUALITY_RULES[rule](lab.draw(much_worse, 20.0, 240, np.random.default_rng(8))) != NEVER


def test_our_adapter_hands_over_the_minutes_as_cloudwatch_has_them() -> None:
    seen = drawn(Task("iid", 1.0, 0, 2, ()))
    runs = list(cells(seen))
    assert len(runs) == 2 and len(runs[0]) == seen.minutes
    minute = runs[1][7]
    assert minute.at == 420.0
    assert minute.baseline.requests == seen.baseline.requests[1, 7]
    assert minute.baseline.p50 == pytest.approx(1000 * seen.baseline.p50[1, 7])
    silent = next(m for m in runs[0] if m.candidate.requests == 0)
    assert silent.candidate.p50 is None


def test_our_judge_rolls_an_outage_back_and_moves_with_the_weights() -> None:
    assert (ours(drawn(Task("outage", 100.0, 0, 2, ()))).rolled_back < 2).all()
    assert (ours(drawn(Task("weight change", 100.0, 0, 2, ()))).rolled_back == NEVER).all()


def test_exposure_is_counted_from_the_onset_and_an_early_alarm_is_a_false_one() -> None:
    seen = drawn(Task("errors 2 % late", 100.0, 0, 3, ()))
    decisions = Decisions(np.array([59, 60, NEVER]), np.array([10, NEVER, 70]))
    cell = Cell.of(decisions, seen)
    assert cell.rolled_back.tolist() == [False, True, False]
    assert cell.early.tolist() == [True, False, False]
    assert cell.advanced_first.tolist() == [True, False, True]
    assert cell.minutes[1] == 1 and cell.exposed[1] == seen.candidate.requests[1, 60]
    summary = cell.summary()
    assert summary["roll_back"] == pytest.approx(1 / 3, abs=1e-4) and summary["exposed"] == cell.exposed[1]


def test_a_rules_result_depends_neither_on_the_other_rules_nor_on_the_processes() -> None:
    alone = judge_traffic(Task("arm noise", 100.0, 1, 10, ("Argo default",)))["Argo default"]
    both = judge_traffic(Task("arm noise", 100.0, 1, 10, ("Flagger", "Argo default")))["Argo default"]
    assert (alone.exposed == both.exposed).all()
    one, two = (list(traffic_rows(["iid"], {100.0: 25}, ["Argo docs", "Flagger"], jobs)) for jobs in (1, 2))
    assert one == two and one[0]["runs"] == 25


def test_the_tables_show_each_rule_and_family_once() -> None:
    rows = list(traffic_rows(["iid", "errors 5 %"], {100.0: 5}, ["CloudWatch 2 of 2", "Flagger"], 1))
    text = traffic_tables(rows)
    assert text.count("Flagger") == 3 and "100 requests/s, guilty" in text
    assert over_limit(rows[-1]) is not None and over_limit(rows[0]) is None
    assert "equal quality" in quality_tables(list(quality_rows({100.0: 1}, 1)))


def test_a_missed_bar_says_what_was_wanted_and_found() -> None:
    row = {"family": "iid", "rate": 100.0, "rule": "ours", "guilty": False, "roll_back": 0.02}
    outage = row | {"family": "outage", "guilty": True, "roll_back": 0.9, "minutes": 1.0}
    found = bars([row, outage, row | {"rule": "Flagger", "roll_back": 1.0}], [])
    assert [bar.met for bar in found] == [False, False]
    assert bars([row], [], unseen=True)[0].met
