"""Outcomes: what came of a user's request, as named numbers that users report, and what an A/B test makes of them.

Sums are whole numbers of millionths, so they add in any order, exactly, in DynamoDB's 38 digits too: a billion reports
of the greatest size fit.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from slipway.names import BASELINE, CANDIDATE
from slipway.stats.means import LEAST_PER_VARIANT, asymptotic
from slipway.verdict import Lift

UNIT = 10**6
MOST_VALUE = 1e6  # either way; report larger ones in thousands
MOST_OUTCOMES = 8
PREFIX = "outcomes"
# Kohavi, Deng, Longbotham & Xu 2014, "Seven rules of thumb for web site experimenters", rule 7: the mean of a skewed
# number is about normal from 355 times its squared skewness on.
NORMAL_FROM = 355
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


class Role(StrEnum):
    PRIMARY = "primary"  # must be shown to be better
    GUARDRAIL = "guardrail"  # must not be shown to be worse
    WATCHED = "watched"  # is only reported


@dataclass(frozen=True)
class OutcomeRule:
    """One outcome that a plan compares.

    name: as in the `outcomes` of ground truth. alpha_share: part of the alpha that all outcomes share. planned: reports
    of both variants together at which its interval is to be tightest.
    """

    name: str
    better: Better = Better.HIGHER
    role: Role = Role.PRIMARY
    alpha_share: float = 1.0
    planned: int = 100_000

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"name: a letter, then at most 39 letters, digits and underscores, not {self.name!r}")
        if not 0 < self.alpha_share <= 1:
            raise ValueError(f"alpha_share: more than 0 and at most 1, got {self.alpha_share}")
        if self.planned < 2 * LEAST_PER_VARIANT:
            raise ValueError(f"planned: at least {2 * LEAST_PER_VARIANT}, got {self.planned}")


def check(rules: tuple[OutcomeRule, ...], needed: bool) -> None:
    """Whether a plan's rules go together; needed: one of its steps has the goal `superior`. Raises ValueError."""
    if needed and not rules:
        raise ValueError('outcomes: a step has the goal superior, so name one, such as [{"name": "revenue"}]')
    if rules and not needed:
        raise ValueError("outcomes: no step has the goal superior, so nothing would compare them")
    if len(rules) > MOST_OUTCOMES or len({rule.name for rule in rules}) < len(rules):
        raise ValueError(f"outcomes: at most {MOST_OUTCOMES}, each once")
    if rules and sum(rule.role is Role.PRIMARY for rule in rules) != 1:
        raise ValueError("outcomes: exactly one is primary; give the others the role guardrail or watched")
    if (spent := sum(rule.alpha_share for rule in rules)) > 1 + 1e-9:
        raise ValueError(f"outcomes: the alpha shares sum to {spent:g}; at most 1 can be spent")


def is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_value(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_VALUE


@dataclass(frozen=True)
class Sample:
    """One variant's reports of one outcome. total, squares: in millionths, and their squares; cubes: in millionths."""

    n: int = 0
    total: int = 0
    squares: int = 0
    cubes: int = 0

    @classmethod
    def of(cls, value: float) -> "Sample":
        units = round(value * UNIT)
        return cls(1, units, units * units, round(value**3 * UNIT))

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def mean(self) -> float:
        return self.total / self.n / UNIT if self.n else 0.0

    @property
    def variance(self) -> float:
        """Unbiased; 0 of fewer than 2."""
        return (self.n * self.squares - self.total**2) / (self.n * (self.n - 1)) / UNIT**2 if self.n > 1 else 0.0

    @property
    def needed(self) -> float:
        """Reports from which on the mean is about normal."""
        if self.n < LEAST_PER_VARIANT or not self.variance:
            return math.inf
        n, t, cubes = self.n, self.total, self.cubes * UNIT**2
        third = (cubes * n * n - 3 * t * self.squares * n + 2 * t**3) / n**3 / UNIT**3
        return max(LEAST_PER_VARIANT, NORMAL_FROM * third**2 / self.variance**3)


@dataclass(frozen=True)
class OutcomeSums:
    """By variant and outcome."""

    samples: Mapping[tuple[str, str], Sample] = field(default_factory=dict)

    def __add__(self, other: "OutcomeSums") -> "OutcomeSums":
        keys = {**self.samples, **other.samples}
        return OutcomeSums({key: self.of(*key) + other.of(*key) for key in keys})

    def of(self, role: str, name: str) -> Sample:
        return self.samples.get((role, name), Sample())

    def numbers(self) -> dict[str, int | float]:
        """The non-zero numbers by flat names, such as `outcomes.candidate.revenue.total`."""
        return {
            f"{PREFIX}.{role}.{name}.{part}": number
            for (role, name), sample in self.samples.items()
            for part, number in vars(sample).items()
            if number
        }


def report(role: str, values: Mapping[str, float]) -> OutcomeSums:
    """Of what users reported of one request that a variant answered."""
    return OutcomeSums({(role, name): Sample.of(value) for name, value in values.items()})


def from_numbers(numbers: Mapping[str, Any]) -> OutcomeSums:
    """The inverse of `numbers`, of anything `Decimal` takes; other names are left out."""
    parts: dict[tuple[str, str], dict[str, int]] = {}
    for flat, number in numbers.items():
        match flat.split("."):
            case [prefix, role, name, part] if prefix == PREFIX:
                parts.setdefault((role, name), {})[part] = int(Decimal(number))
    return OutcomeSums({key: Sample(**of) for key, of in parts.items()})


def lift(sums: OutcomeSums, rule: OutcomeRule, alpha: float) -> Lift:
    """Candidate against baseline, at the rule's share of alpha: an asymptotic confidence sequence, valid at any look.

    The relative lift and its interval (Fieller's, with the sequence's own quantile) agree with the difference on the
    sign; they are None while the baseline's mean is not clearly above 0.
    """
    c, b, level = sums.of(CANDIDATE, rule.name), sums.of(BASELINE, rule.name), alpha * rule.alpha_share
    seen = Lift(rule.name, level, c.mean, b.mean, c.n, b.n)
    v_c, v_b = (s.variance / s.n if s.n else 0.0 for s in (c, b))
    error = math.sqrt(v_c + v_b)
    if min(c.n, b.n) < 2 or not error:
        return seen
    difference = c.mean - b.mean
    found = asymptotic(difference, error, c.n + b.n, alpha=level, planned=rule.planned)
    low, high = found.interval
    relative = _relative(c.mean, v_c, b.mean, v_b, (high - difference) / error)
    return replace(seen, difference=(low, difference, high), relative=relative, p_value=found.p_value)


def _relative(
    mean_c: float, v_c: float, mean_b: float, v_b: float, quantile: float
) -> tuple[float, float, float] | None:
    """Low, estimate and high of mean_c / mean_b - 1."""
    a, c = mean_b**2 - quantile**2 * v_b, mean_c**2 - quantile**2 * v_c
    if mean_b <= 0 or a <= 0:
        return None
    root = math.sqrt(max(0.0, (mean_b * mean_c) ** 2 - a * c))
    return ((mean_b * mean_c - root) / a - 1, mean_c / mean_b - 1, (mean_b * mean_c + root) / a - 1)
