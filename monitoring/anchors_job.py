"""`python -m monitoring anchors`: known labels against those of today, for the detector of label drift."""

import argparse
import math
import sys
from pathlib import Path

from monitoring import anchors, labels
from monitoring.labels import History
from slipway import codec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--known", type=Path, required=True, help="ground truth of rows whose label was never in doubt, 100 to 500")
    add(
        "--again",
        type=Path,
        required=True,
        help="ground truth of the same eventIds, labelled again as labels are today",
    )
    add("--usual", type=float, default=0.02, help="share of them that gets another label in any event")
    add("--output", type=Path, required=True, help="anchors.json, to be put beside the package's baseline")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    found = anchors.compare(_read(options.known), _read(options.again), options.usual)
    options.output.write_text(codec.dumps(found) + "\n")
    sys.stdout.write(f"{found.changed} of {found.rows} anchors got another label\n")


def _read(path: Path) -> dict[str, History]:
    """Raises ValueError on a line that is no ground truth: anchors are few, and each was chosen."""
    refused: list[str] = []
    with path.open("rb") as lines:
        found = labels.read([(0.0, lines)], math.inf, lambda line: refused.append(line.line))
    if refused:
        raise ValueError(f"{path}: no line of ground truth: {refused[0][:200]}")
    return found
