"""Labels handed in: all or none, once, and readable by everything that reads ground truth."""

from typing import Any

import pytest

from lambdas import feedback
from lambdas.aws import capture
from tests.lambdas import drift_traffic as traffic
from tests.lambdas.world import CONTEXT, START, World

LABELS = [{"id": "a", "label": 1, "annotator": "ana", "policy": "2"}, {"id": "b", "label": 0, "propensity": 0.5}]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINTS", "churn,fraud")


def give(**changes: Any) -> dict[str, Any]:
    return feedback.handler({"endpoint": "fraud", "labels": LABELS, **changes}, CONTEXT)


def test_labels_become_ground_truth_of_the_hour_they_were_collected_in(world: World) -> None:
    done = give(collected_at=START - 3600)
    assert (done["labels"], done["new"]) == (2, True)
    assert done["key"].startswith("ground-truth/fraud/2027/01/15/07/")
    source = capture.source(done["key"])
    assert source is not None
    found = [truth.label for truth in capture.truths(source) if truth.label]
    assert [(label.id, label.value, label.propensity) for label in found] == [("a", 1, None), ("b", 0, 0.5)]
    assert '"annotator":"ana"' in traffic.get(done["key"])


def test_the_same_labels_again_change_nothing(world: World) -> None:
    first = give(collected_at=START - 60)
    world.later(7200)
    again = give(collected_at=START - 60)
    assert (again["key"], again["new"]) == (first["key"], False)
    assert len(traffic.keys("ground-truth/")) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"endpoint": "frud"}, "endpoint: 'frud' is none of churn, fraud"),
        ({"labels": []}, "labels: expected 1 to 10000"),
        ({"labels": [{"id": "a", "label": 2}]}, r"labels\[0\].label: expected 0 or 1, got 2"),
        ({"labels": [{"id": "", "label": 1}]}, r"labels\[0\].id: expected 1 to 256 characters"),
        ({"labels": [{"id": "a", "lable": 1}]}, r"labels\[0\].lable: unknown key"),
        ({"labels": [LABELS[0], {"id": "b", "label": "1"}]}, r"labels\[1\].label: expected int"),
        ({"labels": [{"id": "a", "label": 1, "propensity": 0.0}]}, r"labels\[0\].propensity: expected"),
        ({"collected_at": START + 999}, "collected_at: .* is no past moment"),
    ],
)
def test_what_is_not_a_label_is_refused_by_name_and_nothing_is_written(
    world: World, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        give(**changes)
    assert traffic.keys("ground-truth/") == []
