"""Virtual time is a pure function of real time and three numbers."""

import pytest

from sandbox import clock


def test_virtual_time_runs_speed_times_faster():
    fast = clock.Clock(speed=60, real0=1000, virtual0=5000)
    assert fast.at(1000) == 5000
    assert fast.at(1001) == 5060
    assert fast.real(120) == 2


def test_a_clock_survives_the_environment(monkeypatch):
    made = clock.Clock(speed=0.1 + 0.2, real0=1e9 + 0.123456, virtual0=2e9)
    monkeypatch.setenv(clock.VARIABLE, made.to_env())
    assert clock.from_env() == made


def test_without_the_variable_time_is_real(monkeypatch):
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    real = clock.from_env()
    assert (real.speed, real.at(123.5)) == (1.0, 123.5)


@pytest.mark.parametrize("text", ["60", "60,1", "a,b,c", "0,1,2", "-1,1,2", ""])
def test_a_malformed_clock_is_refused(text):
    with pytest.raises(ValueError, match=r"SANDBOX_CLOCK|speed"):
        clock.from_text(text)


def test_sleeping_is_virtual(monkeypatch):
    slept = []
    monkeypatch.setattr(clock.time, "sleep", slept.append)
    fast = clock.Clock(speed=60, real0=0, virtual0=0)
    fast.sleep(30)
    fast.sleep(-1)
    assert slept == [0.5]
