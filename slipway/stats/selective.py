"""Lift from logged decisions, when a reward is known only for the action that was taken.

Inverse propensity scores (Horvitz & Thompson 1952), self-normalised (Swaminathan & Joachims 2015), and doubly robust
(Dudík, Langford & Li 2011) with influence-function errors. Decide on doubly robust; show all three.
What no logged policy ever did can't be learnt from its log: then the answer is a refusal, never an extrapolation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.stats import arguments
from slipway.stats.means import NOTHING, Moments, asymptotic
from slipway.stats.result import REAL_LINE, Result

LEAST_OVERLAP = 0.1  # effective sample size / n
LEAST_EFFECTIVE = 100.0
FLOOR = 0.05  # propensities to log with; a weight above 1 / FLOOR is called heavy


@dataclass(frozen=True)
class Decision:
    """One logged decision among K actions, and what two policies would have done.

    action: index taken; reward: seen for it. logged: the probabilities it was drawn with. candidate, baseline: the
    policies' probabilities. predicted: a model's rewards of all actions, fitted on other decisions; empty is no model.
    """

    action: int
    reward: float
    logged: tuple[float, ...]
    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    predicted: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        actions = len(self.logged)
        arguments.within("action", self.action, 0, actions - 1)
        arguments.finite("reward", self.reward)
        for name, policy in (("logged", self.logged), ("candidate", self.candidate), ("baseline", self.baseline)):
            if not (len(policy) == actions and min(policy) >= 0 and abs(math.fsum(policy) - 1) <= 1e-6):
                raise ValueError(f"{name} must be {actions} probabilities that sum to 1, not {policy!r}")
        if self.logged[self.action] == 0:
            raise ValueError("logged must give the action taken a probability above 0")
        if self.predicted and len(self.predicted) != actions:
            raise ValueError(f"predicted must be {actions} rewards, not {len(self.predicted)}")


@dataclass(frozen=True)
class Lift:
    """Value of the candidate's policy - value of the baseline's. Adds in any order.

    With the weights u (candidate) and v (baseline) and the reward r, sums over decisions:
    firsts: u, v, ur, vr. seconds: u^2 r^k, uv r^k, v^2 r^k for k = 0, 1, 2.
    unidentified: probability, summed, of actions that a policy takes and the log never could.
    """

    n: int = 0
    firsts: tuple[float, ...] = (0.0,) * 4
    seconds: tuple[float, ...] = (0.0,) * 9
    doubly_robust: Moments = NOTHING
    unidentified: float = 0.0
    heaviest: float = 0.0

    def update(self, decision: Decision) -> "Lift":
        action, r = decision.action, decision.reward
        u = decision.candidate[action] / decision.logged[action]
        v = decision.baseline[action] / decision.logged[action]
        powers = (1.0, r, r * r)
        one = Lift(
            1,
            (u, v, u * r, v * r),
            tuple(weight * power for weight in (u * u, u * v, v * v) for power in powers),
            Moments.of([_doubly_robust(decision, u - v)]),
            max(_unidentified(decision.candidate, decision.logged), _unidentified(decision.baseline, decision.logged)),
            max(u, v),
        )
        return self + one

    def __add__(self, other: "Lift") -> "Lift":
        return Lift(
            self.n + other.n,
            tuple(a + b for a, b in zip(self.firsts, other.firsts, strict=True)),
            tuple(a + b for a, b in zip(self.seconds, other.seconds, strict=True)),
            self.doubly_robust + other.doubly_robust,
            self.unidentified + other.unidentified,
            max(self.heaviest, other.heaviest),
        )

    @property
    def effective_sample_sizes(self) -> tuple[float, float]:
        """(sum w)^2 / sum w^2 under the candidate's and under the baseline's policy."""
        u, v = self.firsts[:2]
        uu, vv = self.seconds[0], self.seconds[6]
        return (u * u / uu if uu else 0.0, v * v / vv if vv else 0.0)

    def ips(self, *, alpha: float, planned: int) -> Result:
        """Inverse propensity score. H0 here and below: no lift, two-sided."""
        total = self.firsts[2] - self.firsts[3]
        squares = self.seconds[2] - 2 * self.seconds[5] + self.seconds[8]
        return self._mean(Moments(self.n, total, squares), alpha, planned)

    def dr(self, *, alpha: float, planned: int) -> Result:
        """Doubly robust: right if the propensities are, and precise if `predicted` is."""
        return self._mean(self.doubly_robust, alpha, planned)

    def snips(self, *, alpha: float, planned: int) -> Result:
        """Self-normalised: a little biased, less at the mercy of heavy weights."""
        if refusal := self._refusal():
            return refusal
        u, v, ur, vr = self.firsts
        uu0, uu1, uu2, uv0, uv1, uv2, vv0, vv1, vv2 = self.seconds
        c, b = ur / u, vr / v
        candidate = (uu2 - 2 * c * uu1 + c * c * uu0) / (u * u)
        both = (uv2 - (c + b) * uv1 + c * b * uv0) / (u * v)
        baseline = (vv2 - 2 * b * vv1 + b * b * vv0) / (v * v)
        error = math.sqrt(max(0.0, candidate - 2 * both + baseline))
        return asymptotic(c - b, error, self.n, alpha=alpha, planned=planned, limits=self._limits())

    def _mean(self, moments: Moments, alpha: float, planned: int) -> Result:
        if refusal := self._refusal():
            return refusal
        error = math.sqrt(moments.variance / moments.n)
        return asymptotic(moments.mean, error, self.n, alpha=alpha, planned=planned, limits=self._limits())

    def _refusal(self) -> Result | None:
        reason = None
        smallest = min(self.effective_sample_sizes)
        if self.unidentified > 0:
            reason = f"not identified: {self.unidentified / self.n:.1%} of a policy's decisions were never logged"
        elif smallest < LEAST_EFFECTIVE or smallest < LEAST_OVERLAP * self.n:
            reason = f"poor overlap: {self.n} decisions weigh as much as {smallest:.0f}"
        return Result(None, REAL_LINE, None, 1.0, self.n, (reason,)) if reason else None

    def _limits(self) -> tuple[str, ...]:
        return (f"heaviest weight {self.heaviest:.0f}",) if self.heaviest > 1 / FLOOR else ()


def _doubly_robust(decision: Decision, weight: float) -> float:
    """The decision's influence value on the lift; `weight` is candidate weight - baseline weight."""
    if not decision.predicted:
        return weight * decision.reward
    model = math.fsum(
        (c - b) * q for c, b, q in zip(decision.candidate, decision.baseline, decision.predicted, strict=True)
    )
    return model + weight * (decision.reward - decision.predicted[decision.action])


def _unidentified(policy: Sequence[float], logged: Sequence[float]) -> float:
    return math.fsum(wanted for wanted, chance in zip(policy, logged, strict=True) if chance == 0)
