"""What a rule made of simulated traffic, and the numbers a table shows of it."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from bench.calibration.traffic import Traffic

NEVER = -1


@dataclass(frozen=True)
class Decisions:
    """Per run, the index of the last minute the decision rests on, or NEVER.

    rolled_back: in the whole horizon, whatever was advanced before; advanced: when the step was first found good.
    """

    rolled_back: np.ndarray
    advanced: np.ndarray


Rule = Callable[[Traffic], Decisions]


@dataclass(frozen=True)
class Cell:
    """One rule on one family at one rate; per run.

    rolled_back: not before the fault's onset; early: before it, in error; advanced_first: found good before any
    rollback; minutes, exposed: minutes and candidate requests from the onset to the rollback.
    """

    rolled_back: np.ndarray
    early: np.ndarray
    advanced_first: np.ndarray
    minutes: np.ndarray
    exposed: np.ndarray

    @classmethod
    def of(cls, decisions: Decisions, traffic: Traffic) -> "Cell":
        last, onset = decisions.rolled_back, traffic.onset
        requests = traffic.candidate.requests.cumsum(axis=1)
        before = requests[:, onset - 1] if onset else 0
        exposed = np.take_along_axis(requests, np.maximum(last, 0)[:, None], axis=1)[:, 0] - before
        advanced = (decisions.advanced != NEVER) & ((last == NEVER) | (decisions.advanced < last))
        return cls(last >= onset, (last != NEVER) & (last < onset), advanced, last + 1 - onset, exposed)

    @classmethod
    def joined(cls, cells: list["Cell"]) -> "Cell":
        return cls(*(np.concatenate([getattr(cell, part.name) for cell in cells]) for part in fields(cls)))

    def summary(self) -> dict[str, float | int | None]:
        """Medians are over the runs rolled back."""
        hit = self.rolled_back
        return {
            "runs": len(hit),
            "roll_back": round(float(hit.mean()), 4),
            "early": round(float(self.early.mean()), 4),
            "exposed": int(np.median(self.exposed[hit])) if hit.any() else None,
            "minutes": float(np.median(self.minutes[hit])) if hit.any() else None,
            "within_1500": round(float((hit & (self.exposed <= 1500)).mean()), 4),
            "advanced": round(float(self.advanced_first.mean()), 4),
        }


def first(condition: np.ndarray) -> np.ndarray:
    """Index of each row's first True, or NEVER."""
    return np.where(condition.any(axis=1), condition.argmax(axis=1), NEVER)
