"""python -m slipway plan: what a plan takes and can see at your traffic, before any release."""

import argparse
import json
import sys

from slipway import plan, planning


def main(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser(prog="python -m slipway")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("plan", help="how long each step takes, and how soon it finds what")
    made.add_argument("--requests-per-second", type=float, required=True, help="of the endpoint, all variants")
    made.add_argument("--base-error-rate", type=float, default=0.005, help="share of requests without a 2xx today")
    made.add_argument("--plan", default="canary", help=f"one of {', '.join(plan.BUILTIN)}, or JSON as in cdk.json")
    options = parser.parse_args(arguments)
    try:
        chosen = plan.parse(json.loads(options.plan) if options.plan.startswith("{") else options.plan)
        return planning.table(chosen, options.requests_per_second, options.base_error_rate)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
