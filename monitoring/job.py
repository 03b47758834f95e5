"""What a processing job runs: `python -m monitoring baseline`, `profile` and `anchors`.

Paths default to where SageMaker mounts a job's inputs and outputs. Engines are imported where they are chosen: the
image of one need not hold the other.
"""

import argparse
import sys
from collections.abc import Sequence

from monitoring import anchors_job, baseline_job, window_job


def main(arguments: Sequence[str]) -> int:
    """0, or 2 with a message where a file can't be read or holds something else than promised."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring", description="Baselines, profiles of traffic, anchors."
    )
    commands = parser.add_subparsers(required=True)
    baseline_job.add_arguments(commands.add_parser("baseline", help="reference and healthy windows, from a table"))
    window_job.add_arguments(commands.add_parser("profile", help="a window of captured traffic, by a reference"))
    anchors_job.add_arguments(commands.add_parser("anchors", help="rows of undisputed labels, labelled again"))
    return parser
