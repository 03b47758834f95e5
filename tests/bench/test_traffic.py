"""The generator: moments, quantiles, seeds, and what each family changes."""

import numpy as np
import pytest

from bench.calibration.families import FAMILIES, GUILTY, INNOCENT, MINUTES, PAST
from bench.calibration.run import Task, traffic
from bench.calibration.traffic import BASELINE, CANDIDATE, EDGES_MS, LOG_SD, Traffic, World
from bench.calibration.unseen import UNSEEN, pareto_tail
from bench.calibration.worlds import autoregressive


def drawn(name: str, rate: float = 100.0, runs: int = 20) -> Traffic:
    return traffic(Task(name, rate, 0, runs, ()))


def test_calm_traffic_has_the_rates_and_quantiles_it_is_said_to_have() -> None:
    seen = drawn("iid")
    minutes = seen.runs * seen.minutes
    assert seen.candidate.requests.sum() / minutes == pytest.approx(300, rel=0.01)
    assert seen.baseline.requests.sum() / minutes == pytest.approx(5700, rel=0.01)
    assert seen.baseline.errors.sum() / seen.baseline.requests.sum() == pytest.approx(0.005, rel=0.03)
    assert seen.baseline.p50.mean() == pytest.approx(100, rel=0.01)
    assert seen.baseline.p99.mean() == pytest.approx(320, rel=0.02)
    assert (seen.baseline.latency.sum(axis=-1) == seen.baseline.requests).all()


def test_the_medians_of_small_minutes_scatter_as_sample_medians_do() -> None:
    seen = drawn("iid")
    # sqrt(pi/2) * sd / sqrt(n), of the logarithm
    assert np.log(seen.candidate.p50).std() == pytest.approx(1.2533 * 0.5 / np.sqrt(300), rel=0.1)


def test_a_minute_without_requests_has_no_latency() -> None:
    seen = drawn("iid", rate=1.0)
    empty = seen.candidate.requests == 0
    assert empty.any()
    assert (np.isnan(seen.candidate.p50) == empty).all()


def test_requests_over_a_threshold_are_counted_with_the_same_bucket_edge_in_both_variants() -> None:
    seen = drawn("p50 +30 %")
    threshold = np.full(seen.candidate.requests.shape, 100.0)
    slow = [arm.slower_than(threshold).sum() / arm.requests.sum() for arm in (seen.baseline, seen.candidate)]
    edge = EDGES_MS[np.abs(np.log(EDGES_MS / 100)).argmin()]
    assert slow[0] == pytest.approx(0.5, abs=0.02)
    assert slow[1] == pytest.approx(0.70, abs=0.02)
    assert (seen.baseline.slower_than(edge) == seen.baseline.slower_than(threshold)).all()
    assert (seen.baseline.slower_than(threshold) >= seen.baseline.slower_than(200.0)).all()
    assert seen.candidate.slower_in(3, 5, 100.0) == seen.candidate.slower_than(threshold)[3, 5]


def test_the_same_task_draws_the_same_traffic_and_another_batch_draws_other() -> None:
    first, again = drawn("arm noise"), drawn("arm noise")
    assert (first.candidate.latency == again.candidate.latency).all()
    other = traffic(Task("arm noise", 100.0, 1, 20, ()))
    assert (first.candidate.requests != other.candidate.requests).any()


def test_drift_has_the_spread_and_the_correlation_asked_for() -> None:
    noise = autoregressive(np.random.default_rng(1), (2000, 60), sd=0.06, correlation=12.0)
    assert noise.std() == pytest.approx(0.06, rel=0.05)
    assert np.corrcoef(noise[:, 20], noise[:, 32])[0, 1] == pytest.approx(np.exp(-1), abs=0.07)


@pytest.mark.parametrize(
    "family", [f for f in (*INNOCENT, *UNSEEN.values()) if not f.guilty], ids=lambda family: family.name
)
def test_in_innocent_worlds_both_variants_are_equal_on_average(family) -> None:
    rng = np.random.default_rng(2)
    world = family.world(100.0, 400, rng)
    assert (world.errors > 0).all() and (world.errors < 1).all()
    warm = world.slower[:, 15:].mean(axis=(0, 1))
    assert warm[CANDIDATE] - warm[BASELINE] == pytest.approx(0, abs=0.01)
    sent = 60 * world.rate[..., None] * np.stack([1 - world.share, world.share], axis=-1)
    failing = (world.errors * world.cluster + world.extra / sent).mean(axis=(0, 1))
    assert failing[CANDIDATE] / failing[BASELINE] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("rate", MINUTES)
@pytest.mark.parametrize("name", [*FAMILIES, *UNSEEN])
def test_every_family_gives_traffic_of_its_length_at_every_rate(name: str, rate: float) -> None:
    seen = drawn(name, rate, runs=2)
    family = (FAMILIES | UNSEEN)[name]
    assert seen.candidate.requests.shape == (2, family.minutes(rate))
    assert (seen.candidate.errors <= seen.candidate.requests).all()
    assert seen.onset < seen.minutes


@pytest.mark.parametrize(
    ("name", "rate"),
    [("errors 1 %", 0.01), ("errors 2 %", 0.02), ("errors 5 %", 0.05), ("outage", 1.0)],
)
def test_faults_have_the_error_rate_in_their_name(name: str, rate: float) -> None:
    seen = drawn(name)
    assert seen.candidate.errors.sum() / seen.candidate.requests.sum() == pytest.approx(rate, rel=0.05)
    assert seen.baseline.errors.sum() / seen.baseline.requests.sum() == pytest.approx(0.005, rel=0.05)


def test_a_fault_in_the_tail_leaves_the_median_alone() -> None:
    seen = drawn("p99 x2")
    assert np.median(seen.candidate.p50) == pytest.approx(100, rel=0.02)
    assert np.median(seen.candidate.p99) == pytest.approx(640, rel=0.05)


def test_a_late_fault_begins_at_its_onset() -> None:
    seen = drawn("errors 2 % late")
    assert seen.onset == 60
    before, after = seen.candidate.errors[:, :60].mean(), seen.candidate.errors[:, 60:].mean()
    assert before == pytest.approx(1.5, rel=0.1) and after == pytest.approx(6.0, rel=0.1)


def test_retries_cluster_on_failing_requests_only() -> None:
    seen = drawn("clustered retries")
    assert seen.baseline.errors.sum() / seen.baseline.requests.sum() == pytest.approx(0.005, rel=0.1)
    # A sum of N clusters of geometric size with mean m has a variance of 2 m - 1 times its mean.
    spread = (seen.baseline.errors.var(axis=1) / seen.baseline.errors.mean(axis=1)).mean()
    assert spread == pytest.approx(5, rel=0.2)


def test_the_heavy_tail_is_a_distribution_function() -> None:
    values = pareto_tail(np.linspace(-3, 12, 400))
    assert (np.diff(values) >= 0).all()
    assert values[0] < 1e-6 and values[-1] > 1 - 1e-6


def test_every_guilty_family_differs_from_a_calm_world() -> None:
    for family in GUILTY:
        world = family.world(100.0, 2, np.random.default_rng(3))
        calm = World.calm(100.0, 2, world.minutes)
        parts = ("errors", "slower", "stretch", "invalid")
        assert any((getattr(world, part) != getattr(calm, part))[..., CANDIDATE].any() for part in parts)
        assert all((getattr(world, part) == getattr(calm, part))[..., BASELINE].all() for part in parts)


def test_the_day_before_has_the_same_errors_and_medians_that_scatter_as_sample_medians_do() -> None:
    past = drawn("iid", runs=4).past
    assert past is not None and past.p50.shape == (4, PAST)
    assert past.errors.sum() / past.requests.sum() == pytest.approx(0.005, rel=0.03)
    standard_error = 1.2533 * LOG_SD / np.sqrt(6000 * 0.95)
    assert np.log(past.p50 / 100).std() == pytest.approx(standard_error, rel=0.05)


def test_before_a_release_an_endpoint_drifts_as_strongly_as_during_it() -> None:
    for batch in range(3):
        seen = traffic(Task("arm noise", 100.0, batch, 20, ()))
        assert seen.past is not None
        before, during = np.log(seen.past.p50).std(), np.log(seen.baseline.p50).std()
        assert before == pytest.approx(during, rel=0.15)
