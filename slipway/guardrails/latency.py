"""Latency: is the candidate slower than the baseline of the same minutes?

Three looks at it. Requests over a threshold that was known before the minute: sensitive to large shifts; a minute
counts for a few requests at most, because the requests of a minute share their host's noise. Medians of blocks of
minutes: sensitive to small shifts that last, see `Blocks`. Medians of single minutes, for what must be shown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from slipway.guardrails.blocks import Blocks, Level, spread
from slipway.guardrails.opinion import Opinion, ms, weigh
from slipway.minutes import Arm, Minute
from slipway.plan import Guardrail
from slipway.stats.exceedance import Exceedance
from slipway.stats.mixture import log_mean
from slipway.stats.rates import Cell
from slipway.verdict import Decision

WARM_UP = 3  # minutes of a step: caches, connections, a just started model
EFFECTIVE = 8.0  # of a minute's requests, or fewer where the baseline drifts
DRIFT_MINUTES = 25.0  # in which a drift is one and the same
LEAST_SPREAD = 0.01
EXCEEDANCE_MARGIN = 0.05
LATE = 0.1
BETS = (0.5, 0.9)
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Latency:
    """threshold: microseconds, from the baseline's last minute; minutes: of the step, with both medians known;
    slower, compared: of those after the warm-up, minutes whose median was beyond what must be shown."""

    exceeding: Exceedance
    blocks: Blocks = field(default_factory=Blocks)
    threshold: float | None = None
    minutes: int = 0
    slower: int = 0
    compared: int = 0
    latest: tuple[float | None, float | None] = (None, None)
    missing: bool = False

    @classmethod
    def start(cls, past: Sequence[Minute] = ()) -> "Latency":
        """past: minutes of the baseline before the release, in time order."""
        exceeding = Exceedance.start(margin=EXCEEDANCE_MARGIN, share=0.45, effective=EFFECTIVE)
        return cls(exceeding, Blocks(baseline=Level.of(past)))

    def next_step(self) -> "Latency":
        return replace(self, minutes=0, slower=0, compared=0, blocks=self.blocks.interrupted())

    def fold(self, minute: Minute, rule: Guardrail) -> "Latency":
        b, c = minute.baseline, minute.candidate
        seen = replace(self, missing=bool(c.requests) and c.p50 is None, latest=(b.p50, c.p50))
        if b.p50 is None or c.p50 is None:
            return seen
        seen = replace(seen, minutes=seen.minutes + 1, threshold=b.p50 + 1000 * rule.floor)
        if seen.minutes <= WARM_UP:
            return seen
        if b.slower is not None and c.slower is not None:
            cell = Cell(c.slower, c.requests, b.slower, b.requests)
            exceeding = replace(seen.exceeding, effective=_effective(b, seen.blocks.baseline.variance))
            seen = replace(seen, exceeding=exceeding.update(cell))
        beyond = c.p50 > b.p50 + max(rule.shown * b.p50, 1000 * rule.floor)
        blocks = seen.blocks.fold(b, c, rule.tolerance, 1000 * rule.floor)
        return replace(seen, compared=seen.compared + 1, slower=seen.slower + beyond, blocks=blocks)


def opinion(seen: Latency, rule: Guardrail, alpha: float, comparable: bool) -> Opinion:
    """comparable: whether both variants answer now; alone at 100 %, only the alarm on p90 watches."""
    harm = log_mean([seen.exceeding.harm.log_e(LATE), seen.blocks.evidence.log_e(LATE)])
    safe = _fair(seen.compared - seen.slower, seen.compared) if comparable else math.inf
    baseline, candidate = seen.latest
    says = (
        f"median {ms(candidate)}, baseline {ms(baseline)}; beyond {rule.shown:.0%} (and {rule.floor:g} ms) in "
        f"{seen.slower} of {seen.compared} minutes, tolerated {rule.tolerance:.0%}"
    )
    enough = seen.compared >= rule.minimum or seen.blocks.closed > 0
    return weigh(rule, alpha, says, candidate=candidate, baseline=baseline, harm=harm, safe=safe, enough=enough)


def complete(seen: Latency) -> Opinion:
    """Requests without a latency: nothing can be compared, and nobody may take that for health."""
    if seen.missing:
        return Opinion(Decision.INVALID, "the candidate has requests but no latency: its metrics are incomplete")
    return Opinion(Decision.NON_INFERIOR, "metrics are complete")


def _effective(baseline: Arm, variance: float) -> float:
    """Requests that a minute counts as at most: so many that drift moves their share over the threshold no more than
    chance does. variance: of the baseline's log median; how a drift moves the share, its density at the threshold says.
    """
    over = (baseline.slower or 0) / max(baseline.requests, 1)
    if not 0 < over < 1:
        return EFFECTIVE
    density = _NORMAL.pdf(_NORMAL.inv_cdf(over)) / max(spread(baseline), LEAST_SPREAD)
    return min(EFFECTIVE, over * (1 - over) / (density**2 * 2 * variance * DRIFT_MINUTES))


def _fair(wins: int, rounds: int) -> float:
    """log e-value against "a minute is a win with a probability of at most one half"."""
    return log_mean([wins * math.log1p(bet) + (rounds - wins) * math.log1p(-bet) for bet in BETS])
