"""What the judge says, with its numbers."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """In strict precedence: a doubt about validity never masks a rollback, and only the last one advances."""

    HARD_STOP = "HARD_STOP"  # roll back now
    REGRESSION = "REGRESSION"  # roll back
    INVALID = "INVALID"  # hold and page: what was measured can't be trusted
    NO_DATA = "NO_DATA"  # hold: nothing was measured
    SUSPECT = "SUSPECT"  # page, and go on: a person should look
    UNDECIDED = "UNDECIDED"  # go on as is
    NON_INFERIOR = "NON_INFERIOR"  # advance


ROLLS_BACK = (Decision.HARD_STOP, Decision.REGRESSION)
HOLDS = (Decision.INVALID, Decision.NO_DATA)
TELLS = (*HOLDS, Decision.SUSPECT)


@dataclass(frozen=True)
class Finding:
    """One guardrail's part. `harm` and `safe` are e-values for "worse" and "not worse"; harm acts at `bar`."""

    guardrail: str
    candidate: float | None
    baseline: float | None
    harm: float
    safe: float
    bar: float
    says: str


@dataclass(frozen=True)
class Lift:
    """One outcome of users, compared at one look; means in the outcome's own unit.

    difference: of the means, candidate - baseline, and relative: over the baseline's mean; each (low, estimate, high),
    valid however often one looks, at 1 - level; None where nothing is known. p_value: of no difference, always-valid;
    significant at `level`, which is the outcome's share of alpha.
    """

    outcome: str
    level: float
    candidate: float
    baseline: float
    candidate_n: int
    baseline_n: int
    difference: tuple[float, float, float] | None = None
    relative: tuple[float, float, float] | None = None
    p_value: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """needs: what only people can bring, where nothing else keeps the release from advancing."""

    decision: Decision
    reason: str
    findings: tuple[Finding, ...]
    at: float
    needs: str = ""
    lifts: tuple[Lift, ...] = ()


def strongest(decisions: list[Decision]) -> Decision:
    order = list(Decision)
    return min(decisions, key=order.index)
