import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import metrics

cases = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def columns(rows: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in rows]), np.array([score for _, score in rows])


@given(cases)
def test_auc_is_the_share_of_pairs_ranked_right_with_ties_half(rows):
    labels, scores = columns(rows)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels == 1] for n in scores[labels == 0]]
    assert metrics.auc(labels, scores) == pytest.approx(np.mean(pairs))


@given(cases)
def test_average_precision_is_the_recall_weighted_precision_at_each_threshold(rows):
    labels, scores = columns(rows)
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        recall = labels[flagged].sum() / labels.sum()
        total += labels[flagged].mean() * (recall - before)
        before = recall
    assert metrics.average_precision(labels, scores) == pytest.approx(total)


@given(cases)
def test_no_threshold_has_a_better_f1_than_the_chosen_one(rows):
    labels, scores = columns(rows)

    def f1(threshold: float) -> float:
        flagged = scores >= threshold
        return 2 * labels[flagged].sum() / (flagged.sum() + labels.sum())

    assert f1(metrics.best_f1_threshold(labels, scores)) == pytest.approx(max(f1(score) for score in scores))


def test_log_loss_and_brier_agree_with_their_definitions():
    found = metrics.all_of(np.array([1, 0]), np.array([0.8, 0.4]))
    assert found["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert found["brier"] == pytest.approx((0.04 + 0.16) / 2)


def test_a_certain_mistake_costs_a_finite_log_loss():
    assert np.isfinite(metrics.log_losses(np.array([1, 0]), np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize(
    ("labels", "scores"), [([1, 1], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, float("nan")])]
)
def test_metrics_refuse_one_class_and_scores_that_are_no_probabilities(labels, scores):
    with pytest.raises(ValueError):
        metrics.all_of(np.array(labels), np.array(scores))
