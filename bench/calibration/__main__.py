"""python -m bench.calibration [--quick]: prints the tables and writes out/bench/calibration.json."""

import argparse
import json
import sys
from pathlib import Path

from bench.calibration import run
from bench.calibration.families import FAMILIES, MINUTES
from bench.calibration.rules import RULES

OUT = Path("out/bench/calibration.json")
RUNS, QUICK = 400, 40


def main() -> int:
    args = _arguments()
    runs = args.runs or (QUICK if args.quick else RUNS)
    rows = []
    print(f"{'rate':>5} {'family':<18} {'rule':<24} roll back   exposed minutes advanced first")
    for found in run.cells(args.only, args.rates, args.rules, runs, args.jobs):
        for (family, rate, rule), cell in found.items():
            row = {"family": family, "rate": rate, "rule": rule, **cell.summary()}
            rows.append(row)
            print(_line(row), flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"runs": runs, "rows": rows}, indent=2) + "\n")
    return 0


def _line(row: dict) -> str:
    exposed = "" if row["exposed"] is None else f"{row['exposed']:,}"
    minutes = "" if row["minutes"] is None else f"{row['minutes']:.0f}"
    return (
        f"{row['rate']:>4g}/s {row['family']:<18} {row['rule']:<24} {row['roll_back']:>8.1%} {exposed:>10} {minutes:>7} "
        f"{row['advanced']:>8.1%}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: a look, not a measurement")
    parser.add_argument("--runs", type=int, help="of each family at each rate")
    parser.add_argument("--only", type=_names(FAMILIES), default=list(FAMILIES), help="families, comma-separated")
    parser.add_argument("--rules", type=_names(RULES), default=list(RULES), help="rules, comma-separated")
    parser.add_argument("--rates", type=_rates, default=list(MINUTES), help="requests/s, comma-separated")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    return parser.parse_args()


def _names(known: dict) -> "callable":
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is unknown; use some of {', '.join(known)}")
        return names

    return parse


def _rates(text: str) -> list[float]:
    return [float(rate) for rate in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
