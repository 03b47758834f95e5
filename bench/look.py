"""python -m bench.look [--quick]: what a look costs, and that it grows neither with traffic nor with history.

A look is `judge.look` with one further minute, and the release it writes into the ledger. Beside it, what one would
reach for instead: scipy's Mann-Whitney test over the raw latencies of the hour, and pandas' medians and error rates of
both variants. Writes out/bench/look.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from slipway import codec, evidence, judge, minutes, plan
from slipway import release as rel
from slipway.minutes import Minute
from slipway.release import Release

OUT = Path("out/bench/look.json")
RATES = (1, 100, 10_000)  # requests/s of both variants
HISTORIES = {"60 minutes": 60, "3 weeks": 30_240}
SHARE, ERRORS, P50_US, LOG_SD = 0.05, 0.005, 100_000.0, 0.5
MOST_ROWS = 2_000_000  # of the comparison; 10,000/s make 36 million an hour
MOST_MS, MOST_GROWTH = 5.0, 2.0  # CPU of a look; of the largest traffic over the smallest


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one look (median), and bytes of the release as the ledger holds it."""

    rate: int
    history: str
    look_ms: float
    state_bytes: int


@dataclass(frozen=True)
class Instead:
    """The same for tests over `rows` of the hour at that rate: CPU milliseconds, and bytes held in memory."""

    rate: int
    rows: int
    mann_whitney_ms: float
    pandas_ms: float
    row_bytes: int


def arm(rng: np.random.Generator, mean: float) -> minutes.Arm:
    requests = int(rng.poisson(mean))
    if not requests:
        return minutes.Arm()
    p50 = P50_US * float(np.exp(rng.normal(0, 1.25 * LOG_SD / np.sqrt(requests))))
    slower = int(rng.binomial(requests, 0.46))
    return minutes.Arm(requests, int(rng.binomial(requests, ERRORS)), p50, 1.9 * p50, slower)


def minute(rng: np.random.Generator, at: int, rate: int) -> Minute:
    return Minute(60.0 * at, arm(rng, 60 * rate * (1 - SHARE)), arm(rng, 60 * rate * SHARE))


def begun(history: list[Minute]) -> Release:
    """A paused release in a canary step that has seen a history."""
    chosen = plan.BUILTIN["canary-without-shadow"]
    fresh = Release("f.1.000000", "f", "p", "c", "b", "b", 1, chosen, 0.0, 0.0, evidence=evidence.begin(chosen))
    placed = rel.in_place(rel.advance(fresh, 0.0, "bench"), 0.0)
    seen = evidence.fold(placed.evidence, history, history[-1].at + 60, chosen)
    return replace(placed, paused=True, evidence=seen)


def cost(rate: int, history: str, looks: int) -> Cost:
    rng, length = np.random.default_rng([7, rate]), HISTORIES[history]
    release, spent = begun([minute(rng, at, rate) for at in range(length)]), []
    for at in range(length, length + looks):
        fresh = minute(rng, at, rate)
        spent.append(_cpu_ms(lambda now=fresh: judge.look(release, [now], now.at + 60 + evidence.SETTLED_AFTER)))
    return Cost(rate, history, float(np.median(spent)), len(codec.dumps(release)))


def instead(rate: int) -> Instead:
    rng = np.random.default_rng([11, rate])
    rows = min(3600 * rate, MOST_ROWS)
    frame = pd.DataFrame(
        {
            "candidate": rng.random(rows) < SHARE,
            "latency": P50_US * np.exp(rng.normal(0, LOG_SD, rows)),
            "failed": rng.random(rows) < ERRORS,
        }
    )
    latency, mine = frame["latency"].to_numpy(), frame["candidate"].to_numpy()
    return Instead(
        rate,
        rows,
        _cpu_ms(lambda: mannwhitneyu(latency[mine], latency[~mine])),
        _cpu_ms(lambda: frame.groupby("candidate").agg({"latency": "median", "failed": "mean"})),
        int(frame.memory_usage(deep=True).sum()),
    )


def _cpu_ms(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return 1e3 * (time.process_time() - started)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.look", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no history of 3 weeks")
    quick = parser.parse_args().quick
    costs = [cost(rate, history, 200) for history in list(HISTORIES)[: 1 if quick else None] for rate in RATES]
    others = {rate: instead(rate) for rate in RATES}
    print("  rate/s  history       look, ms  state, bytes")
    for c in costs:
        print(f"{c.rate:>8,}  {c.history:<12}  {c.look_ms:>8.2f}  {c.state_bytes:>12,}")
    print("\n  rate/s  rows of an hour   Mann-Whitney, looks   pandas, looks   memory, states")
    for c in costs[: len(RATES)]:
        o = others[c.rate]
        cut = "" if o.rows == 3600 * c.rate else f" (of {3600 * c.rate:,})"
        print(
            f"{o.rate:>8,}  {o.rows:>15,}  {o.mann_whitney_ms / c.look_ms:>20.1f}  {o.pandas_ms / c.look_ms:>14.1f}"
            f"  {o.row_bytes / c.state_bytes:>15,.1f}{cut}"
        )
    growth = max(c.look_ms for c in costs) / min(c.look_ms for c in costs)
    within = growth <= MOST_GROWTH and max(c.look_ms for c in costs) <= MOST_MS
    print(f"\nthe dearest look costs {growth:.2f} times the cheapest; {'within' if within else 'NOT within'} the bar")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    report = {"costs": [vars(c) for c in costs], "instead": [vars(o) for o in others.values()], "within": within}
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(OUT)
    return 0 if within or quick else 1


if __name__ == "__main__":
    sys.exit(main())
