"""When a story of drift counts as told as expected."""

from dataclasses import replace

import pytest

from sandbox.demo.drift_told import DriftTold
from sandbox.demo.drifts import DRIFTS

UNITS = DriftTold(
    DRIFTS["drift-units"],
    remedy="REPAIR_DATA",
    cause="units",
    blocked=True,
    retraining="NOT RETRAINING: fraud: data fault",
    detected_after=9.0,
    over_after=12.0,
)
CONCEPT = DriftTold(
    DRIFTS["drift-concept"],
    remedy="RETRAIN",
    cause="concept",
    retraining="WAITING: fraud retraining: 60 %",
    detected_after=80.0,
    over_after=90.0,
)


def test_the_right_cause_remedy_and_answer_and_an_end_are_good() -> None:
    assert UNITS.good
    assert CONCEPT.good
    assert DriftTold(DRIFTS["drift-none"], remedy="NOTHING").good


@pytest.mark.parametrize(
    "wrong",
    [
        {"remedy": "RETRAIN"},
        {"cause": "distribution"},
        {"blocked": False},
        {"retraining": "RETRAINING: fraud"},
        {"retraining": ""},
        {"over_after": None},
        {"unexpected": ["an alarm before anything happens"]},
    ],
)
def test_anything_else_is_not(wrong: dict[str, object]) -> None:
    assert not replace(UNITS, **wrong).good


def test_what_calls_for_a_retraining_must_not_be_refused_one() -> None:
    assert not replace(CONCEPT, retraining="NOT RETRAINING: fraud: cooldown").good


@pytest.mark.parametrize("wrong", [{"remedy": "RETRAIN"}, {"unexpected": ["ALARM feature"]}])
def test_silence_is_broken_by_any_alarm(wrong: dict[str, object]) -> None:
    assert not replace(DriftTold(DRIFTS["drift-none"], remedy="NOTHING"), **wrong).good
