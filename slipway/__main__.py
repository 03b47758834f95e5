"""python -m slipway plan: what a plan takes and can see at your traffic, before any release."""

import argparse
import json
import math
import sys

from slipway import plan, planning


def main(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser(prog="python -m slipway")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("plan", help="how long each step takes, and how soon it finds what")
    made.add_argument("--requests-per-second", type=float, required=True, help="of the endpoint, all variants")
    made.add_argument("--base-error-rate", type=float, default=0.005, help="share of requests without a 2xx today")
    made.add_argument("--plan", default="canary", help=f"one of {', '.join(plan.BUILTIN)}, or JSON as in cdk.json")
    made.add_argument("--outcome-mean", type=float, default=0.0, help="of an A/B test's primary outcome today")
    made.add_argument("--outcome-deviation", type=float, help="its standard deviation; that of a 0 or 1 if not given")
    options = parser.parse_args(arguments)
    try:
        chosen = plan.parse(json.loads(options.plan) if options.plan.startswith("{") else options.plan)
        mean, deviation = options.outcome_mean, options.outcome_deviation
        if deviation is None:
            deviation = math.sqrt(max(0.0, mean * (1 - mean)))
        return planning.table(chosen, options.requests_per_second, options.base_error_rate, mean, deviation)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
