"""Metrics of a binary classifier's probabilities. Labels: 0 or 1, shape (rows,); scores: shape (rows,)."""

import numpy as np


def all_of(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Every metric by its name. Raises ValueError unless both classes occur and all scores are in [0, 1]."""
    labels, scores = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    if not 0 < labels.sum() < len(labels):
        raise ValueError("metrics need rows of both classes")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must be probabilities")
    return {
        "auc": auc(labels, scores),
        "pr_auc": average_precision(labels, scores),
        "log_loss": float(log_losses(labels, scores).mean()),
        "brier": float(np.mean((scores - labels) ** 2)),
    }


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic; ties count half."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    positives = labels.sum()
    negatives = len(labels) - positives
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def precision_recall(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and threshold for "score >= threshold", at each distinct score, highest first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    caught = np.cumsum(labels[order])[ends]
    return caught / (ends + 1), caught / labels.sum(), scores[order][ends]


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve by the step rule (no interpolation)."""
    precision, recall, _ = precision_recall(labels, scores)
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def best_f1_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the highest F1; the highest such one."""
    precision, recall, thresholds = precision_recall(labels, scores)
    return float(thresholds[np.argmax(precision * recall / np.maximum(precision + recall, 1e-12))])


def log_losses(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Each row's loss in nats; scores are kept 1e-7 away from 0 and 1."""
    bounded = np.clip(scores, 1e-7, 1 - 1e-7)
    return -np.log(np.where(labels == 1, bounded, 1 - bounded))
