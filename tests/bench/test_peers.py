"""The peers' rules on minutes written down by hand."""

import numpy as np
import pytest

from bench.calibration.decisions import NEVER
from bench.calibration.run import Task, traffic
from bench.peers import growthbook as growthbook_rule
from bench.peers import netflix as netflix_rule
from bench.peers.alarms import alarm
from bench.peers.argo import analysis
from bench.peers.flagger import flagger
from bench.peers.thresholds import windows
from slipway.stats.means import asymptotic

BAD, FINE = 6, 1  # errors of 300 requests: 2 % and .33 %


def test_an_alarm_needs_all_its_datapoints_in_a_row(hand_made) -> None:
    seen = hand_made([FINE, BAD, FINE, BAD, BAD, FINE])
    assert alarm(1)(seen).rolled_back.tolist() == [1]
    assert alarm(2)(seen).rolled_back.tolist() == [4]
    assert alarm(3)(seen).rolled_back.tolist() == [NEVER]
    assert alarm(3)(seen).advanced.tolist() == [5]


def test_alarms_on_different_metrics_do_not_add_up(hand_made) -> None:
    seen = hand_made([BAD, FINE, FINE], latency_ms=[100.0, 150.0, 100.0])
    assert alarm(1)(seen).rolled_back.tolist() == [0]
    assert alarm(2)(seen).rolled_back.tolist() == [NEVER]


def test_a_five_minute_alarm_sees_the_average_of_its_period(hand_made) -> None:
    assert alarm(1, minutes=5)(hand_made([BAD, FINE, FINE, FINE, FINE])).rolled_back.tolist() == [NEVER]
    assert alarm(1, minutes=5)(hand_made([FINE] * 5 + [BAD] * 5)).rolled_back.tolist() == [9]


def test_a_minute_without_requests_is_no_failure(hand_made) -> None:
    seen = hand_made([BAD, 0, BAD], requests=[300, 0, 300])
    assert alarm(2)(seen).rolled_back.tolist() == [NEVER]


def test_argo_fails_a_metric_with_more_failures_than_its_limit(hand_made) -> None:
    assert analysis(1, 0)(hand_made([FINE, FINE, BAD])).rolled_back.tolist() == [2]
    assert analysis(1, 1)(hand_made([BAD, FINE, BAD])).rolled_back.tolist() == [2]
    assert analysis(1, 2)(hand_made([BAD, FINE, BAD])).rolled_back.tolist() == [NEVER]
    assert analysis(5, 3)(hand_made([BAD] * 25)).rolled_back.tolist() == [19]


def test_flagger_counts_failed_checks_and_success_does_not_reset_them(hand_made) -> None:
    assert flagger(hand_made([BAD, FINE] * 4)).rolled_back.tolist() == [NEVER]
    assert flagger(hand_made([BAD, FINE] * 5)).rolled_back.tolist() == [8]
    assert flagger(hand_made([FINE] * 5, latency_ms=[600.0] * 5)).rolled_back.tolist() == [4]


def test_a_window_has_the_counts_and_latencies_of_its_minutes(hand_made) -> None:
    arm = windows(hand_made([1, 2, 3, 4, 5, 6], latency_ms=[100.0, 100.0, 200.0] * 2).candidate, 3)
    assert arm.errors.tolist() == [[6, 15]]
    assert arm.requests.tolist() == [[900, 900]]
    assert arm.p50[0, 0] == pytest.approx(100, rel=0.02)
    assert arm.p90[0, 0] == pytest.approx(200, rel=0.02)


def test_growthbooks_interval_is_the_asymptotic_confidence_sequence() -> None:
    ours = asymptotic(0.0, 0.03, 7000, alpha=growthbook_rule.ALPHA, planned=growthbook_rule.TUNING).interval
    assert growthbook_rule.half_width(np.array(0.03), np.array(7000)) == pytest.approx(ours[1])


@pytest.mark.parametrize("rule", [growthbook_rule.growthbook, netflix_rule.netflix])
def test_sequential_peers_hold_their_level_on_independent_requests(rule) -> None:
    found = [rule(traffic(Task("iid", 100.0, batch, 50, ()))).rolled_back for batch in range(4)]
    assert np.mean(np.concatenate(found) != NEVER) <= 0.05


@pytest.mark.parametrize("rule", [growthbook_rule.growthbook, netflix_rule.netflix])
def test_sequential_peers_see_errors_and_slowness_and_not_their_opposites(rule, hand_made) -> None:
    assert rule(hand_made([30] * 10)).rolled_back[0] in range(3)
    assert rule(hand_made([1] * 10, latency_ms=[130.0] * 10)).rolled_back[0] in range(3)
    assert rule(hand_made([0] * 40, latency_ms=[70.0] * 40)).rolled_back.tolist() == [NEVER]


def test_netflixs_count_test_begins_anew_when_the_weights_move() -> None:
    seen = traffic(Task("weight change", 100.0, 0, 40, ()))
    assert netflix_rule.more_errors(seen).any(axis=1).mean() <= 0.05
