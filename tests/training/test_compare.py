import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.gate import bank, equal
from slipway import codec, gate
from slipway.comparison import Comparison
from tests.training.conftest import arguments, table
from training import compare, evaluate, metrics, resample, train


@pytest.fixture(scope="module")
def models(channels, model_dir, tmp_path_factory):
    """A good model and a poor one, both trained up to second 2999."""
    poor = tmp_path_factory.mktemp("poor")
    train.main(arguments(channels, poor, "--num-round", "1"))
    return evaluate.open_artifact(model_dir), evaluate.open_artifact(poor)


@pytest.fixture
def holdout(tmp_path):
    """A thousand later rows."""
    folder = tmp_path / "holdout"
    folder.mkdir()
    rows = table(1000, 5)
    rows.assign(time=rows["time"] + 5000).to_parquet(folder / "rows.parquet")
    return folder


def seen(challenger, champion, holdout, **given) -> Comparison:
    return codec.decode(Comparison, compare.compare(challenger, champion, holdout, time_column="time", **given))


def test_the_gate_reads_what_the_job_writes(models, model_dir, holdout, tmp_path):
    options = ["--challenger", str(model_dir), "--champion", str(model_dir), "--data", str(holdout)]
    compare.main([*options, "--output", str(tmp_path / "out"), "--time-column", "time"])
    found = codec.decode(Comparison, json.loads((tmp_path / "out" / "comparison.json").read_text()))
    assert found.holdout.rows == 1000
    assert found.holdout.since == 5000
    assert found.champion.window == (0.0, 2999.0)
    assert found.log_loss.difference == 0
    assert found.changed == 0
    assert not gate.decide(found).passed, "the same model again is not better"


def test_the_better_model_passes_and_the_poorer_one_is_refused_on_the_same_rows(models, holdout):
    good, poor = models
    assert gate.decide(seen(good, poor, holdout)).passed
    assert "it is worse, with evidence" in gate.decide(seen(poor, good, holdout)).reasons[0]


def test_each_metric_is_that_of_the_metrics_room(models, holdout):
    good, _ = models
    found = seen(*models, holdout)
    rows = pd.read_parquet(holdout / "rows.parquet")
    expected = metrics.all_of(rows["label"], evaluate.measure(good, holdout)[1])
    for name in ("auc", "pr_auc", "log_loss", "brier"):
        assert getattr(found, name).challenger == pytest.approx(expected[name])


def test_the_same_inputs_give_the_same_numbers_whatever_the_order_of_the_rows(models, holdout):
    again = compare.compare(*models, holdout, time_column="time")
    rows = pd.read_parquet(holdout / "rows.parquet")
    rows.sample(frac=1, random_state=1).to_parquet(holdout / "rows.parquet")
    for found in (again, shuffled := compare.compare(*models, holdout, time_column="time")):
        for role in ("challenger", "champion"):
            del found[role]["latency_ms"]
    again["holdout"].pop("sha256"), shuffled["holdout"].pop("sha256")
    assert again == shuffled


def test_costs_are_those_under_which_the_champions_threshold_is_right_unless_given(models, holdout):
    _, poor = models
    threshold = poor.manifest["threshold"]
    assert seen(*models, holdout).costs == (threshold, 1 - threshold)
    found = seen(*models, holdout, costs=(1.0, 5.0))
    labels, scores, _ = evaluate.measure(poor, holdout)
    flagged = scores >= threshold
    mistakes = (flagged & (labels == 0)).sum() + 5 * (~flagged & (labels == 1)).sum()
    assert found.cost.champion == pytest.approx(mistakes / 1000)


def test_cells_are_left_out_only_where_both_models_allow_it(models, channels, holdout, tmp_path):
    assert seen(*models, holdout).missing is None
    train.main(arguments(channels, tmp_path / "open", "--missing-allowed", "a"))
    opened = evaluate.open_artifact(tmp_path / "open")
    found = seen(opened, opened, holdout)
    assert found.missing.challenger > found.log_loss.challenger, "the strongest feature was missing in a tenth"
    assert "it would refuse requests that lack a" in gate.decide(seen(models[0], opened, holdout)).reasons[0]


def test_features_are_sliced_by_value_or_by_thirds_and_every_row_is_in_one_part(models, holdout):
    rows = pd.read_parquet(holdout / "rows.parquet")
    found = seen(*models, holdout).slices
    assert {part.feature for part in found} == {"a", "b", "c", "amount"}
    for name in ("a", "b"):
        parts = [part for part in found if part.feature == name]
        assert sum(part.rows for part in parts) == 1000
        assert sum(part.positives for part in parts) == rows["label"].sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="b"), "the holdout lacks b"),
        (lambda rows: rows.drop(columns="time"), "lacks its time column 'time'"),
        (lambda rows: rows.assign(label=0), "one class only"),
    ],
)
def test_a_holdout_that_can_not_be_used_says_why(models, holdout, change, message):
    change(pd.read_parquet(holdout / "rows.parquet")).to_parquet(holdout / "rows.parquet")
    with pytest.raises(ValueError, match=message):
        compare.compare(*models, holdout, time_column="time")


def delong(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Standard error of the difference of two AUCs on the same rows (DeLong, DeLong & Clarke-Pearson 1988)."""
    parts = []
    for scores in (a, b):
        wins = (scores[labels == 1][:, None] > scores[labels == 0]) + 0.5 * (
            scores[labels == 1][:, None] == scores[labels == 0]
        )
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    by_positive, by_negative = (parts[0][side] - parts[1][side] for side in (0, 1))
    return float(np.sqrt(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)))


def scored(rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = (rng.random(rows) < 0.2).astype(float)
    return labels, *(1 / (1 + np.exp(-(labels + rng.normal(size=rows)))) for _ in range(2))


def test_for_independent_rows_the_bootstrap_of_blocks_is_somewhat_above_delong_and_never_far_below():
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        labels, a, b = scored(2000, rng)
        blocks = resample.Blocks.of(2000, rng)
        found = blocks.bootstrap(*(resample.Ranking.of(labels, scores, blocks).auc for scores in (a, b)))
        ratios.append(found["error"] / delong(labels, a, b))
    assert 1.0 < np.mean(ratios) < 1.25
    assert min(ratios) > 0.75


def test_weights_of_a_resample_count_as_copies_of_the_rows():
    rng = np.random.default_rng(3)
    labels, scores, _ = scored(400, rng)
    scores = scores.round(1)  # ties
    blocks = resample.Blocks.of(400, rng)
    ranking = resample.Ranking.of(labels, scores, blocks)
    counts = blocks.draws[1][0]
    copies = np.repeat(np.arange(400), counts[blocks.of_row])
    assert ranking.auc(counts) == pytest.approx(metrics.auc(labels[copies], scores[copies]))
    expected = metrics.average_precision(labels[copies], scores[copies])
    assert ranking.average_precision(counts) == pytest.approx(expected)


def test_calibration_is_the_mean_gap_of_ten_bins():
    labels, scores = np.array([0.0, 1.0] * 50), np.full(100, 0.7)
    blocks = resample.Blocks.of(100, np.random.default_rng(0))
    assert resample.Calibration.of(labels, scores, blocks).error(np.ones(blocks.count)) == pytest.approx(0.2)


@pytest.mark.parametrize("family", equal.FAMILIES)
def test_equal_models_seldom_pass_as_better_even_where_neighbouring_rows_are_alike(family):
    rng = np.random.default_rng(11)
    assert sum(equal.passed(family, rng) for _ in range(300)) / 300 <= 0.035


@pytest.mark.parametrize("rows", [1, 2, 19, 40, 199, 200, 1007])
def test_blocks_cover_all_rows_evenly_whatever_their_number(rows):
    blocks = resample.Blocks.of(rows, np.random.default_rng(0))
    sizes = np.bincount(blocks.of_row, minlength=blocks.count)
    assert sizes.min() >= min(rows, resample.LEAST_ROWS) - 1
    assert sizes.max() - sizes.min() <= 1
    assert blocks.count % blocks.large == 0
    assert all((draws.sum(axis=1) == blocks.count).all() for draws in blocks.draws)


def test_the_error_of_a_mean_is_never_below_that_of_independent_rows():
    values = np.tile([1.0, -1.0], 500)  # blocks cancel out
    found = resample.Blocks.of(1000, np.random.default_rng(0)).mean(values, np.zeros(1000))
    assert found["error"] == pytest.approx(values.std(ddof=1) / np.sqrt(1000))


@pytest.fixture(scope="module")
def bank_stream():
    return bank.stream()


@pytest.fixture(scope="module")
def champion(bank_stream, tmp_path_factory):
    return bank.model(bank.between(bank_stream, "2008-05", "2008-09"), tmp_path_factory.mktemp("champion"))


def judged(champion, stream, since, until, folder, settings=bank.STOPPED) -> SimpleNamespace:
    found = codec.decode(Comparison, bank.compared(champion, bank.between(stream, since, until), folder, settings))
    return SimpleNamespace(seen=found, decided=gate.decide(found))


@pytest.mark.sandbox
@pytest.mark.parametrize("settings", [bank.STOPPED, ("--num-round", "120")], ids=["stopped early", "not stopped"])
def test_on_the_banks_last_quarter_of_2008_retraining_does_not_help_and_is_refused(
    champion, bank_stream, tmp_path, settings
):
    found = judged(champion, bank_stream, "2008-10", "2009-01", tmp_path, settings)
    assert not found.decided.passed
    assert found.decided.reasons[0].startswith("log-loss")
    assert found.seen.auc.difference > 0, "one aggregate number alone would have let it through"


@pytest.mark.sandbox
def test_retraining_that_overfits_the_banks_last_quarter_of_2008_loses(champion, bank_stream, tmp_path):
    found = judged(champion, bank_stream, "2008-10", "2009-01", tmp_path, ("--num-round", "120"))
    assert "it is worse, with evidence" in found.decided.reasons[0]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2009-04", "2009-07"),
        ("2009-05", "2009-08"),
        ("2009-08", "2009-11"),
        ("2009-12", "2010-03"),
        ("2010-06", "2010-09"),
    ],
)
def test_on_the_banks_quarters_that_reach_may_2009_or_later_retraining_wins_and_passes(
    champion, bank_stream, tmp_path, since, until
):
    found = judged(champion, bank_stream, since, until, tmp_path)
    assert found.decided.passed, found.decided.reasons
    assert found.seen.auc.difference > 0


@pytest.mark.sandbox
def test_a_champion_that_has_seen_the_holdout_is_no_champion_to_compare_with(bank_stream, tmp_path):
    early = bank.model(bank.between(bank_stream, "2008-05", "2009-01"), tmp_path / "champion")
    found = judged(early, bank_stream, "2008-10", "2009-01", tmp_path / "window")
    assert any("it has seen rows it is measured on" in reason for reason in found.decided.reasons)
