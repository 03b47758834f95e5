"""What the gate says, with its numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One question. low, high: interval of challenger - champion, None if unknown; margin: tolerated difference."""

    name: str
    passed: bool
    says: str
    challenger: float | None = None
    champion: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None


@dataclass(frozen=True)
class Outcome:
    """reasons: every check that failed. limits: what the numbers can't say."""

    passed: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    limits: tuple[str, ...]


def report(outcome: Outcome) -> str:
    """The outcome first, then every check: plain text for a notification or a file."""
    lines = ["PASSED: better with evidence, and worse nowhere beyond its margin" if outcome.passed else "REFUSED:"]
    lines += [f"- {reason}" for reason in outcome.reasons]
    lines += ["", *(f"{'ok  ' if check.passed else 'FAIL'} {check.name:12} {check.says}" for check in outcome.checks)]
    return "\n".join([*lines, *(f"note {limit}" for limit in outcome.limits)])
