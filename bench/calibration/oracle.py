"""python -m bench.calibration.oracle: how soon could anybody find that errors rise from .5 to 2 % at 100 requests/s?

Wald's sequential test, told both rates, or told their ratio and left to condition on who failed, at a look a minute on
the bench's own traffic; and one test at a size fixed beforehand. Nothing that holds the same alpha does better on
average.
"""

import sys
from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from bench.calibration.decisions import NEVER, Cell, Decisions, first
from bench.calibration.run import BATCH, Task, traffic
from bench.calibration.traffic import BASE_ERRORS, Traffic
from slipway.guardrails.errors import LEAST_MINUTES
from slipway.plan import GUARDRAILS
from slipway.stats.fixed import information_limit

FAMILY, RATE, WORSE, WITHIN = "errors 2 %", 100.0, 0.02, 1500
BATCHES = 50
RULE = GUARDRAILS[0]
ALPHA = 0.05


@dataclass(frozen=True)
class Wald:
    """tolerance: ratio of the rates under the null; alpha: of the test; known: both rates, or else only their ratio."""

    tolerance: float
    alpha: float
    known: bool
    least_minutes: int = 1

    def __str__(self) -> str:
        told = "both rates" if self.known else "their ratio"
        least = f", {self.least_minutes} minutes" if self.least_minutes > 1 else ""
        return f"told {told}, tolerated {self.tolerance:g} times, alpha {self.alpha:g}{least}"

    def decide(self, seen: Traffic) -> Decisions:
        c, b, null = seen.candidate, seen.baseline, self.tolerance * BASE_ERRORS
        if self.known:
            gains = c.errors * np.log(WORSE / null) + (c.requests - c.errors) * np.log((1 - WORSE) / (1 - null))
        else:
            odds = c.requests / b.requests
            low, high = (r * odds / (1 + r * odds) for r in (self.tolerance, WORSE / BASE_ERRORS))
            gains = c.errors * np.log(high / low) + b.errors * np.log((1 - high) / (1 - low))
        enough = gains.cumsum(axis=1) >= np.log(1 / self.alpha)
        enough[:, : self.least_minutes - 1] = False
        return Decisions(first(enough), np.full(seen.runs, NEVER))


def main() -> int:
    seen = [traffic(Task(FAMILY, RATE, batch, BATCH, ())) for batch in range(BATCHES)]
    spent = RULE.alpha_share * ALPHA
    print(
        f"{FAMILY} at {RATE:g}/s, {BATCHES * BATCH} runs: mean candidate requests / information limit; by {WITHIN:,}\n"
    )
    for tolerance, alpha in ((RULE.tolerance, spent), (RULE.tolerance, ALPHA), (1.0, spent), (1.0, ALPHA)):
        for test in (Wald(tolerance, alpha, True), Wald(tolerance, alpha, False)):
            _show(test, seen)
        _show(Wald(tolerance, alpha, False, LEAST_MINUTES), seen)
    chance = WITHIN * BASE_ERRORS * RULE.tolerance
    least = poisson.isf(spent, chance) + 1
    power = poisson.sf(least - 1, WITHIN * WORSE)
    print(f"one look after {WITHIN:,}, tolerated {RULE.tolerance:g} times, alpha {spent:g}: {power:.1%}")
    return 0


def _show(test: Wald, seen: list[Traffic]) -> None:
    cell = Cell.joined([Cell.of(test.decide(part), part) for part in seen])
    mean = float(cell.exposed[cell.rolled_back].mean())
    limit = information_limit(BASE_ERRORS * test.tolerance, WORSE, test.alpha)
    within = (cell.rolled_back & (cell.exposed <= WITHIN)).mean()
    print(f"{test!s:<68} {mean:>5.0f} / {limit:.0f} = {mean / limit:.2f}  {within:.1%}")


if __name__ == "__main__":
    sys.exit(main())
