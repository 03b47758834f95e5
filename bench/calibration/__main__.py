"""python -m bench.calibration [--quick]: prints the tables, writes out/bench/calibration.json, fails under the bar."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from bench.calibration import run, tables
from bench.calibration.bar import bars
from bench.calibration.families import FAMILIES, MINUTES
from bench.calibration.rules import RULES
from bench.calibration.unseen import UNSEEN
from slipway.evidence import SETTLED_AFTER

OUT = Path("out/bench")
RUNS, QUICK_RUNS = 400, 40  # labels, and at 1 request/s also traffic when quick, make do with half: they take longest


def main() -> int:
    args, began = _arguments(), time.monotonic()
    families = args.only or list(UNSEEN if args.unseen else FAMILIES)
    slow = args.runs // 2 if args.quick else args.runs
    runs = {rate: args.runs if rate == max(MINUTES) else slow for rate in args.rates}
    rows = _watched(run.traffic_rows(families, runs, args.rules, args.jobs), len(args.rules))
    quality = []
    if not (args.unseen or args.only):
        quality = list(run.quality_rows(dict.fromkeys(args.rates, args.runs // 2), args.jobs))
    for row in rows:
        row["over_information_limit"] = tables.over_limit(row)
    reached = bars(rows, quality, unseen=args.unseen)
    print("\n\n".join(filter(None, (tables.traffic_tables(rows), tables.quality_tables(quality)))))
    print(f"\n{tables.limit_line(rows)}")
    print(
        "Minutes and requests are counted to the end of the last minute a decision rests on. "
        f"Ours acts {SETTLED_AFTER / 60:g} minutes later, once that minute has settled; the others at once."
    )
    missed = [bar for bar in reached if not bar.met]
    print(f"\n{len(reached) - len(missed)} of {len(reached)} bars met, {args.runs} runs a cell")
    for bar in missed:
        print(f"  missed: {bar.what}: wanted {bar.wanted}, found {bar.found}")
    report = {"runs": args.runs, "seconds": round(time.monotonic() - began), "rows": rows, "quality": quality}
    path = OUT / ("calibration-unseen.json" if args.unseen else "calibration.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report | {"bars": [asdict(bar) for bar in reached]}, indent=2) + "\n")
    print(path)
    # Few runs are noisy: only the full bench fails.
    return 1 if missed and args.runs >= RUNS else 0


def _watched(rows: Iterable[dict], each: int) -> list[dict]:
    """All rows; on a terminal, with the family just done."""
    found = []
    for row in rows:
        found.append(row)
        if len(found) % each == 0 and sys.stderr.isatty():
            print(f"{row['rate']:g}/s {row['family']}", file=sys.stderr)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: a look, not a measurement")
    parser.add_argument("--runs", type=int, help=f"of each family at each rate (default {RUNS})")
    parser.add_argument("--unseen", action="store_true", help="the families nobody tuned on; look once, at the end")
    parser.add_argument("--only", type=_names(FAMILIES | UNSEEN), help="families, comma-separated")
    parser.add_argument("--rules", type=_names(RULES), default=list(RULES), help="rules, comma-separated")
    parser.add_argument("--rates", type=_rates, default=list(MINUTES), help="requests/s, comma-separated")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    args.runs = args.runs or (QUICK_RUNS if args.quick else RUNS)
    return args


def _names(known: dict[str, object]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is unknown; use some of: {'; '.join(known)}")
        return names

    return parse


def _rates(text: str) -> list[float]:
    rates = [float(rate) for rate in text.split(",")]
    for rate in rates:
        if rate not in MINUTES:
            raise argparse.ArgumentTypeError(f"{rate:g} is unknown; use some of {', '.join(f'{r:g}' for r in MINUTES)}")
    return rates


if __name__ == "__main__":
    sys.exit(main())
