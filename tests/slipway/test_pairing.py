"""Sampling, the account of captured lines, and sums that add in any order."""

import json
import math
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import admission, codec, outcomes, pairing, pairsums, plan, scores
from slipway import release as rel
from slipway.pairing import Cell, Group, Label, Line, Report, Row, Truth
from slipway.pairsums import PairSums
from slipway.release import Release, Stay
from slipway.stats.means import Moments
from slipway.stats.paired import Bets

IDS = [f"request-{i}" for i in range(20_000)]
scored = st.one_of(st.none(), st.floats(0, 1))
chances = st.one_of(st.none(), st.floats(pairing.LEAST_PROPENSITY, 1))


def labelled_pair(
    baseline: float | None, candidate: float | None, label: int, delay: float, propensity: float | None = None
) -> PairSums:
    margins = {"tolerance": 0.01, "shown": 0.05}
    return scores.of_labelled_pair(baseline, candidate, label, delay, propensity=propensity, **margins)


seen = st.one_of(
    st.builds(scores.of_pair, scored, scored, st.floats(0, 1)),
    st.builds(labelled_pair, scored, scored, st.integers(0, 1), st.floats(0, 1e7), chances),
    st.builds(lambda s, y, p: PairSums(candidate=scores.of_labelled(s, y, p)), scored, st.integers(0, 1), chances),
)


@pytest.fixture
def placed(release: Release) -> Release:
    """In shadow from 600 to 1200 and in its first canary since 1260."""
    return replace(release, stays=(Stay(0, 600.0, 1200.0), Stay(1, 1260.0)))


@pytest.mark.parametrize("rate", [0.0, 0.003, 0.2, 0.75, 1.0])
def test_the_sample_has_the_rate_that_was_asked_for(rate: float) -> None:
    kept = sum(pairing.sampled(id, rate) for id in IDS)
    assert abs(kept - rate * len(IDS)) <= 4 * math.sqrt(len(IDS) * rate * (1 - rate))


def test_an_id_in_the_sample_is_in_every_larger_one() -> None:
    samples = [{id for id in IDS if pairing.sampled(id, rate)} for rate in (0.01, 0.1, 0.5)]
    assert samples[0] < samples[1] < samples[2]


@pytest.mark.parametrize("per_second", [1, 10, 1000, 10_000])
def test_a_minute_brings_as_many_samples_at_any_traffic(per_second: int) -> None:
    assert pairing.rate(60 * per_second, 60) * 60 * per_second == pytest.approx(60)


def test_little_traffic_is_taken_whole() -> None:
    assert pairing.rate(12, 60) == pairing.rate(0, 60) == 1.0


@settings(max_examples=50)
@given(st.lists(seen, max_size=12), st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_order_or_grouping(parts: list[PairSums], rng: random.Random) -> None:
    total = sum(parts, PairSums())
    shuffled = rng.sample(parts, len(parts))
    middle = rng.randrange(len(parts) + 1)
    assert sum(shuffled, PairSums()) == total
    assert sum(parts[:middle], PairSums()) + sum(parts[middle:], PairSums()) == total


@settings(max_examples=50)
@given(st.lists(seen, max_size=12))
def test_sums_survive_the_codec_and_the_decimals_of_a_table(parts: list[PairSums]) -> None:
    total = sum(parts, PairSums())
    assert codec.loads(PairSums, codec.dumps(total)) == total
    decimals = {name: format(Decimal(number), "f") for name, number in total.numbers().items()}
    assert pairsums.from_numbers(decimals) == total
    assert all(len(text.replace(".", "").lstrip("-0")) <= 38 for text in decimals.values())


def test_all_numbers_have_names_of_their_own() -> None:
    leaves = [name for name, _ in pairsums._leaves(PairSums(), "")]
    assert len(leaves) == len(set(leaves)) > 50


def test_a_pair_counts_changed_decisions_and_the_shift() -> None:
    up, down, same = (scores.of_pair(b, c, 0.5) for b, c in ((0.25, 0.5), (0.75, 0.25), (0.5, 0.75)))
    assert [(s.changed, s.raised) for s in (up, down, same)] == [(1, 1), (1, 0), (0, 0)]
    assert (up + down + same).shift == Moments(3, 0.0, 0.25**2 + 0.5**2 + 0.25**2)


@pytest.mark.parametrize(("answers", "invalid"), [((None, 0.5), (1, 0)), ((0.5, None), (0, 1)), ((None, None), (1, 1))])
def test_a_pair_without_two_probabilities_is_counted_but_not_compared(answers: tuple, invalid: tuple) -> None:
    sums = scores.of_pair(*answers, 0.5)
    assert (sums.pairs, sums.baseline_invalid, sums.candidate_invalid, sums.shift.n) == (1, *invalid, 0)
    assert labelled_pair(*answers, 1, 0).numbers() == {"unscored": 1, "delays.0": 1}


def test_the_betting_tests_are_read_off_the_sums() -> None:
    rng = random.Random(5)
    rows = [(rng.random(), rng.random(), rng.randrange(2)) for _ in range(300)]
    total = sum((labelled_pair(b, c, y, 0) for b, c, y in rows), PairSums())
    for wealth, margin, above in ((total.worse, 0.01, True), (total.not_worse, 0.05, False)):
        excess = [_loss(c, y) - (1 + margin) * _loss(b, y) for b, c, y in rows]
        most = scores.MOST_LOSS
        low, high = 0.01 - (1 + margin) * most, most - (1 + margin) * 0.01
        bets = scores.stakes(margin, above=above)
        direct = Bets.start(low=low, high=high, bets=bets, above=above).update(excess)
        assert wealth == pytest.approx(direct.log_wealth, rel=1e-3)


def test_most_of_the_evidence_is_the_greatest_bets() -> None:
    wealth = (4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mixed = 2 / 3 * math.exp(4) + (math.e + 5) / 18
    assert PairSums(worse=wealth).harm == pytest.approx(math.log(mixed)) == PairSums(not_worse=wealth).safe


def test_a_candidate_that_lost_its_discernment_is_found_and_an_equal_one_is_not() -> None:
    rng = random.Random(7)
    found = {}
    for noise in (0.02, 0.3):
        total = PairSums()
        for _ in range(3000):
            y = int(rng.random() < 0.1)
            b = min(0.98, max(0.02, 0.1 + 0.5 * y + rng.gauss(0, 0.05)))
            c = min(0.98, max(0.02, b + rng.gauss(0, noise)))
            total += labelled_pair(b, c, y, 0)
        found[noise] = total
    assert found[0.3].harm > math.log(1000) > 0 > found[0.3].safe
    assert found[0.02].harm < math.log(20) and found[0.02].safe > 1


@pytest.mark.parametrize(("delay", "bucket"), [(-5, 0), (3600, 0), (3601, 1), (86400, 2), (8 * 86400, 5)])
def test_a_labels_delay_falls_into_its_bucket(delay: float, bucket: int) -> None:
    assert [i for i, count in enumerate(scores.delay_counts(delay)) if count] == [bucket]


@pytest.mark.parametrize(
    ("at", "step"), [(599, -1), (600, 0), (1199.9, 0), (1200, -1), (1259, -1), (1260, 1), (9e9, 1)]
)
def test_a_time_belongs_to_the_step_whose_traffic_was_in_place(placed: Release, at: float, step: int) -> None:
    assert pairing.step_at(placed, at) == step


def test_a_release_notes_when_each_steps_traffic_was_in_place(release: Release) -> None:
    known = rel.in_place(rel.advance(release, 10.0, "test"), 20.0)
    known = rel.in_place(rel.advance(known, 80.0, "test"), 90.0)
    assert known.stays == (Stay(0, 20.0, 80.0), Stay(1, 90.0))
    gone = rel.roll_back(known, 95.0, "test")
    assert gone.stays[-1] == Stay(1, 90.0, 95.0)
    assert rel.rolled_back(gone, 99.0).stays == gone.stays
    assert codec.loads(Release, codec.dumps(gone)) == gone


def test_an_old_release_without_these_fields_can_still_be_read(release: Release) -> None:
    known = codec.encode(release)
    del known["stays"], known["threshold"]
    assert codec.loads(Release, json.dumps(known)) == release


def test_the_operating_threshold_comes_from_the_manifest() -> None:
    assert [admission.threshold(manifest) for manifest in ({"threshold": 0.3}, {"threshold": 1}, {})] == [0.3, 1.0, 0.5]


@pytest.mark.parametrize("value", ["0.5", 1.5, -0.1, None, math.nan])
def test_a_threshold_that_is_no_probability_is_refused(value: object) -> None:
    with pytest.raises(admission.Refused, match="threshold"):
        admission.threshold({"threshold": value})


LINES = [
    Line("unreadable"),
    Line("unanswered", id="a", at=700.0),
    Line("several_scores", answered=True, valid=True, id="b", at=700.0),
    Line(answered=True, valid=True, id="c", at=700.0, score=0.5),
    Line(answered=True, valid=False, id="d", at=1300.0),
    Line(answered=True, valid=True, id="e", at=1220.0, score=0.5),
]


def test_each_line_is_counted_at_its_step_and_a_row_kept_where_it_can_be_paired(placed: Release) -> None:
    rows, claim = pairing.keep(placed, "candidate", LINES, rate=1.0, key="k", written=720.0, now=1400.0)
    assert [(row.id, row.step, row.paired, row.score) for row in rows] == [("c", 0, True, 0.5), ("d", 1, False, None)]
    assert {cell.minute for cell in claim.sums} == {12} and (claim.id, claim.mark) == ("k", "object")
    arms = {cell.step: sums.candidate for cell, sums in claim.sums.items()}
    assert {step: (arm.lines, arm.captured, arm.invalid, arm.sampled) for step, arm in arms.items()} == {
        0: (4, 2, 0, 1),
        1: (1, 1, 1, 1),
        -1: (1, 1, 0, 0),
    }
    assert arms[0].rejected.total == 3 and arms[0].late == 0


def test_a_row_is_late_when_its_object_is_handled_long_after_the_request(placed: Release) -> None:
    rows, claim = pairing.keep(placed, "baseline", LINES[3:4], rate=1.0, key="k", written=700.0, now=1601.0)
    (sums,) = claim.sums.values()
    assert (sums.baseline.sampled, sums.baseline.late, len(rows)) == (1, 1, 1)


def test_what_the_sample_leaves_out_is_counted_and_not_kept(placed: Release) -> None:
    lines = [Line(answered=True, valid=True, id=id, at=700.0, score=0.5) for id in IDS[:2000]]
    rows, claim = pairing.keep(placed, "baseline", lines, rate=0.1, key="k", written=700.0, now=800.0)
    (sums,) = claim.sums.values()
    assert [row.id for row in rows] == [id for id in IDS[:2000] if pairing.sampled(id, 0.1)]
    assert (sums.baseline.lines, sums.baseline.sampled) == (2000, len(rows))


def row(role: str, at: float, *, paired: bool, score: float | None = 0.5) -> Row:
    return Row("a", role, at, score, "fraud.7.3fa2c1", 0 if paired else 1, paired, 0.01, 0.05)


def test_a_shadowed_request_is_claimed_in_its_own_minute_when_both_have_answered() -> None:
    b, c = row("baseline", 700.0, paired=True), row("candidate", 700.0, paired=True)
    label = Label("a", 1, 90_000.0)
    assert [*pairing.pair_claims([Group(b), Group(candidate=c), Group(b, label=label)], 0.5)] == []
    assert [*pairing.label_claims([Group(b, label=label), Group(b, c)])] == []
    (pair,), (quality,) = (
        [*pairing.pair_claims([Group(b, c, label)], 0.5)],
        [*pairing.label_claims([Group(b, c, label)])],
    )
    assert [*pair.sums] == [*quality.sums] == [Cell("fraud.7.3fa2c1", 0, 11)]
    assert pair.mark != quality.mark


def test_in_a_canary_each_answer_is_held_against_the_label_by_itself() -> None:
    b, c = row("baseline", 1300.0, paired=False), row("candidate", 1320.0, paired=False, score=None)
    label = Label("a", 1, 1400.0)
    assert [*pairing.pair_claims([Group(b, c, label)], 0.5)] == []
    first, second = pairing.label_claims([Group(b, c, label)])
    assert first.sums[Cell("fraud.7.3fa2c1", 1, 21)].baseline.log_loss.n == 1
    assert second.sums[Cell("fraud.7.3fa2c1", 1, 22)].candidate.unscored == 1
    assert first.mark != second.mark


def test_truths_are_sampled_like_their_requests_and_lines_that_are_none_are_counted() -> None:
    labelled = [Truth(Label(id, 1, 50.0), malformed=True) for id in IDS[:500]]
    reported = [Truth(report=Report(id, (("revenue", 2.5),), 50.0)) for id in IDS[:300]]
    kept, claim = pairing.truths("fraud", [Truth(), *labelled, *reported], rate=0.2, key="k", written=60.0)
    sampled = [[id for id in IDS[:many] if pairing.sampled(id, 0.2)] for many in (500, 300)]
    assert [one.id for one in kept] == sampled[0] + sampled[1]
    (sums,) = claim.sums.values()
    assert vars(sums.labels) == {
        "lines": 801,
        "rejected": 1,
        "sampled": len(sampled[0]),
        "reports": len(sampled[1]),
        "malformed_reports": 500,
    }
    assert [*claim.sums] == [Cell("fraud", pairing.OUTSIDE, 1)]


def test_a_report_joins_the_one_variant_that_answered_in_a_step_that_compares_it() -> None:
    report = Report("a", (("clicked", 1.0), ("revenue", 2.5), ("unplanned", 9.0)), 9000.0)
    b = replace(row("baseline", 1300.0, paired=False), compares=("revenue", "clicked", "returned"))
    (claim,) = pairing.report_claims([Group(baseline=b, report=report)])
    assert (claim.id, claim.mark) == ("a", "report-baseline")
    (sums,) = claim.sums.values()
    assert sums.numbers() == outcomes.report("baseline", {"clicked": 1.0, "revenue": 2.5}).numbers()
    assert [*claim.sums] == [b.cell]
    for group in (
        Group(baseline=b),
        Group(report=report),
        Group(baseline=replace(b, compares=()), report=report),
        Group(baseline=replace(b, paired=True), report=report),
        Group(baseline=b, report=Report("a", (("unplanned", 1.0),), 9000.0)),
    ):
        assert [*pairing.report_claims([group])] == []


def test_only_rows_of_a_step_that_is_a_test_say_what_it_compares(placed: Release) -> None:
    test = replace(
        placed, plan=plan.BUILTIN["ab-test"], stays=(Stay(0, 0.0, 60.0), Stay(1, 60.0, 120.0), Stay(2, 120.0))
    )
    lines = [Line(id=id, at=60.0 * minute + 30, score=0.5) for minute, id in enumerate("abc")]
    rows, _ = pairing.keep(test, "baseline", lines, rate=1.0, key="k", written=120.0, now=130.0)
    assert [(one.step, one.paired, one.compares) for one in rows] == [
        (0, True, ()),
        (1, False, ()),
        (2, False, ("success",)),
    ]


def _loss(score: float, label: int) -> float:
    cut = min(max(score, 0.01), 0.99)
    return -math.log(cut if label else 1 - cut)
