"""One test at one scale, and whether what it saw has ended since."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slipway.drift.deviation import Deviation


@dataclass(frozen=True)
class Candidate:
    """effect: at least 0, in the floor's unit. value: with its sign. over: newer windows show it no more.
    gross: more than chance among the rows, and far beyond all that any window of the baseline did."""

    scale: int
    effect: float
    floor: float
    p_value: float
    bar: float
    value: float = 0.0
    over: bool = False
    gross: bool = False

    @property
    def alarming(self) -> bool:
        return (self.p_value <= self.bar or self.gross) and self.effect >= self.floor and not self.over

    @property
    def strength(self) -> tuple[bool, float, float]:
        """Alarming before quiet, then by evidence, then by effect."""
        return (self.alarming, -self.p_value / self.bar, self.effect)


def test(newest: Callable[[int], Deviation | None], scales: Iterable[int], floor: float, bar: float) -> list[Candidate]:
    """A candidate for each scale at which there is something to see; newest: the deviation of so many windows."""
    found: list[Candidate] = []
    seen: list[Deviation] = []
    for scale in scales:
        deviation = newest(scale)
        if deviation is None:
            continue
        p_value = deviation.p_value
        over = p_value <= bar and ended(deviation, seen)
        found.append(Candidate(scale, abs(deviation.value), floor, p_value, bar, deviation.value, over))
        seen.append(deviation)
    return found


def ended(deviation: Deviation, newer: Iterable[Deviation]) -> bool:
    """Whether newer windows alone, where they are enough to see it, show (almost) nothing of it any more."""
    third = abs(deviation.value) / 3
    return any(part.error < third and abs(part.value) < third for part in newer)


def strongest(candidates: Iterable[Candidate]) -> Candidate | None:
    return max(candidates, key=lambda candidate: candidate.strength, default=None)
