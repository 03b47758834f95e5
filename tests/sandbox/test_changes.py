"""What can happen to users' rows and their labels."""

import numpy as np
import pandas as pd
import pytest

from sandbox import changes
from sandbox.demo.drifts import DRIFTS
from slipway.drift.findings import Cause, Remedy
from slipway.drift.verdict import BLOCKING

RNG = np.random.default_rng(3)
ROWS = changes.staffed(
    pd.DataFrame({"V14": RNG.normal(size=4000), "Amount": RNG.exponential(20, 4000), "Class": np.zeros(4000, int)})
)


def test_a_shift_moves_one_feature_by_its_own_deviations_and_no_label() -> None:
    shifted = changes.shifted("V14", 2.0)(ROWS)
    assert shifted["V14"].mean() == pytest.approx(ROWS["V14"].mean() + 2 * ROWS["V14"].std())
    pd.testing.assert_frame_equal(shifted.drop(columns="V14"), ROWS.drop(columns="V14"))


def test_another_unit_multiplies_every_value() -> None:
    assert (changes.multiplied("Amount", 100.0)(ROWS)["Amount"] == 100 * ROWS["Amount"]).all()


def test_the_concept_changes_in_its_segment_at_fixed_inputs() -> None:
    turned = changes.turned("Amount", 30.0, 0.3)(ROWS)
    large = ROWS["Amount"] > 30
    assert turned.loc[large, "Class"].mean() == pytest.approx(0.3, abs=0.06)
    assert not turned.loc[~large, "Class"].any()
    pd.testing.assert_frame_equal(turned.drop(columns="Class"), ROWS.drop(columns="Class"))


def test_a_new_policy_shows_in_the_labels_of_the_office_that_adopted_it_alone() -> None:
    told = changes.new_policy("south", 0.1)(ROWS)
    south = told["annotator"] == "south"
    assert set(told.loc[south, "policyVersion"]) == {"2"}
    assert set(told.loc[~south, "policyVersion"]) == {"1"}
    assert told.loc[south, "Class"].mean() == pytest.approx(0.1, abs=0.03)
    assert not told.loc[~south, "Class"].any()


@pytest.mark.parametrize("story", DRIFTS.values(), ids=DRIFTS)
def test_what_a_story_expects_is_in_the_words_of_a_verdict(story) -> None:
    assert story.blocks == (Remedy(story.remedy) in BLOCKING)
    assert {Cause(cause) for cause in story.causes} or story.scenes
    assert sum(map(bool, (story.change, story.fault, story.holdout, story.scenes))) == 1
