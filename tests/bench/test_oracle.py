"""The bound our errors guardrail is measured against."""

from bench.calibration.decisions import NEVER
from bench.calibration.oracle import Wald
from bench.calibration.run import Task, traffic


def test_a_test_that_is_told_the_rates_finds_them_and_seldom_rolls_back_the_innocent() -> None:
    guilty, innocent = (traffic(Task(name, 100.0, 0, 20, ())) for name in ("errors 2 %", "iid"))
    for known in (True, False):
        test = Wald(1.25, 0.025, known)
        assert (test.decide(guilty).rolled_back != NEVER).all()
        assert (test.decide(innocent).rolled_back != NEVER).sum() <= 2
        later = Wald(1.25, 0.025, known, least_minutes=4).decide(guilty).rolled_back
        assert (later >= test.decide(guilty).rolled_back).all() and later.min() == 3
