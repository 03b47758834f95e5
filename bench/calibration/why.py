"""python -m bench.calibration.why FAMILY [--rate 1] [--runs 20]: what our judge said in each run it rolled back."""

import argparse
import sys

from bench.calibration.decisions import NEVER
from bench.calibration.families import FAMILIES, MINUTES
from bench.calibration.ours import runs
from bench.calibration.run import BATCH, Task, traffic


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.calibration.why", description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--rate", type=float, choices=MINUTES, default=100.0, help="requests/s")
    parser.add_argument("--runs", type=int, default=BATCH, help=f"at most {BATCH}: the first of the bench")
    args = parser.parse_args()
    found = runs(traffic(Task(args.family, args.rate, 0, BATCH, ())))[: args.runs]
    for number, run in enumerate(found):
        if run.rolled_back != NEVER:
            print(f"run {number}, minute {run.rolled_back + 1}: {run.reason}")
    print(f"{sum(run.rolled_back != NEVER for run in found)} of {len(found)} rolled back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
