"""How fast traffic becomes a profile, beside what people use instead: `python -m bench.drift_speed [--quick]`.

Each case runs in a process of its own, one at a time, and is told in CPU seconds, wall seconds and peak memory; imports
take no part in the times. Prints tables and writes out/bench/drift_speed.json after every case. The peers live in
build/peers/drift-speed, made on demand from peers.txt.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.drift_speed import data, price
from bench.drift_speed.case import CASES
from monitoring import baseline
from slipway import codec

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out/bench/drift_speed.json"
HOME = ROOT / "build/peers/drift-speed"
HERE = Path(__file__).parent
PEERS = (
    *("nannyml", "whylogs", "alibi-detect", "scipy KS", "KLL sketches"),
    *("numpy grid", "numpy grid x10", "polars", "polars x10", "evidently"),
)
ROWS, QUICK = 1_000_000, 100_000
PATIENCE_S = 1800
RATES = (100, 10_000)
QUIET = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}


def run(command: list[str]) -> dict[str, Any]:
    """What a case measured, or {"failed": why}."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {PATIENCE_S} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:60]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def peers() -> Path | None:
    """The interpreter of the peers' environment; None, and a line that says why, if it can't be made."""
    python, ready, wanted = HOME / "bin/python", HOME / "ready", HERE / "peers.txt"
    if not ready.exists() or ready.read_text() != wanted.read_text():
        venv.create(HOME, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*install, "-r", str(wanted)], capture_output=True, text=True)
        if done.returncode:
            sys.stdout.write(f"peers left out, their environment can't be made: {done.stderr.strip()[-300:]}\n")
            return None
        ready.write_text(wanted.read_text())
    return python


def prepare(folder: Path, rows: int) -> None:
    data.write(folder, rows)
    made = baseline.build([folder / "sample.parquet"], baseline.Plan("bench", data.FEATURES, "score"))
    (folder / "reference.json").write_text(codec.dumps(made.reference))


def show(results: dict[str, Any]) -> None:
    table = Table(title=f"{results['rows']:,} rows of 35 features and a score", header_style="bold")
    for column in ("case", "rows", "CPU s", "wall s", "peak MB"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, case in results["cases"].items():
        numbers = (
            [f"{case[key]:,.2f}" for key in ("cpu_s", "wall_s", "peak_mb")] if "cpu_s" in case else [case["failed"]]
        )
        table.add_row(name, f"{case.get('result', 0):,}" if name in CASES else "", *numbers)
    Console().print(table)
    prices = Table(title="US$ a month by list price, every request captured", header_style="bold")
    for column in ("requests/s", "objects", "streaming Lambda", "its S3 requests", "hourly Model Monitor jobs"):
        prices.add_column(column, justify="right")
    for month in results["months"]:
        costs = [f"{month[key]:,.2f}" for key in ("streaming", "storage", "model_monitor")]
        prices.add_row(f"{month['requests_per_s']:,}", f"{month['objects']:,}", *costs)
    Console().print(prices)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drift_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows instead of {ROWS:,}")
    parser.add_argument("--without", default="", help=f"cases to leave out: {', '.join((*CASES, *PEERS))}")
    options = parser.parse_args(arguments)
    rows = QUICK if options.quick else ROWS
    results: dict[str, Any] = {"rows": rows, "load": os.getloadavg(), "cases": {}, "months": []}
    left_out = set(filter(None, options.without.split(",")))
    chosen = [peer for peer in PEERS if peer not in left_out]
    with tempfile.TemporaryDirectory(prefix="slipway-drift-speed-") as name:
        folder = Path(name)
        prepare(folder, rows)
        commands = {
            case: [sys.executable, "-m", "bench.drift_speed.case", case, name] for case in CASES if case not in left_out
        }
        if chosen and (python := peers()):
            tables = [str(folder / "reference.parquet"), str(folder / "current.parquet")]
            commands |= {peer: [str(python), str(HERE / "peer_case.py"), peer, *tables] for peer in chosen}
        for case, command in commands.items():
            results["cases"][case] = run(command)
            save(results)
    streamed = results["cases"].get("streamed", {})
    if "cpu_s" in streamed:
        results["months"] = [asdict(price.month(rate, streamed["cpu_s"] / streamed["result"])) for rate in RATES]
    save(results)
    show(results)


def save(results: dict[str, Any]) -> None:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
