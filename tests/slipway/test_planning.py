"""What is said of a plan before a release."""

import re

import pytest

from slipway import plan, planning
from slipway.__main__ import main
from slipway.planning import Recent

CANARY, TEST = plan.BUILTIN["canary"], plan.BUILTIN["ab-test"]


def test_a_step_too_quiet_to_be_decided_is_said_to_end_in_a_rollback() -> None:
    said = planning.forecast(CANARY, Recent(minutes=1440, requests=1440, errors=7))
    (line,) = [line for line in said.split("; ") if line.startswith("canary 5 %")]
    assert "is rolled back undecided at 24.0 h" in line


def test_no_error_among_few_requests_is_no_rate_of_0() -> None:
    assert Recent(1, 10, 0).error_rate == pytest.approx(0.5 / 11)


def test_at_100_percent_there_is_nothing_to_compare_errors_with() -> None:
    said = planning.forecast(CANARY, Recent(1440, 10**6, 5000))
    assert said.split("; ")[-1].startswith("bake 100 %") and said.endswith("compares no errors")


def lift(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"a lift of ([\d.]+)%", text)]


def test_a_test_finds_the_smaller_lifts_the_longer_it_runs_and_the_more_is_sampled() -> None:
    asked = ["plan", "--plan", "ab-test", "--outcome-mean", "0.05", "--requests-per-second"]
    little, much, sampled = (lift(main([*asked, rate])) for rate in ("0.1", "0.5", "100"))
    assert all(len(lifts) == 2 and lifts[0] > lifts[1] for lifts in (little, much, sampled))
    assert little[0] > much[0] > sampled[0]
    assert sampled == lift(main([*asked, "1000"])), "no more than so many requests a minute are sampled"


def test_a_lift_is_told_in_standard_deviations_where_the_outcome_is_not_known() -> None:
    assert planning.detectable(CANARY, 3.0) == []
    assert all("standard deviations of success" in line for line in planning.detectable(TEST, 3.0))
