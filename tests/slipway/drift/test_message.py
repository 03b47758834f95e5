"""What is news, whom it concerns, and what is told."""

import json
from dataclasses import replace

import pytest

from slipway import names
from slipway.drift import message
from slipway.drift.findings import Cause, Detector, Drift, Finding, Remedy

SHIFT = Finding(Detector.FEATURE, Cause.DISTRIBUTION, "age", 4, 0.21, 0.02, 1e-9, 1e-5, True, "age moved by 0.21")
UNITS = replace(SHIFT, cause=Cause.UNITS, subject="amount", says="amount is 100 times larger")
HINT = replace(SHIFT, subject="height", alarming=False)


def drift(*findings: Finding, remedy: Remedy = Remedy.RETRAIN) -> Drift:
    blocks = remedy is Remedy.REPAIR_DATA
    return Drift(1000.0, 0.0, 900.0, remedy, blocks, ("age moved",), findings, ("1 sigma",), ("uncalibrated",))


QUIET = drift(HINT, remedy=Remedy.NOTHING)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, QUIET, ""),
        (QUIET, QUIET, ""),
        (None, drift(SHIFT), names.DRIFT_DETECTED),
        (QUIET, drift(SHIFT), names.DRIFT_DETECTED),
        (drift(SHIFT), drift(SHIFT), ""),
        (drift(SHIFT), drift(SHIFT, replace(SHIFT, subject="height")), ""),
        (drift(SHIFT), drift(SHIFT, UNITS), names.DRIFT_DETECTED),
        (drift(SHIFT), drift(SHIFT, remedy=Remedy.REPAIR_DATA), names.DRIFT_DETECTED),
        (drift(SHIFT, UNITS), drift(SHIFT), ""),
        (drift(SHIFT), QUIET, names.DRIFT_ENDED),
    ],
)
def test_news_is_a_further_cause_another_remedy_or_an_end(before: Drift | None, after: Drift, expected: str) -> None:
    assert message.news(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "concerns"),
    [
        (None, drift(SHIFT), True),
        (None, drift(SHIFT, remedy=Remedy.NOTHING), False),
        (drift(SHIFT), QUIET, True),
        (drift(SHIFT, remedy=Remedy.NOTHING), QUIET, False),
    ],
)
def test_people_hear_of_what_has_a_remedy_and_of_its_end(before: Drift | None, after: Drift, concerns: bool) -> None:
    assert message.concerns_people(before, after) is concerns


def test_the_subject_says_what_to_do_first() -> None:
    told = drift(UNITS, SHIFT, remedy=Remedy.REPAIR_DATA)
    assert message.subject("fraud", "baseline", names.DRIFT_DETECTED, told) == (
        "REPAIR DATA: fraud baseline drifts: units, distribution"
    )
    assert message.subject("fraud", "baseline", names.DRIFT_ENDED, QUIET) == "DRIFT OVER: fraud baseline"


def test_the_body_names_reasons_evidence_power_and_limits_and_nothing_that_is_not_alarming() -> None:
    body = message.body("fraud", "baseline", "7", drift(SHIFT, HINT), "s3://b/k")
    for told in ("age moved", "s3://b/k", "docs/runbooks/drift.md", "1 sigma", "uncalibrated", "not blocked"):
        assert told in body
    assert "height" not in body
    assert "blocked until this is settled" in message.body("fraud", "b", "7", drift(remedy=Remedy.REPAIR_DATA), "")


def test_an_event_holds_what_is_alarming_and_is_of_bounded_size() -> None:
    many = drift(*(replace(SHIFT, subject=f"f{i}") for i in range(100)), HINT)
    detail = message.detail("fraud", "baseline", "7", many, "s3://b/k")
    assert len(detail["findings"]) == message.MOST_FINDINGS
    assert (detail["remedy"], detail["findings"][0]["cause"]) == ("RETRAIN", "distribution")


def test_effects_are_those_of_the_named_features() -> None:
    assert message.effects(["age", "height"], drift(SHIFT, HINT, UNITS)) == {"age": 0.21, "height": 0.0}


def test_thousands_of_reasons_still_fit_an_event_and_a_mail() -> None:
    reasons = tuple(f"feature {n}: {'x' * 900}" for n in range(3000))
    told = replace(drift(SHIFT), reasons=reasons)
    detail = message.detail("fraud", "baseline", "7", told, "s3://bucket/drift.json")
    assert len(json.dumps(detail)) < 200_000 and detail["reasons"][-1] == "and 2,900 more"
    assert len(message.body("fraud", "baseline", "7", told, "s3://bucket/drift.json").encode()) < 200_000
