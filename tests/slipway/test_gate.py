import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from slipway import codec, gate, gate_outcome
from slipway.comparison import Comparison, Holdout, Measure, Model, Slice
from slipway.gate import Settings

DAY = 86400.0
MODEL = Model(
    sha256="ab" * 32,
    bytes=40_000,
    xgboost_version="3.2.0",
    features=("age", "balance"),
    missing_allowed=(),
    threshold=0.3,
    positive_share=0.2,
    latency_ms=0.2,
    window=(0.0, 30 * DAY),
)
SEEN = Comparison(
    holdout=Holdout(rows=2000, positives=400, since=40 * DAY, until=50 * DAY, sha256="cd" * 32, blocks=50),
    challenger=replace(MODEL, window=(30 * DAY, 39 * DAY)),
    champion=MODEL,
    costs=(0.3, 0.7),
    log_loss=Measure(0.40, 0.45, 0.01),
    brier=Measure(0.12, 0.14, 0.004),
    auc=Measure(0.70, 0.65, 0.02),
    pr_auc=Measure(0.40, 0.35, 0.02),
    calibration=Measure(0.02, 0.05, 0.01),
    cost=Measure(0.10, 0.12, 0.01),
    changed=0.1,
    slices=(
        Slice("age", "below 34", 900, 150, Measure(0.38, 0.44, 0.02)),
        Slice("age", "from 34", 1100, 250, Measure(0.42, 0.46, 0.02)),
    ),
)


def failed(seen: Comparison, **given: object) -> list[str]:
    decided = gate.decide(seen, **given)  # type: ignore[arg-type]
    assert decided.passed == (not decided.reasons)
    return [check.name for check in decided.checks if not check.passed]


def test_a_challenger_that_is_better_with_evidence_and_nowhere_worse_passes() -> None:
    decided = gate.decide(SEEN, drift_since=35 * DAY)
    assert decided.passed
    assert decided.reasons == ()
    assert gate_outcome.report(decided).startswith("PASSED")


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (Measure(0.45, 0.45, 0.01), "nothing is shown either way"),
        (Measure(0.445, 0.45, 0.01), "would show with about 33,000 rows"),
        (Measure(0.50, 0.45, 0.01), "it is worse, with evidence"),
        (Measure(0.40, 0.45, None), "nothing is shown either way"),
        (Measure(0.45, 0.45, 0.0), "nothing is shown either way"),
    ],
)
def test_without_evidence_of_a_lower_loss_it_is_refused_and_told_how_far_it_is(measure: Measure, says: str) -> None:
    decided = gate.decide(replace(SEEN, log_loss=measure))
    assert not decided.passed
    assert says in decided.reasons[0]
    assert f"{measure.challenger:.4f}, the champion's 0.4500" in decided.reasons[0]


def test_a_gain_smaller_than_the_one_asked_for_is_refused() -> None:
    assert failed(SEEN) == []
    assert failed(SEEN, settings=Settings(least_gain=0.08)) == ["better"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"pr_auc": Measure(0.30, 0.35, 0.01)}, "PR-AUC"),
        ({"auc": Measure(0.60, 0.65, 0.01)}, "ROC-AUC"),
        ({"calibration": Measure(0.10, 0.05, 0.01)}, "calibration"),
        ({"cost": Measure(0.15, 0.12, 0.01)}, "cost"),
        ({"missing": Measure(0.60, 0.50, 0.01)}, "incomplete"),
    ],
)
def test_a_gain_in_loss_does_not_buy_a_shown_loss_elsewhere(change: dict[str, Measure], name: str) -> None:
    assert failed(replace(SEEN, **change)) == [name]  # type: ignore[arg-type]
    (measure,) = change.values()
    unsure = {key: replace(measure, error=1.0) for key in change}
    assert failed(replace(SEEN, **unsure)) == []  # type: ignore[arg-type]


NOTHING_LEARNT = "learnt more than how many are positive is not shown"
NO_RANKING = Measure(0.5, 0.5, 0.02)


def test_a_challenger_that_beats_a_champion_the_labels_contradict_by_knowing_nothing_passes_with_a_note() -> None:
    noise = replace(
        SEEN, log_loss=Measure(0.7, 2.5, 0.1), auc=Measure(0.51, 0.49, 0.02), pr_auc=Measure(0.2, 0.2, 0.02)
    )
    decided = gate.decide(noise)
    assert decided.passed
    assert NOTHING_LEARNT in decided.limits[-1]
    assert not [limit for limit in gate.decide(SEEN).limits if NOTHING_LEARNT in limit]


@pytest.mark.parametrize(("rows", "positives"), [(2000, 400), (200, 30), (5000, 2500)])
def test_scores_that_know_nothing_seldom_seem_to_know_something(rows: int, positives: int) -> None:
    held = replace(SEEN.holdout, rows=rows, positives=positives)
    (told,) = (x for x in gate.decide(replace(SEEN, holdout=held, auc=NO_RANKING)).limits if NOTHING_LEARNT in x)
    least = float(re.findall(r"by chance up to ([.\d]+)", told)[0])
    scores = np.random.default_rng(5).random((1000, rows))
    found = mannwhitneyu(scores[:, :positives], scores[:, positives:], axis=1, method="asymptotic").statistic
    assert 29 <= np.sum(found / positives / (rows - positives) > least) <= 71  # of 1000, at an alpha of .05


def test_one_slice_that_gets_worse_is_refused_by_its_name_and_numbers() -> None:
    worse = Slice("age", "above 60", 300, 60, Measure(0.60, 0.45, 0.03))
    decided = gate.decide(replace(SEEN, slices=(*SEEN.slices, worse)))
    assert [check.says for check in decided.checks if not check.passed] == list(decided.reasons)
    assert decided.reasons[0].startswith("age above 60 (300 rows, 60 positive): log-loss 0.6000, the champion's 0.4500")


def test_many_slices_share_the_alpha_so_that_chance_in_one_of_them_refuses_nobody() -> None:
    unlucky = Slice("job", "= 3", 300, 60, Measure(0.475, 0.45, 0.0115))
    others = tuple(replace(SEEN.slices[0], value=f"= {number}") for number in range(40))
    assert failed(replace(SEEN, slices=(unlucky,))) == ["slice"]
    assert failed(replace(SEEN, slices=(unlucky, *others))) == []


@pytest.mark.parametrize("positives", [0, 587])
def test_where_one_class_is_absent_a_model_may_reckon_with_as_much_of_it_as_the_rows_cannot_rule_out(
    positives: int,
) -> None:
    """Seen in a retraining on card payments: the champion was surer of a slice without frauds than 587 rows allow."""

    def slice_of(loss: float, positives: int = positives) -> Comparison:
        return replace(SEEN, slices=(Slice("V4", "below -0.6", 587, positives, Measure(loss, 0.0001, 0.0002)),))

    assert failed(slice_of(0.0024)) == []
    assert failed(slice_of(0.0060)) == ["slice"], "more than three rows in 587"
    assert failed(slice_of(0.0024, positives=5)) == ["slice"]


def test_a_slice_too_small_to_judge_is_told_as_a_limit() -> None:
    decided = gate.decide(replace(SEEN, slices=(Slice("age", "above 90", 7, 3, Measure(0.9, 0.4, 0.1)),)))
    assert decided.passed
    assert "1 slices with fewer than 50 rows were not judged: age above 90" in decided.limits


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"holdout": replace(SEEN.holdout, rows=150)}, "holdout", "at least 200 rows with 30 of each class"),
        ({"holdout": replace(SEEN.holdout, positives=29)}, "holdout", "2000 rows, 29 positive"),
        ({"holdout": replace(SEEN.holdout, positives=1980)}, "holdout", "1980 positive"),
        (
            {"champion": replace(MODEL, window=(0.0, 41 * DAY))},
            "fresh",
            "the champion's training data end 24.0 h after",
        ),
        ({"challenger": replace(MODEL, window=(0.0, 40 * DAY))}, "fresh", "it has seen rows it is measured on"),
    ],
)
def test_a_holdout_that_can_not_tell_is_refused(change: dict[str, object], name: str, says: str) -> None:
    decided = gate.decide(replace(SEEN, **change))  # type: ignore[arg-type]
    assert failed(replace(SEEN, **change)) == [name]  # type: ignore[arg-type]
    assert says in decided.reasons[0]


def test_a_holdout_older_than_the_drift_is_refused() -> None:
    assert failed(SEEN, drift_since=40 * DAY) == []
    assert failed(SEEN, drift_since=40 * DAY + 1) == ["after drift"]


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"features": ("age", "balance", "duration")}, "features", r"new features \['duration'\]"),
        ({"features": ("balance", "age")}, "features", "another order"),
        ({"xgboost_version": "3.4.1"}, "version", "train with the same"),
        ({"invalid": 2}, "scores", "2 of 2000 scores are no probability"),
        ({"latency_ms": 1.5}, "latency", "tolerated 1.2"),
        ({"bytes": 11_000_000}, "size", "tolerated 10.00"),
    ],
)
def test_a_challenger_that_would_break_its_callers_or_its_host_is_refused(
    change: dict[str, object], name: str, says: str
) -> None:
    seen = replace(SEEN, challenger=replace(SEEN.challenger, **change))  # type: ignore[arg-type]
    assert failed(seen) == [name]
    assert re.search(says, gate.decide(seen).reasons[0])


def test_requests_that_may_lack_a_feature_today_must_still_be_answered() -> None:
    decided = gate.decide(replace(SEEN, champion=replace(MODEL, missing_allowed=("balance",))))
    assert decided.reasons == ("it would refuse requests that lack balance; train with --missing-allowed",)


def test_each_further_challenger_on_a_holdout_needs_more_evidence() -> None:
    close = replace(SEEN, log_loss=Measure(0.4265, 0.45, 0.01))
    assert [failed(close, earlier=earlier) for earlier in (0, 1, 2)] == [[], [], ["better"]]


def test_every_failed_check_is_a_reason() -> None:
    bad = replace(SEEN, log_loss=Measure(0.5, 0.45, 0.01), auc=Measure(0.5, 0.65, 0.01), cost=Measure(0.2, 0.12, 0.01))
    decided = gate.decide(bad)
    assert failed(bad) == ["better", "cost", "ROC-AUC"]
    assert len(decided.reasons) == 3
    assert all(reason in gate_outcome.report(decided) for reason in decided.reasons)


def test_an_unknown_training_window_is_told_as_a_limit() -> None:
    limits = gate.decide(replace(SEEN, champion=replace(MODEL, window=None))).limits
    assert any("the champion's training window is not in unix seconds" in limit for limit in limits)


measures = st.builds(Measure, st.floats(0, 2), st.floats(0, 2), st.none() | st.floats(0, 1))


@given(measures, measures, measures)
def test_whatever_is_measured_a_pass_has_evidence_and_a_refusal_has_reasons(a: Measure, b: Measure, c: Measure) -> None:
    decided = gate.decide(replace(SEEN, log_loss=a, cost=b, pr_auc=c))
    assert decided.passed == (not decided.reasons)
    if decided.passed:
        assert a.interval(0.025, 50)[1] < 0


@given(measures)
def test_more_loss_never_turns_a_refusal_into_a_pass(measure: Measure) -> None:
    worse = replace(measure, challenger=measure.challenger + 0.1)
    if gate.decide(replace(SEEN, log_loss=worse)).passed:
        assert gate.decide(replace(SEEN, log_loss=measure)).passed


def test_an_outcome_and_a_comparison_survive_the_ledger() -> None:
    decided = gate.decide(replace(SEEN, missing=Measure(0.5, 0.5, None)))
    assert codec.loads(gate_outcome.Outcome, codec.dumps(decided)) == decided
    assert "Infinity" not in codec.dumps(decided), "other readers know no such number"
    assert codec.loads(Comparison, codec.dumps(SEEN)) == SEEN


@pytest.mark.parametrize("wrong", [{"alpha": 0.5}, {"least_rows": 1}, {"slice_margin": -1.0}, {"latency_ratio": 0.5}])
def test_settings_that_make_no_sense_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]


def test_a_measure_that_is_no_number_is_refused_at_the_edge() -> None:
    broken = codec.encode(SEEN) | {"auc": {"challenger": float("nan"), "champion": 0.5, "error": None}}
    with pytest.raises(codec.Malformed, match=r"auc\.challenger: a measure must be finite"):
        codec.decode(Comparison, broken)
