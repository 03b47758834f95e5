"""Labels find their requests, late, twice or changed, and their residuals find the right bins."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from monitoring import labelled, labels
from monitoring.stream import Quarantined
from slipway.drift.profile import Labelled, Residual, Source
from slipway.drift.reference import Reference
from tests.monitoring.traffic import NOON, REFERENCE, line

HOUR = 3600.0


def truth(id: str, value: object, **metadata: Any) -> str:
    data = {"data": str(value), "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": id, **metadata}, "eventVersion": "0"})


def joined(
    captured: list[str], *objects: tuple[float, list[str]], until: float = math.inf, reference: Reference = REFERENCE
) -> Labelled:
    return labelled.profile(captured, labels.read(objects, until), reference).labelled


def test_a_label_finds_its_request_by_the_callers_id_and_else_by_sagemakers() -> None:
    captured = [line(inference="mine", event="e1"), line(event="e2"), line(event="e3")]
    assert joined(captured, (NOON, [truth("mine", 1), truth("e2", 0), truth("nobody", 1)])).n == 2


def test_a_residual_lands_in_its_scores_and_its_features_bins() -> None:
    found = joined([line("0.3,nurse,7,", "0.25"), line("0.3,clerk", "0.75")], (NOON, [truth("e1", 1)]))
    assert (found.n, found.positives) == (2, 2)
    assert found.by_score[1] == Residual(1, 0.75, 0.1875)
    assert found.by_score[2] == Residual(1, 0.25, 0.1875)
    amount, job, constant, nothing = found.by_feature
    assert amount[2] == Residual(2, 1.0, 0.375)
    assert (job[0].n, job[-1].n) == (1, 1)  # clerk; the unseen nurse with whatever has no cell
    assert (constant[1].n, constant[-1].n, nothing[-1].n) == (1, 1, 2)


def test_the_excess_loss_is_what_the_score_did_not_expect_of_itself() -> None:
    found = joined([line(answer="0.2"), line(answer="1", event="e2")], (NOON, [truth("e1", 1), truth("e2", 0)]))
    entropy = -0.2 * math.log(0.2) - 0.8 * math.log(0.8)
    certain = -1e-4 * math.log(1e-4) - (1 - 1e-4) * math.log1p(-1e-4)
    assert found.log_loss.total == pytest.approx(-math.log(0.2) - math.log(1e-4))
    assert found.excess.total == pytest.approx(found.log_loss.total - entropy - certain)


def test_scores_that_are_no_probabilities_count_as_what_the_baselines_labels_were() -> None:
    weighted = replace(REFERENCE, slope=2.0, intercept=math.log(1 / 9))  # odds of 3 become 3 * 3 / 9
    found = joined([line(answer="0.75")], (NOON, [truth("e1", 1, annotator="ann")]), reference=weighted)
    assert [found.by_score[2], found.sources[0].residual] == [Residual(1, pytest.approx(0.5), pytest.approx(0.25))] * 2
    assert found.by_feature[0][3] == found.by_score[2]
    assert found.log_loss.total == pytest.approx(-math.log(0.75))
    assert found.excess.total == pytest.approx(0.0)


def test_delays_run_from_the_request_to_its_first_label() -> None:
    captured = [line(event=f"e{n}", time="2026-04-18T12:00:00Z") for n in range(4)]
    early = (NOON, [truth("e0", 1), truth("e1", 0, collectedAt="2026-04-18T12:10:00Z")])
    late = (NOON + 40 * 86400, [truth("e2", 1), truth("e1", 1)])
    found = joined(captured, early, late)
    assert found.delays == (1, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert found.n == 3


def test_labels_collected_later_do_not_count_yet() -> None:
    objects = [(NOON, [truth("e1", 0)]), (NOON + HOUR, [truth("e1", 1)])]
    assert joined([line()], *objects, until=NOON + HOUR).positives == 0
    assert joined([line()], *objects, until=NOON + HOUR + 1).positives == 1


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_label_counts_in_whatever_order_labels_arrive(order: int) -> None:
    objects = [(NOON, [truth("e1", 0)] * 2), (NOON + HOUR, [truth("e1", 1)]), (NOON + 2 * HOUR, [truth("e1", 1)])]
    found = joined([line()], *objects[::order])
    assert (found.n, found.positives, found.changed) == (1, 1, 1)


def test_other_annotators_agree_or_not_and_sources_are_kept_apart() -> None:
    given = [
        truth("e1", 1, annotator="ana", policyVersion="2"),
        truth("e1", 1, annotator="bo", collectedAt="2026-04-18T10:00:00Z"),
        truth("e1", 0, annotator="cy", collectedAt="2026-04-18T10:00:00Z"),
    ]
    found = joined([line(answer="0.5")], (NOON, given))
    assert (found.agreed, found.disagreed, found.changed) == (1, 1, 0)
    residual = Residual(1, 0.5, 0.25)
    assert found.sources == (Source("annotator:ana", residual), Source("policy:2", residual))


def test_rare_annotators_share_a_name_so_that_the_state_stays_small() -> None:
    captured = [line(event=f"e{n}") for n in range(60)]
    found = joined(captured, (NOON, [truth(f"e{n}", 1, annotator=f"a{n:02}") for n in range(60)]))
    assert len(found.sources) == labelled.MOST_SOURCES + 1
    assert sum(source.residual.n for source in found.sources) == 60
    assert next(s for s in found.sources if s.name == "others").residual.n == 10


def test_what_cannot_be_judged_is_counted_by_its_reason() -> None:
    captured = [
        line(),
        line("1\n2", "0.1\n0.2", event="e2"),
        line(answer="7", event="e3"),
        line(answer=None, event="e4"),
    ]
    given = [truth("e1", 2), truth("e2", "1"), truth("e3", 1), truth("e4", "yes")]
    found = joined(captured, (NOON, given))
    assert {count.reason: count.n for count in found.rejected} == {"class": 1, "label_count": 1, "no_score": 2}
    assert found.n == 0


def test_a_line_that_is_no_label_is_quarantined() -> None:
    refused: list[Quarantined] = []
    broken = [
        "{",
        truth("", 1),
        truth("e1", ""),
        '{"eventMetadata": {"eventId": "e1"}}',
        "",
        truth("e1", 1, collectedAt="now"),
    ]
    assert labels.read([(NOON, broken)], math.inf, refused.append) == {}
    assert [one.reason for one in refused] == ["unreadable"] * 5


def test_a_request_of_many_rows_is_labelled_row_by_row() -> None:
    found = joined([line("1\n2", "0.1\n0.9")], (NOON, [truth("e1", "0\n1")]))
    assert (found.n, found.positives, sum(found.delays)) == (2, 1, 2)


def test_ground_truth_may_be_json() -> None:
    raw = json.dumps({"groundTruthData": {"data": "1", "encoding": "JSON"}, "eventMetadata": {"eventId": "e1"}})
    assert joined([line()], (NOON, [raw])).positives == 1
