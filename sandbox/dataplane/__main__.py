"""`python -m sandbox.dataplane --port P`: serve until SIGINT or SIGTERM.

Environment: AWS_ENDPOINT_URL (the gateway) and credentials for it, SANDBOX_TOKEN, SANDBOX_CLOCK. Prints
`READY http://127.0.0.1:PORT` once it answers; GET /ping says so too.
"""

import argparse
import logging
import os
from pathlib import Path

import uvloop

from sandbox import clock
from sandbox.dataplane.router import Router
from sandbox.dataplane.sinks import AwsSink, DirectorySink


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.dataplane", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    parser.add_argument("--seed", type=int, help="makes routing by weight repeatable")
    parser.add_argument("--flush-seconds", type=float, default=1.0, help="real seconds between flushes (default 1)")
    parser.add_argument(
        "--sink",
        type=Path,
        metavar="DIR",
        help="keep capture and metrics in DIR instead of AWS; without IAM, and artifacts may be file:// URLs",
    )
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    router = Router(
        clock=clock.from_env(),
        sink=DirectorySink(arguments.sink) if arguments.sink else AwsSink(),
        gateway_url=None if arguments.sink else os.environ["AWS_ENDPOINT_URL"],
        token=os.environ["SANDBOX_TOKEN"],
        seed=arguments.seed,
        flush_s=arguments.flush_seconds,
    )
    uvloop.run(router.serve(arguments.port, with_parent=arguments.with_parent))


if __name__ == "__main__":
    main()
