"""python -m bench.drift_quality [--quick]: prints tables, writes out/bench/drift_quality.json, fails under the bar.

What is measured is written at once; parts of it that a run leaves out stay as an earlier one found them.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.drift_quality import holdouts, selected, tables, worlds
from bench.drift_quality.holdouts import Held
from bench.drift_quality.in_order import Stream, in_order
from bench.drift_quality.measure import Row, Size, concept_rows, world_rows
from bench.drift_quality.selected import Selected

OUT, QUICK_OUT = Path("out/bench/drift_quality.json"), Path("out/bench/drift_quality_quick.json")
QUICK = {"labels": [Size(1000, 1, 20, 4, 12, 0)], "synthetic": [Size(1000, 1, 20, 3, 6, 0)]}
FULL = {
    "labels": [Size(1000, 8, 60, 40, 16, 0), Size(10_000, 2, 40, 6, 6, 0), Size(100_000, 1, 12, 3, 2, 0)],
    "synthetic": [Size(1000, 8, 60, 12, 16, 12), Size(10_000, 2, 40, 6, 3, 2), Size(100_000, 1, 12, 3, 2, 2)],
    "fraud": [Size(1000, 4, 60, 8, 12, 8), Size(10_000, 1, 20, 4, 3, 4), Size(100_000, 1, 12, 3, 2, 2)],
    "bank": [Size(1000, 4, 60, 8, 12, 8), Size(10_000, 1, 20, 4, 3, 4), Size(100_000, 1, 12, 3, 2, 2)],
}
IN_ORDER, HOLDOUTS, SELECTED = "in-order", "holdouts", "selected"


@dataclass
class Measured:
    """What is known so far, this run's and earlier ones'."""

    quick: bool
    rows: list[Row] = field(default_factory=list)
    in_order: list[Stream] = field(default_factory=list)
    holdouts: list[Held] = field(default_factory=list)
    selected: list[Selected] = field(default_factory=list)

    @classmethod
    def read(cls, *, quick: bool) -> "Measured":
        path = cls(quick).path
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return cls(
            quick,
            [Row(**row) for row in known.get("rows", ())],
            [Stream(**stream) for stream in known.get("in_order", ())],
            [Held(**held) for held in known.get("holdouts", ())],
            [Selected(**one) for one in known.get("selected", ())],
        )

    @property
    def path(self) -> Path:
        return QUICK_OUT if self.quick else OUT

    @property
    def bars(self) -> list[tables.Bar]:
        return tables.bars(self.rows, self.holdouts, self.selected, quick=self.quick)

    def add(self, found: list[Row]) -> None:
        new = {(row.world, row.rows) for row in found}
        self.rows = [row for row in self.rows if (row.world, row.rows) not in new] + found
        self.write()

    def write(self) -> None:
        parts = ("rows", "in_order", "holdouts", "selected")
        report = {name: [asdict(one) for one in getattr(self, name)] for name in parts}
        report["bars"] = [asdict(bar) for bar in self.bars]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(report, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.drift_quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs and no peers: a look, not a measurement")
    parser.add_argument(
        "--only", choices=[*FULL, IN_ORDER, HOLDOUTS, SELECTED], nargs="*", help="parts; all unless given"
    )
    parser.add_argument("--rows", type=int, nargs="*", help="windows of so many rows alone")
    parser.add_argument("--part", type=float, default=1.0, help="of the full effort: streams, runs, peers' windows")
    args = parser.parse_args()
    wanted = args.only or [*FULL, HOLDOUTS, SELECTED, *([] if args.quick else [IN_ORDER])]
    known = Measured.read(quick=args.quick)
    for name, sizes in (QUICK if args.quick else FULL).items():
        for size in (size.part(args.part) for size in sizes if name in wanted):
            if not args.rows or size.rows in args.rows:
                found = concept_rows(size) if name == "labels" else world_rows(getattr(worlds, name)(), size)
                print(tables.world(found), end="\n\n", flush=True)
                known.add(found)
    if IN_ORDER in wanted:
        known.in_order = in_order()
    if HOLDOUTS in wanted:
        known.holdouts = holdouts.rows(4 if args.quick else 40)
    if SELECTED in wanted:
        known.selected = selected.rows(4 if args.quick else 20)
    known.write()
    print(tables.rest(known.in_order, known.holdouts, known.selected, known.bars))
    print(known.path)
    # Few runs are noisy: only the full bench fails.
    return 0 if args.quick or all(bar.met for bar in known.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
