"""A guardrail's opinion, and how an e-value becomes one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.plan import Action, Guardrail
from slipway.stats.mixture import log_sum
from slipway.verdict import Decision, Finding


@dataclass(frozen=True)
class Opinion:
    """needs: what is missing that only people can bring."""

    decision: Decision
    says: str
    finding: Finding | None = None
    needs: str = ""


def weigh(
    rule: Guardrail,
    alpha: float,
    says: str,
    *,
    candidate: float | None,
    baseline: float | None,
    harm: float,
    safe: float,
    enough: bool = True,
) -> Opinion:
    """What log e-values for "worse than tolerated" and "within what must be shown" come to.

    alpha: the release's budget; the rule's share of it bounds the chance of a wrongful rollback. enough: whether the
    rule's least sample was seen; without it, harm is not acted on.
    """
    bar = 1 / (rule.alpha_share * alpha)
    finding = Finding(rule.metric.value, candidate, baseline, _e(harm), _e(safe), round(bar, 1), says)
    if enough and harm >= math.log(bar):
        return Opinion(_ACTS[rule.action], says, finding)
    if safe >= math.log(1 / alpha) or not rule.required:
        return Opinion(Decision.NON_INFERIOR, says, finding)
    return Opinion(Decision.UNDECIDED, says, finding)


def mixed(parts: Sequence[float], *log_es: float) -> float:
    """The log e-value of money divided into parts, each on one of several log e-values against the same null."""
    return log_sum(log_e + math.log(part) for part, log_e in zip(parts, log_es, strict=True))


_ACTS = {Action.ROLL_BACK: Decision.REGRESSION, Action.HOLD: Decision.INVALID, Action.PAGE: Decision.SUSPECT}


def _e(log_e: float) -> float:
    """An e-value that JSON can hold."""
    return round(math.exp(max(min(log_e, 50.0), -50.0)), 4)


def ms(microseconds: float | None) -> str:
    return "no data" if microseconds is None else f"{microseconds / 1000:.1f} ms"


def rate(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
