"""One test at one scale, and whether what it saw has ended since."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slipway.drift.deviation import Deviation

LEFT = 1 / 3  # of a change, which may seem to be left
GONE = 0.01  # chance that what lasts seems to be less
Block = Callable[[int, int], Deviation | None]  # of the newest so many windows, but for so many newest of them


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


def test(block: Block, scales: Iterable[int], floor: float, bar: float) -> list[Candidate]:
    """A candidate for each scale at which there is something to see."""
    found: list[Candidate] = []
    for scale in scales:
        deviation = block(scale, 0)
        if deviation:
            p_value = deviation.p_value
            over = p_value <= bar and any(
                ended(block(scale, less), block(less, 0), deviation) for less in splits(scale)
            )
            found.append(Candidate(scale, abs(deviation.value), floor, p_value, bar, deviation.value, over))
    return found


def splits(scale: int) -> list[int]:
    """Numbers of newest windows to tell from the older ones of a block: powers of 2, from either end."""
    powers = [1 << i for i in range(scale.bit_length()) if 1 << i < scale]
    return sorted({*powers, *(scale - power for power in powers)})


def ended(older: Deviation | None, newer: Deviation | None, whole: Deviation) -> bool:
    """Whether newer windows alone show (almost) nothing of what the older ones do, and not by chance.

    The older ones without the newer: a block of both, `whole`, shows the less of a change the longer that is over.
    """
    if not (older and newer):
        return False
    return abs(newer.value) < LEFT * abs(older.value) and older.apart(newer, whole.value).p_value < GONE


def strongest(candidates: Iterable[Candidate]) -> Candidate | None:
    return max(candidates, key=lambda candidate: candidate.strength, default=None)
