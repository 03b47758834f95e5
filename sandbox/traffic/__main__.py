"""Replay rows as live traffic: `python -m sandbox.traffic --endpoint fraud --rows stream.parquet --rate 300`.

A line of JSON a second on standard output; a last one with `"final": true` after SIGTERM, SIGINT or --seconds. All
times are real seconds, but for the delay of labels, which is virtual.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

import uvloop

from sandbox.traffic.users import Users


def _share(text: str) -> tuple[str, float]:
    variant, _, share = text.partition("=")
    if not 0 <= float(share) <= 1:
        raise argparse.ArgumentTypeError(f"{text}: a share lies between 0 and 1")
    return variant, float(share)


def _then(text: str) -> tuple[int, float]:
    row, _, rate = text.partition("=")
    return int(row), float(rate)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.traffic", description=__doc__.splitlines()[0].partition(":")[0]
    )
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--rows", type=Path, required=True, help="Parquet, in order of time")
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second")
    parser.add_argument("--then", type=_then, metavar="ROW=RATE", help="another rate from that row on")
    parser.add_argument("--url", default=os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"))
    parser.add_argument("--connections", type=int, default=16, help="kept open; more are opened when all are busy")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds until a request counts as lost")
    parser.add_argument("--seconds", type=float, default=None, help="stop by itself")
    parser.add_argument("--start", type=int, default=0, help="the row to begin with")
    parser.add_argument("--target", default="Class")
    parser.add_argument("--drop", default="Time", help="columns that are no features, separated by commas")
    parser.add_argument("--bucket", default=None, help="where ground truth goes; without it there is none")
    parser.add_argument("--label-share", type=float, default=0.6)
    parser.add_argument("--label-delay", type=float, default=1800.0, help="median, in virtual seconds")
    parser.add_argument("--label-spread", type=float, default=0.5, help="standard deviation of the delay's logarithm")
    parser.add_argument(
        "--clicks",
        action="append",
        type=_share,
        default=[],
        metavar="VARIANT=SHARE",
        help="part of a variant's answers that users click on; reported with the label",
    )
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if not options.url:
        parser.error("set AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME or pass --url")
    return options


def main(arguments: list[str]) -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s")
    uvloop.run(Users(parse(arguments)).run())


if __name__ == "__main__":
    main(sys.argv[1:])
