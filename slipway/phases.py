"""The phases of a release and the moves between them: one table, from which the documentation's diagram is drawn."""

from enum import StrEnum


class Phase(StrEnum):
    CREATED = "CREATED"  # admitted; the endpoint is untouched
    SHADOW = "SHADOW"  # the candidate sees copies of the traffic; its answers go nowhere
    CANARY = "CANARY"  # the candidate answers a share of the users
    BAKE = "BAKE"  # the candidate answers everyone; the baseline stays warm
    SETTLING = "SETTLING"  # decided: the candidate is becoming the baseline
    PROMOTED = "PROMOTED"  # verified: the candidate is the baseline
    ROLLING_BACK = "ROLLING_BACK"  # decided: the candidate is on its way to no traffic
    ROLLED_BACK = "ROLLED_BACK"  # verified: no weight, no candidate invocations, the baseline's config


class IllegalMove(Exception):
    """A move the table does not have: somebody acted on a stale picture."""


# Rolling back stays possible until the baseline is gone, and a decision to roll back is never taken back.
MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.CREATED: frozenset({Phase.SHADOW, Phase.CANARY, Phase.BAKE, Phase.ROLLING_BACK}),
    Phase.SHADOW: frozenset({Phase.CANARY, Phase.BAKE, Phase.ROLLING_BACK}),
    Phase.CANARY: frozenset({Phase.CANARY, Phase.BAKE, Phase.SETTLING, Phase.ROLLING_BACK}),
    Phase.BAKE: frozenset({Phase.SETTLING, Phase.ROLLING_BACK}),
    Phase.SETTLING: frozenset({Phase.PROMOTED, Phase.ROLLING_BACK}),
    Phase.PROMOTED: frozenset(),
    Phase.ROLLING_BACK: frozenset({Phase.ROLLED_BACK}),
    Phase.ROLLED_BACK: frozenset(),
}

# The phases a plan's steps can name: those in which the judge has something to judge.
JUDGED = (Phase.SHADOW, Phase.CANARY, Phase.BAKE)


def check(current: Phase, wanted: Phase) -> None:
    """Raises `IllegalMove` unless the table has the move."""
    if wanted not in MOVES[current]:
        allowed = ", ".join(sorted(MOVES[current])) or "nothing: it has ended"
        raise IllegalMove(f"a release in {current} can't move to {wanted}; it can move to {allowed}")


def ended(phase: Phase) -> bool:
    return not MOVES[phase]


def diagram() -> str:
    """The table as a Mermaid state diagram; `docs/architecture.md` holds it, and a test compares."""
    lines = ["stateDiagram-v2", "    [*] --> CREATED"]
    for phase, moves in MOVES.items():
        lines += [f"    {phase} --> {move}" for move in Phase if move in moves]
        lines += [f"    {phase} --> [*]"] * ended(phase)
    return "\n".join(lines)
