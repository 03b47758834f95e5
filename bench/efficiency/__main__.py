"""python -m bench.efficiency [--quick]: prints tables, writes out/bench/efficiency.json, fails if the bar is missed."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.efficiency import Row, errors, paired
from bench.efficiency.cost import HISTORIES, cost

OUT = Path("out/bench/efficiency.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.efficiency", description="Detection delay and type I error.")
    parser.add_argument("--quick", action="store_true", help="few runs: a look, not a measurement")
    quick = parser.parse_args().quick
    print("Mean detection delay / information limit; type I error under unlimited looks, alpha .05\n")
    rows = [_show(row) for row in errors.rows(60 if quick else 1000, 60 if quick else 1000)]
    rows += [_show(row) for row in paired.rows(30 if quick else 150, 20 if quick else 200)]
    costs = [cost(rate, minutes) for rate in (1, 10_000) for minutes in HISTORIES.values()]
    print("\nCost of the error guardrail")
    for c in costs:
        print(
            f"{c['requests_per_second']:>7,}/s {c['minutes']:>7,} minutes: {c['update_ms']:.3f} ms a minute, "
            f"{c['look_ms']:.2f} ms a look, {c['state_bytes']:,} bytes"
        )
    passes = all(row.passes for row in rows)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    report = {"quick": quick, "passes": passes, "rows": [asdict(row) for row in rows], "cost": costs}
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{'within' if passes else 'NOT within'} the bar; {OUT}")
    # Few runs are noisy: only the full bench fails.
    return 0 if passes or quick else 1


def _show(row: Row) -> Row:
    error = "exact" if row.type_i_error is None else f"+- {row.type_i_error:.3f}"
    delays = "  ".join(f"{effect} {ratio:.2f}" for effect, ratio in row.delay_over_limit.items())
    mark = "" if row.most is None else "  (bar met)" if row.passes else "  (bar missed)"
    print(f"{row.test:<42} type I {row.type_i:.4f} {error:<9} {delays}{mark}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
