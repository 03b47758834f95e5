"""Minutes of both variants out of CloudWatch."""

import pytest

from lambdas.aws import metrics
from slipway.evidence import SETTLED_AFTER
from tests.lambdas.world import START, World


def test_both_variants_come_minute_by_minute_in_one_batched_look(world: World) -> None:
    for i in range(5):
        world.cloudwatch.minute(START + 60 * i, "baseline", 90 + i, p50=3000.0)
        world.cloudwatch.minute(START + 60 * i, "candidate", 10, errors=i, p50=4000.0)
    found = metrics.minutes("fraud", START, START + 300)
    assert [m.at for m in found] == [START + 60 * i for i in range(5)]
    assert [m.baseline.requests for m in found] == [90, 91, 92, 93, 94]
    assert [m.candidate.errors for m in found] == [0, 1, 2, 3, 4]
    assert {(m.candidate.p50, m.candidate.p90) for m in found} == {(4000.0, 8000.0)}
    (queries,) = {str(call["MetricDataQueries"]) for call in world.wire.made("get_metric_data")}
    assert queries.count("'Id'") == 10
    assert len(world.wire.made("get_metric_data")) > 1, "the answer had pages"


def test_the_past_is_the_baselines_alone(world: World) -> None:
    for i in range(3):
        world.cloudwatch.minute(START + 60 * i, "baseline", 90 + i, errors=i)
        world.cloudwatch.minute(START + 60 * i, "candidate", 10)
    found = metrics.past("fraud", START + 240 + SETTLED_AFTER)
    assert [(m.baseline.requests, m.baseline.errors, m.baseline.p50) for m in found[-4:-1]] == [
        (90, 0, 3000.0),
        (91, 1, 3000.0),
        (92, 2, 3000.0),
    ]
    assert found[-1].baseline.p50 is None and {m.candidate.requests for m in found} == {0}
    assert "candidate" not in str(world.wire.made("get_metric_data"))


def test_minutes_without_a_request_are_there_too(world: World) -> None:
    world.cloudwatch.minute(START + 60, "baseline", 7)
    found = metrics.minutes("fraud", START, START + 180)
    assert [(m.baseline.requests, m.candidate.requests) for m in found] == [(0, 0), (7, 0), (0, 0)]
    assert found[0].baseline.p50 is None and found[1].candidate.p90 is None


def test_another_endpoints_requests_are_not_ours(world: World) -> None:
    world.cloudwatch.minute(START, "candidate", 9, endpoint="churn")
    assert metrics.minutes("fraud", START, START + 60)[0].candidate.requests == 0


def test_an_error_counts_once_whatever_it_is_called(world: World) -> None:
    world.cloudwatch.minute(START, "candidate", 10, errors=3)
    world.cloudwatch.points["fraud", "candidate", "InvocationModelErrors", "Sum"][START] = 5
    arm = metrics.minutes("fraud", START, START + 60)[0].candidate
    assert (arm.requests, arm.errors) == (10, 5)


def test_there_are_never_more_errors_than_requests(world: World) -> None:
    world.cloudwatch.minute(START, "candidate", 2, errors=5)
    assert metrics.minutes("fraud", START, START + 60)[0].candidate.requests == 5


def test_a_minute_that_has_not_ended_is_left_out(world: World) -> None:
    assert len(metrics.minutes("fraud", START, START + 119)) == 1


@pytest.mark.parametrize("until", [START, START - 60])
def test_an_empty_window_asks_nothing(world: World, until: float) -> None:
    assert metrics.minutes("fraud", START, until) == [] and world.wire.calls == []


@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_what_could_not_be_measured_is_not_taken_for_silence(world: World, status: str) -> None:
    world.cloudwatch.status = status
    with pytest.raises(metrics.NotMeasured, match=status):
        metrics.candidate_gone("fraud", START, START + 600)


@pytest.mark.parametrize(
    ("at", "now", "gone"),
    [(0, 240, True), (60, 240, False), (60, 300, True), (120, 240, True), (120, 300, False)],
    ids=["before", "in the newest minute", "in an older one", "in one that has not settled", "in it once it has"],
)
def test_the_candidate_is_gone_when_the_newest_settled_minute_shows_no_request(
    world: World, at: float, now: float, gone: bool
) -> None:
    world.cloudwatch.minute(START + at, "candidate", 1)
    assert metrics.candidate_gone("fraud", START + 1, START + now) is gone


def test_nobody_is_called_gone_before_that_minute_has_settled(world: World) -> None:
    assert not metrics.candidate_gone("fraud", START + 1, START + 239)
    assert world.wire.calls == []
