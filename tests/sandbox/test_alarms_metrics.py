"""The metric store: aggregation, percentiles, eviction."""

import random
import statistics
import time

import numpy as np
import pytest

from sandbox.aws.metric_store import RETENTION_SECONDS, Bucket, MetricStore

KEY = ("AWS/SageMaker", "ModelLatency", frozenset({("VariantName", "baseline")}))


def test_percentiles_are_those_of_all_the_values():
    rng = random.Random(7)
    values = [round(rng.lognormvariate(8, 1)) for _ in range(999)]
    bucket = Bucket()
    for value in values:
        bucket.add(float(value), 1)
    for share in (50, 90, 99, 99.9):
        assert bucket.statistic(f"p{share}") == pytest.approx(np.percentile(values, share))
    assert bucket.statistic("Average") == pytest.approx(statistics.fmean(values))


def test_counts_stand_for_repeated_values():
    bucket = Bucket()
    bucket.add(0.0, 95)
    bucket.add(1.0, 5)
    assert (bucket.statistic("Average"), bucket.statistic("Sum"), bucket.statistic("SampleCount")) == (0.05, 5, 100)
    assert bucket.statistic("p90") == 0


def test_statistic_sets_have_no_percentiles():
    bucket = Bucket()
    bucket.add_set(10, 100, 5, 20)
    assert bucket.statistic("Maximum") == 20
    assert bucket.statistic("p90") is None


def test_an_unknown_statistic_is_refused():
    with pytest.raises(ValueError, match="tm99"):
        Bucket().statistic("tm99")


def test_a_period_holds_what_was_reported_in_it():
    store = MetricStore()
    for second in (119.9, 120.0, 179.9, 180.0):
        store.bucket(KEY, second, "None").add(second, 1)
    assert store.period(KEY, 120, 60).statistic("Sum") == pytest.approx(299.9)
    assert store.period(KEY, 240, 60) is None
    assert list(store.periods(KEY, 120, 200, 60)) == [120, 180]


def test_old_data_are_forgotten():
    store = MetricStore()
    store.bucket(KEY, 0, "None").add(1, 1)
    store.bucket(KEY, RETENTION_SECONDS, "None").add(2, 1)
    store.evict(RETENTION_SECONDS + 1)
    assert store.period(KEY, 0, 60) is None
    assert store.period(KEY, RETENTION_SECONDS, 60).count == 1


def test_an_hour_of_traffic_is_read_in_milliseconds():
    store = MetricStore()
    rng = random.Random(1)
    for second in range(3600):
        for _ in range(10):
            store.bucket(KEY, second, "None").add(rng.randrange(500, 5000), 1)
    started = time.perf_counter()
    assert store.period(KEY, 3000, 60).count == 600
    assert time.perf_counter() - started < 0.02
