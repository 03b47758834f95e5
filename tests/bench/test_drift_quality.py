"""The bench of drift counts as the engines do, and runs the others' rules as they are documented."""

from collections import Counter as Count

import numpy as np
import pytest
from scipy import stats

from bench.drift_quality import concepts, rules
from bench.drift_quality.counting import Counter, Rows
from bench.drift_quality.worlds import faults, synthetic
from slipway.drift.profile import bin_of


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_counts_are_those_of_the_definition(rng: np.random.Generator) -> None:
    rows = concepts.draw(500, rng)
    rows.numbers[:3, 0] = [np.nan, np.inf, 99.0]
    counter = concepts.counter(concepts.draw(3000, rng))
    profile, feature = counter.profile(rows), counter.reference.features[0]
    column = profile.columns[0]
    assert (column.nulls, column.infinite, column.most, column.rows) == (1, 1, 99.0, 500)
    finite = [value for value in rows.numbers[:, 0] if np.isfinite(value)]
    expected = Count(feature.cell(value) for value in finite)
    assert list(column.cells) == [expected[cell] for cell in range(feature.cells)]
    cells = [feature.cell(v) if np.isfinite(v) else None for v in rows.numbers[:, 0]]
    bins = Count(bin_of(feature, cell) for cell in cells)
    assert [residual.n for residual in profile.labelled.by_feature[0]] == [bins[j] for j in range(len(bins))]
    assert sum(r.total for r in profile.labelled.by_score) == pytest.approx((rows.labels - rows.scores).sum())
    assert profile.labelled.excess.mean == pytest.approx(0, abs=0.1)


def test_levels_are_counted_with_unseen_and_null_apart() -> None:
    rows = Rows(np.zeros((6, 0)), np.array([[0], [1], [1], [-1], [-2], [2]]))
    column = Counter.of(rows, ["c"], [["a", "b", "c"]]).profile(rows).columns[0]
    assert (column.cells, column.unseen, column.nulls) == ((1, 2, 1), 1, 1)


def test_model_monitors_distance_is_robust_at_a_tenth(rng: np.random.Generator) -> None:
    world = synthetic()
    reference, healthy = world.draw(5000, rng), world.draw(5000, rng)
    broken = faults(world)["shift 0.5 sigma"](healthy, rng)
    distance = stats.ks_2samp(reference.numbers[:, 0], broken.numbers[:, 0]).statistic
    assert distance - 1.8 * np.sqrt(2 / 5000) > 0.1
    assert rules.model_monitor(reference, broken) and not rules.model_monitor(reference, healthy)


def test_psi_and_ks_flag_what_moved(rng: np.random.Generator) -> None:
    world = synthetic()
    reference, rows = world.draw(5000, rng), world.draw(2000, rng)
    assert not rules.psi(reference, rows)
    for name in ("units x100", "new category 5 %"):
        assert rules.psi(reference, faults(world)[name](rows, rng))
        assert rules.ks(reference, faults(world)[name](rows, rng))


def test_a_lost_correlation_moves_no_column(rng: np.random.Generator) -> None:
    world = synthetic()
    rows = world.draw(2000, rng)
    broken = faults(world)["correlation only"](rows, rng)
    assert np.array_equal(np.sort(broken.numbers[:, 0]), np.sort(rows.numbers[:, 0]))
    assert abs(np.corrcoef(broken.numbers[:, :2].T)[0, 1]) < 0.1 < abs(np.corrcoef(rows.numbers[:, :2].T)[0, 1])


@pytest.mark.parametrize("name", [*concepts.CONCEPTS, *concepts.POLICIES])
def test_changed_labels_leave_features_and_scores_alone(name: str) -> None:
    usual, changed = (concepts.draw(4000, np.random.default_rng(2), how) for how in ("", name))
    assert np.array_equal(usual.numbers, changed.numbers) and np.array_equal(usual.scores, changed.scores)
    assert 0.005 < np.mean(usual.labels != changed.labels) < 0.4
