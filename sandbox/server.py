"""`python -m sandbox.server --port P`: the gateway, an embedded AWS on 127.0.0.1, until SIGINT or SIGTERM.

Prints one line, `READY http://127.0.0.1:PORT`, once it answers; everything else goes to standard error.
Environment: SANDBOX_CLOCK (virtual time), SANDBOX_TOKEN and SANDBOX_DATAPLANE_URL (the data plane),
SANDBOX_NOTIFICATIONS (a file for SNS messages).
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"
# The account's administrator. Not a secret: the gateway listens on the loopback interface only.
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

_SETTINGS = {
    **ADMINISTRATOR,
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "MINISTACK_REGION": REGION,
    "SFTP_ENABLED": "0",
}
# What of the user's own AWS set-up must not leak into the embedded one.
_FOREIGN = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", arguments.port), backlog=512) as listener:
        app = assemble(listener.getsockname()[1])
        asyncio.run(serve(app, listener, with_parent=arguments.with_parent))


def assemble(port: int) -> ModuleType:
    """MiniStack with all extensions installed. MiniStack reads the environment when it is imported."""
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(_SETTINGS, GATEWAY_PORT=str(port))
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    import ministack.app as app

    for extension in extensions():
        extension.install(app)
    return app


def extensions() -> Iterable[ModuleType]:
    """The extensions in the order in which they must be installed: IAM sees a request before the services do."""
    from sandbox import sagemaker
    from sandbox.aws import (
        authorize,
        autoscaling,
        cloudwatch,
        events,
        iam,
        lambdas,
        notifications,
        routes,
        states,
    )

    return routes, iam, authorize, events, cloudwatch, lambdas, states, notifications, sagemaker, autoscaling


async def serve(app: Any, listener: socket.socket, *, with_parent: bool) -> None:
    """Answer until a signal, then end every process that was started on the way."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from sandbox.aws import background, lambdas

    config = Config()
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    # Hypercorn may close an idle connection just as a request comes in on it; no client here is idle for a day.
    config.keep_alive_timeout = 86_400
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    ended = _until_signal(with_parent)
    serving = asyncio.create_task(hypercorn_serve(app.app, config, shutdown_trigger=ended.wait))
    jobs: list[asyncio.Task[None]] = []
    try:
        await asyncio.to_thread(_wait_until_answering, listener.getsockname()[1])
        jobs = background.start()
        print(f"READY http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        await serving
    finally:
        for job in jobs:
            job.cancel()
        lambdas.stop()


def _until_signal(with_parent: bool) -> asyncio.Event:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    return ended


def _wait_until_answering(port: int) -> None:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=30) as probe:
        probe.sendall(b"GET /_ministack/health HTTP/1.0\r\n\r\n")
        probe.recv(1)


if __name__ == "__main__":
    main()
