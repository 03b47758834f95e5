"""python -m bench.gate [--quick]: prints two tables, fails if equal models pass more often than alpha says."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.gate import bank, equal
from slipway import codec, gate
from slipway.comparison import Comparison

MONTHS = [f"{year}-{month:02}" for year in (2008, 2009, 2010) for month in range(1, 13)]
WINDOWS = [("2008-10", "2009-01"), *((since, MONTHS[MONTHS.index(since) + 3]) for since in MONTHS[12:33])]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description="What the gate lets through.")
    parser.add_argument("--quick", action="store_true", help="few runs: a look, not a measurement")
    runs = 300 if parser.parse_args().quick else 2000
    print(f"Equal models passed as better ({runs} holdouts of {equal.ROWS:,} rows; one look may pass 2.5 %)")
    rates = {family: _rate(family, runs) for family in equal.FAMILIES}
    print("\nRetraining on a quarter of the bank's stream; champion of 2008-05 to 2008-08; holdout: its last 30 %")
    with tempfile.TemporaryDirectory() as folder:
        _bank(Path(folder))
    worst = max(rates.values())
    error = 3 * (0.025 * 0.975 / runs) ** 0.5
    print(f"\nworst rate {worst:.4f}, bar 0.025 + 3 standard errors = {0.025 + error:.4f}")
    return int(worst > 0.025 + error)


def _rate(family: str, runs: int) -> float:
    rng = np.random.default_rng(2026)
    rate = sum(equal.passed(family, rng) for _ in range(runs)) / runs
    print(f"  {family:20} {rate:.4f}", flush=True)
    return rate


def _bank(folder: Path) -> None:
    stream = bank.stream()
    champion = bank.model(bank.between(stream, "2008-05", "2008-09"), folder / "champion")
    for since, until in WINDOWS:
        found = bank.compared(champion, bank.between(stream, since, until), folder / since)
        seen = codec.decode(Comparison, found)
        decided = gate.decide(seen)
        numbers = f"{seen.holdout.rows:>5,} rows  ROC-AUC {seen.auc.champion:.2f} -> {seen.auc.challenger:.2f}"
        numbers += f"  log-loss {seen.log_loss.champion:.3f} -> {seen.log_loss.challenger:.3f}"
        failed = ", ".join(sorted({check.name for check in decided.checks if not check.passed}))
        print(f"  {since} to {until}  {numbers}  {'passed' if decided.passed else f'refused: {failed}'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
