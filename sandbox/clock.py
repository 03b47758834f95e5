"""Virtual time: one clock for every sandbox process, `speed` times faster than the wall's.

Processes agree without talking: each computes virtual time from the same three numbers, handed down in the
environment variable SANDBOX_CLOCK.
"""

import os
import time
from dataclasses import dataclass

VARIABLE = "SANDBOX_CLOCK"


@dataclass(frozen=True)
class Clock:
    """Maps real Unix seconds to virtual Unix seconds: `virtual0 + (real - real0) * speed`."""

    speed: float
    real0: float
    virtual0: float

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"a clock's speed must be positive, got {self.speed}")

    def now(self) -> float:
        """The virtual time, in Unix seconds."""
        return self.at(time.time())

    def at(self, real: float) -> float:
        """The virtual time at a real Unix time."""
        return self.virtual0 + (real - self.real0) * self.speed

    def real(self, virtual_seconds: float) -> float:
        """How many real seconds a span of virtual seconds takes."""
        return virtual_seconds / self.speed

    def sleep(self, virtual_seconds: float) -> None:
        """Block for a span of virtual seconds; returns at once when it is not positive."""
        if virtual_seconds > 0:
            time.sleep(self.real(virtual_seconds))

    def to_env(self) -> str:
        """The text that `from_text` reads back; for SANDBOX_CLOCK."""
        return f"{self.speed!r},{self.real0!r},{self.virtual0!r}"


def from_text(text: str) -> Clock:
    """Parse `speed,real0,virtual0`. Raises ValueError on anything else."""
    try:
        speed, real0, virtual0 = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{VARIABLE} must read 'speed,real0,virtual0', got {text!r}") from None
    return Clock(speed, real0, virtual0)


def start(speed: float = 1.0) -> Clock:
    """A clock that agrees with real time now and runs `speed` times as fast from here on."""
    now = time.time()
    return Clock(speed, now, now)


def from_env() -> Clock:
    """The clock that this process was started with; real time where SANDBOX_CLOCK is not set."""
    text = os.environ.get(VARIABLE)
    return from_text(text) if text else Clock(1.0, 0.0, 0.0)
