"""Many hypotheses: family-wise error, false discovery rate, and hypotheses that arrive one after another.

Batch: Holm 1979; Benjamini & Hochberg 1995; e-BH (Wang & Ramdas 2022). Online: LORD++ (Ramdas, Yang, Wainwright &
Jordan 2017), SAFFRON (2018), ADDIS (Tian & Ramdas 2019), e-LOND (Xu & Ramdas 2024).
e-BH promises nothing for the running maximum of an e-process (arXiv:2501.19360): an action that latches, such as a
rollback, needs E >= m / alpha instead.
"""

import math
from collections.abc import Callable, Sequence

from slipway.stats import arguments


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Rejections, in the order given; holds the family-wise error rate under any dependence."""
    _check(p_values, alpha)
    m, rejected = len(p_values), [False] * len(p_values)
    for rank, i in enumerate(sorted(range(m), key=p_values.__getitem__)):
        if p_values[i] > alpha / (m - rank):
            break
        rejected[i] = True
    return rejected


def benjamini_hochberg(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Rejections; holds the false discovery rate for independent (or positively dependent) p-values, at one look."""
    _check(p_values, alpha)
    m, ordered = len(p_values), sorted(p_values)
    most = max((p for rank, p in enumerate(ordered, 1) if p <= alpha * rank / m), default=-1.0)
    return [p <= most for p in p_values]


def e_benjamini_hochberg(log_e_values: Sequence[float], alpha: float) -> list[bool]:
    """Rejections from log e-values; holds the false discovery rate under any dependence."""
    _check_e(log_e_values, alpha)
    m, ordered = len(log_e_values), sorted(log_e_values, reverse=True)
    needed = math.log(m / alpha) if m else 0.0
    least = min((e for rank, e in enumerate(ordered, 1) if e >= needed - math.log(rank)), default=math.inf)
    return [e >= least for e in log_e_values]


def lord_plus_plus(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Rejections of hypotheses in order of arrival; each depends on earlier ones only. Independent p-values."""
    _check(p_values, alpha)
    rejected_at: list[int] = []
    for t, p in enumerate(p_values, 1):
        if p <= _level(_lord_weight, [t, *(t - tau for tau in rejected_at)], alpha / 10, alpha):
            rejected_at.append(t)
    return [t in rejected_at for t in range(1, len(p_values) + 1)]


def saffron(p_values: Sequence[float], alpha: float, *, candidate: float = 0.5) -> list[bool]:
    """ADDIS without discarding: p-values over `candidate` cost no alpha."""
    return addis(p_values, alpha, candidate=candidate, discard=1.0)


def addis(p_values: Sequence[float], alpha: float, *, candidate: float = 0.25, discard: float = 0.5) -> list[bool]:
    """Rejections in order of arrival. p-values over `discard` are skipped, those over `candidate` cost no alpha."""
    _check(p_values, alpha)
    arguments.share("candidate", candidate)
    if not candidate < discard <= 1:
        raise ValueError(f"discard must lie above candidate and be at most 1, not {discard!r}")
    clock = 0  # of p-values kept but no candidates: alpha is spent by its ticks alone
    clock_at = [0]
    decisions = []
    for p in p_values:
        wealth = _level(_power_weight, [1 + clock - then for then in clock_at], alpha / 2, alpha)
        decisions.append(p <= min(candidate, (discard - candidate) * wealth))
        clock += candidate < p <= discard
        if decisions[-1]:
            clock_at.append(clock)
    return decisions


def e_lond(log_e_values: Sequence[float], alpha: float) -> list[bool]:
    """Rejections from log e-values in order of arrival; holds the false discovery rate under any dependence."""
    _check_e(log_e_values, alpha)
    decisions: list[bool] = []
    for t, log_e in enumerate(log_e_values, 1):
        level = alpha * _power_weight(t) * (1 + sum(decisions))
        decisions.append(log_e >= -math.log(level))
    return decisions


def _level(weight: Callable[[int], float], ages: Sequence[int], start: float, alpha: float) -> float:
    """Alpha left for the next hypothesis: `start` spread over all, and what each rejection earned over those since.

    ages[0] counts from the beginning, the others from each rejection.
    """
    earned = [start, alpha - start, *[alpha] * len(ages)]
    return math.fsum(share * weight(age) for share, age in zip(earned, ages, strict=False))


def _lord_weight(j: int) -> float:
    return 0.07720838 * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j))))


def _power_weight(j: int) -> float:
    """j^-1.6 over zeta(1.6)."""
    return 0.4374901658 * math.pow(j, -1.6)


def _check_e(log_e_values: Sequence[float], alpha: float) -> None:
    arguments.share("alpha", alpha)
    if any(map(math.isnan, log_e_values)):
        raise ValueError("log_e_values must be numbers")


def _check(p_values: Sequence[float], alpha: float) -> None:
    arguments.share("alpha", alpha)
    for p in p_values:
        arguments.fraction("p_values", p)
